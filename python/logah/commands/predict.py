"""`logah predict`: predicts the parameters of a network and writes them to a safetensors file."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

from logah.commands.ending import exit_status
from logah.commands.request_flags import add_request_flags, integer, output_path, read_input, request_options
from logah.commands.security_flags import security
from logah.commands.tables import in_bytes, table

if TYPE_CHECKING:
    from logah.client import Event, PredictOptions, SavedPrediction

_CHUNK_BYTES = (4096, 4 << 20)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser; its flags are those of the Node.js command line."""
    parser = subparsers.add_parser(
        "predict",
        help="predict the parameters of a network and write them to a safetensors file",
        description="Asks a server for the parameters of a network and writes model.safetensors, with config.json "
        "beside it.",
    )
    add_request_flags(parser)
    parser.add_argument("--out", type=output_path, required=True, metavar="DIR", help="the directory to write")
    parser.add_argument(
        "--chunk-bytes", type=integer(*_CHUNK_BYTES), default=1 << 20, help="largest chunk (default: 1048576)"
    )
    parser.add_argument(
        "--representation",
        choices=("dense", "factors", "core"),
        default="dense",
        help="what is sent: every element, low-rank factors that are multiplied here, or what the factors are made of; "
        "the same tensors, to rounding, from far fewer bytes (default: dense)",
    )
    parser.add_argument("--factors", action="store_true", help="short for --representation factors")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="where it fails or is interrupted, keep what came as NAME.partial beside the file, and go on with what an "
        "earlier run of the same prediction kept; sent dense",
    )
    parser.add_argument("--sha256", action="store_true", help="also compare the SHA-256 of every tensor")
    parser.add_argument("--quiet", action="store_true", help="show only warnings and errors")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.set_defaults(run=lambda arguments: exit_status(lambda: _run(arguments)))


def _run(arguments: argparse.Namespace) -> int:
    saved = _predict(arguments)
    if arguments.json:
        print(json.dumps(_report(saved, arguments.seed), indent=2))
    elif not arguments.quiet:
        print(_table(arguments.out.resolve().name, saved))
        print(f"wrote {saved.path} (model {saved.plan.model})")
    return 0


def _predict(arguments: argparse.Namespace) -> SavedPrediction:
    from tqdm import tqdm

    from logah.client import DataEvent, PlanEvent, connect
    from logah.client.wire.expansion import cache_directory

    architecture = read_input(arguments)
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(
            connect(
                arguments.server, cache_directory=cache_directory(), patience=arguments.patience, **security(arguments)
            )
        )
        bars: list[tqdm[Any]] = []

        def show(event: Event) -> None:
            if isinstance(event, PlanEvent):
                for note in event.plan.notes:
                    print(f"note: {note}", file=sys.stderr)
                for warning in event.plan.warnings:
                    print(f"warning: {warning.text}", file=sys.stderr)
                _warn_of_idle_seed(event.plan.seeded_elements, arguments.seed)
                bar = tqdm(
                    total=event.plan.total_bytes,
                    unit="B",
                    unit_scale=True,
                    desc=arguments.out.resolve().name,
                    disable=arguments.quiet,
                )
                bars.append(stack.enter_context(bar))
            elif isinstance(event, DataEvent):
                bars[0].update(event.offset + len(event.data) - bars[0].n)

        options: PredictOptions = {
            **request_options(arguments),
            "chunk_bytes": arguments.chunk_bytes,
            "sha256": arguments.sha256,
            "representation": "factors" if arguments.factors else arguments.representation,
        }
        return client.save(architecture, arguments.out, on_event=show, resume=arguments.resume, **options)


def _warn_of_idle_seed(seeded_elements: int, seed: int) -> None:
    """Says that another seed would bring the same weights. 0 is what a caller has who gave none."""
    if seed != 0 and seeded_elements == 0:
        print(
            f"warning: --seed {seed} changes no weight: none of them is drawn at random, and all would be the same "
            "with any seed; --lift and --base add seeded noise to what is predicted",
            file=sys.stderr,
        )


def _table(name: str, saved: SavedPrediction) -> str:
    plan, summary, coverage = saved.plan, saved.summary, saved.plan.coverage
    cells = {
        "network": name,
        "tensors": f"{len(plan.tensors):,}",
        "parameters": f"{coverage.parameters:,}",
        "predicted": f"{coverage.predicted:,}",
        "tiled": f"{coverage.tiled:,}",
        "by rule": f"{coverage.initialized:,}",
        **({"kept": f"{coverage.kept:,}"} if coverage.kept > 0 else {}),
        "tied": f"{coverage.tied:,}",
        "size": in_bytes(plan.total_bytes),
        "seconds": f"{saved.seconds:.2f}",
        "MB/s": f"{plan.total_bytes / saved.seconds / 1e6:.1f}",
        "server peak": in_bytes(summary.peak_memory_bytes),
    }
    titles = [title if title == "network" else f"{title}>" for title in cells]
    return table(titles, [tuple(cells.values())])


def _report(saved: SavedPrediction, seed: int) -> dict[str, Any]:
    """Sizes in bytes, times in seconds; the keys of the Node.js command line."""
    plan, summary = saved.plan, saved.summary
    return {
        "file": str(saved.path),
        "config": None if saved.config_path is None else str(saved.config_path),
        "model": plan.model,
        "fingerprint": plan.fingerprint,
        "family": plan.family,
        "seed": seed,
        "dtype": plan.element_type.safetensors,
        "tensors": len(plan.tensors),
        "sentTensors": len(plan.sent),
        "bytes": plan.total_bytes,
        "coverage": vars(plan.coverage),
        "widening": None if plan.widening is None else vars(plan.widening),
        "lift": plan.lift,
        "strength": plan.strength,
        "base": plan.base,
        "warnings": [vars(warning) for warning in plan.warnings],
        "seconds": saved.seconds,
        "bytesPerSecond": round(plan.total_bytes / saved.seconds),
        "serverTimings": {f"{name}Seconds": seconds for name, seconds in vars(summary.timings).items()},
        "serverPeakMemoryBytes": summary.peak_memory_bytes,
    }
