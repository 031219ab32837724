"""`logah compare`: plans an experiment on a network and on data of one's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logah.errors import ConfigurationError, LogahError

if TYPE_CHECKING:
    from logah.targets.own_network import OwnNetwork

#: Of a budget; more is a slip of the finger.
_MOST_EPOCHS = 1_000_000

DESCRIPTION = """\
Writes the plan of a comparison: a network is trained from several starts, each at the best of six learning rates, with
several seeds. `logah evaluate compare` runs it, and goes on where it was stopped."""

EPILOG = """\
examples:
  logah compare config.json --models default,mimetic,models/logah-tiny-gpt2-kjv --data text=book.txt
  logah evaluate compare compare-config.yaml --out compare-config.jsonl
  logah evaluate report compare-config.jsonl --out compare-config.md"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "compare",
        help="plan a comparison of starts on a network of your own",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("network", type=Path, metavar="CONFIG.json", help="a ViT's, GPT-2's or Llama's configuration")
    parser.add_argument(
        "--models",
        default="default,orthogonal,mimetic",
        metavar="START,...",
        help="closed forms, bundles' directories and checkpoints; default is always among them (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        metavar="NAME|KIND=VALUE",
        help="what the network learns: a name of `logah data`, or images=DIRECTORY, text=FILE, torchvision=CLASS, "
        "datasets=NAME (default: fashion-mnist, or kjv)",
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="COUNT", help="of each start (default: %(default)s)")
    parser.add_argument(
        "--epochs", default="1,5", metavar="N,...", help="budgets in epochs of 50 steps (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, metavar="PLAN.yaml", help="default: compare-CONFIG.yaml")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the plan; prints what it holds and what runs it."""
    import yaml

    from logah.evaluation.comparison.own_plan import own_plan, trainings
    from logah.evaluation.comparison.plan import plan_from
    from logah.targets.own_network import read_network

    out = arguments.out or Path(f"compare-{arguments.network.stem}.yaml")
    try:
        if out.suffix == ".jsonl":
            raise ConfigurationError(f"out: got {out}, expected another suffix: the results will be called so")
        network = read_network(arguments.network)
        data = _data(arguments.data, network)
        starts = [name.strip() for name in arguments.models.split(",") if name.strip()]
        plan = own_plan(arguments.network, network, starts, data, _seeds(arguments.seeds), _epochs(arguments.epochs))
        plan_from(plan, str(out))
        with out.open("x", encoding="utf-8") as file:
            yaml.safe_dump(plan, file, sort_keys=False)
    except FileExistsError:
        print(f"logah compare: {out} exists; --out names another file", file=sys.stderr)
        return 1
    except (LogahError, OSError) as error:
        print(f"logah compare: {error}", file=sys.stderr)
        return 1
    compared, tries = trainings(plan)
    results = out.with_suffix(".jsonl")
    print(f"{out}: {compared} trainings, and {tries} to choose learning rates")
    print(f"run:    logah evaluate compare {out} --out {results}")
    print(f"tables: logah evaluate report {results} --out {out.with_suffix('.md')}")
    return 0


def _data(given: str | None, network: OwnNetwork) -> str | dict[str, Any]:
    from logah.targets.families import FAMILIES
    from logah.training.configuration import read_data

    family = FAMILIES[network.family]
    kind, equals, value = (family.default_data if given is None else given).partition("=")
    data: str | dict[str, Any] = {kind: value} if equals else kind
    read_data(data, family, "data")
    if equals and not value:
        raise ConfigurationError(f"data: got {given!r}, expected something behind the equals sign")
    path = Path(value)
    if (kind == "text" and not path.is_file()) or (kind == "images" and not path.is_dir()):
        raise ConfigurationError(f"data: got {given!r}, expected a {'file' if kind == 'text' else 'directory'} there")
    return data


def _seeds(count: int) -> range:
    if count < 1:
        raise ConfigurationError(f"seeds: got {count}, expected at least 1")
    return range(count)


def _epochs(text: str) -> list[float]:
    try:
        epochs = [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigurationError(f"epochs: got {text!r}, expected numbers with commas between them") from None
    if not all(0 < number <= _MOST_EPOCHS for number in epochs):
        raise ConfigurationError(f"epochs: got {text!r}, expected numbers above 0, to {_MOST_EPOCHS:,}")
    return epochs
