"""`logah evaluate`: how well networks do with predicted parameters, at once and in the course of training."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logah.errors import LogahError

if TYPE_CHECKING:
    from logah.targets.mixture import Member

RESULTS = Path("bench/results")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a trained hypernetwork",
        description="Measures what networks gain from predicted parameters.",
    )
    kinds = parser.add_subparsers(title="measurements", metavar="MEASUREMENT", required=True)
    zero_shot = kinds.add_parser(
        "zero-shot",
        help="networks with predicted parameters, without a step of training",
        description="Measures zero-shot accuracy on test images, or perplexity on test text, for the architectures "
        "that the run's YAML names, and writes the record that `logah export --training` puts into the manifest.",
    )
    zero_shot.add_argument("configuration", type=Path, metavar="CONFIG.yaml", help="the run that was trained")
    zero_shot.add_argument("model", type=Path, metavar="MODEL", help="its checkpoint.pt, or a bundle's directory")
    zero_shot.add_argument("--out", type=Path, required=True, metavar="FILE", help="the JSON file to write")
    zero_shot.set_defaults(run=run_zero_shot)
    compare = kinds.add_parser(
        "compare",
        help="train networks from predicted parameters and from other initialisations",
        description="Runs a plan, the most important trainings first. Each is added to a file of JSON lines when it is "
        "finished and is not run again: the same command goes on where an earlier one stopped.",
    )
    compare.add_argument("plan", type=Path, metavar="PLAN.yaml", help="such as python/configs/compare-vit.yaml")
    compare.add_argument("--model", help="a bundle or a checkpoint (default: the plan's)")
    compare.add_argument("--out", type=Path, metavar="FILE", help="default: bench/results/PLAN.jsonl")
    compare.add_argument("--hours", type=float, help="start no training later than this")
    compare.add_argument(
        "--share", type=_share, default=(0, 1), metavar="I/N", help="every N-th job from the I-th, for N processes"
    )
    compare.add_argument("--threads", type=int, default=1, help="of torch (default: 1)")
    compare.add_argument("--list", action="store_true", help="list what is left, most important first, and run nothing")
    compare.set_defaults(run=run_compare)
    report = kinds.add_parser(
        "report",
        help="write docs/results.md from the results of comparisons",
        description="Writes tables and plots from files of results alone; the same results give the same bytes. Needs "
        "matplotlib.",
    )
    report.add_argument(
        "results", type=Path, nargs="*", metavar="FILE", help="default: bench/results/compare-*.jsonl, each a chapter"
    )
    report.add_argument("--out", type=Path, default=Path("docs/results.md"), help="default: docs/results.md")
    report.set_defaults(run=run_report)


def run_zero_shot(arguments: argparse.Namespace) -> int:
    """Evaluates; prints a line a network."""
    from logah.data.cache import cache_directory
    from logah.data.source import describe
    from logah.evaluation.zero_shot import evaluate_members
    from logah.targets.mixture import joined
    from logah.training.configuration import read_configuration
    from logah.training.tasks import load_tasks
    from logah.training.trained_model import load_model, training_of

    try:
        configuration = read_configuration(arguments.configuration)
        model = load_model(arguments.model)
        tasks = load_tasks(configuration.train, cache_directory())
        path = configuration.train.start_from
        start = {} if path is None else {"start_from": training_of(Path(path))}
    except (LogahError, OSError) as error:
        print(f"logah evaluate: {error}", file=sys.stderr)
        return 1
    train = configuration.train
    record = {
        "dataset": _each(train.members, lambda member: describe(member.data)),
        "steps": model.steps,
        "seconds": round(model.seconds),
        "seed": train.seed,
        "batch_size": _each(train.members, lambda member: member.batch_size),
        **start,
        **({} if train.base == "none" else {"base": train.base}),
        **({} if model.averaged_with is None else {"averaged_with": model.averaged_with}),
        "ranges": {name: member.space.ranges() for member in train.members for name in member.space.model_types},
        "references": joined(tasks).references(),
        "held_out_widths": _each(train.members, lambda member: list(member.space.held_out_widths)),
        "metrics": evaluate_members(model.hypernetwork, tasks, train.members, configuration.evaluation, train.base),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=2) + "\n")
    print(arguments.out)
    return 0


def _each(members: Sequence[Member], value: Callable[[Member], Any]) -> Any:
    """The value of a run's one family, or those of several by family."""
    if len(members) == 1:
        return value(members[0])
    return {member.family: value(member) for member in members}


def run_compare(arguments: argparse.Namespace) -> int:
    """Runs what is left of a plan; prints a line a run."""
    import torch

    from logah.data.cache import cache_directory
    from logah.evaluation.comparison.plan import read_plan
    from logah.evaluation.comparison.prepare import prepared
    from logah.evaluation.comparison.records import RecordFile

    torch.set_num_threads(arguments.threads)
    out = arguments.out or RESULTS / f"{arguments.plan.stem}.jsonl"
    try:
        plan = read_plan(arguments.plan)
        if arguments.model is not None:
            plan = replace(plan, model=arguments.model)
        comparison = prepared(plan, str(arguments.plan), RecordFile(out), cache_directory())
        if arguments.list:
            jobs = comparison.jobs()
            rest = comparison.left(jobs)
            print("\n".join([*map(comparison.key, rest), f"{len(rest)} left of {len(jobs)}"]))
            return 0
        left = comparison.run(arguments.share, arguments.hours, lambda line: print(line, flush=True))
    except (LogahError, OSError) as error:
        print(f"logah evaluate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; what is finished is in {out}", file=sys.stderr)
        return 1
    print(f"{left} jobs of this share are left; results: {out}")
    return 0


def run_report(arguments: argparse.Namespace) -> int:
    """Writes the page, and its plots in `images` beside it; prints both."""
    from logah.evaluation.comparison.plots import plot_curves
    from logah.evaluation.comparison.records import RecordFile
    from logah.evaluation.comparison.report import render
    from logah.evaluation.comparison.results import Results

    # Vision before language, as elsewhere.
    files = arguments.results or sorted(RESULTS.glob("compare-*.jsonl"), reverse=True)
    try:
        results = {path.stem: Results(RecordFile(path).read()) for path in files}
    except ValueError as error:
        print(f"logah evaluate: {error} in {', '.join(map(str, files))}", file=sys.stderr)
        return 1
    for name, found in results.items():
        image = arguments.out.parent / "images" / f"results-{name}.svg"
        plot_curves(found, image)
        print(image)
    arguments.out.write_text(render(results))
    print(arguments.out)
    return 0


def _share(text: str) -> tuple[int, int]:
    """0/2 -> (0, 2)."""
    first, _, count = text.partition("/")
    if not (first.isdigit() and count.isdigit() and int(first) < int(count)):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected I/N with I from 0 to N - 1")
    return int(first), int(count)
