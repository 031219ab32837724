"""`logah average`: the mean of a run's weights and those of another model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from logah.errors import LogahError

DESCRIPTION = """\
Writes a checkpoint with the mean of a run's averaged weights and those of the model that it went on from.

Such a mean can keep what the older model does beyond the trained sizes, and what the run gained within."""

EPILOG = """\
example:
  logah average runs/mine/best.pt models/logah-tiny-vit-fashion --out runs/mine/average.pt"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "average",
        help="write the mean of two trained hypernetworks",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="the run's")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a checkpoint, or a bundle's directory")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the checkpoint to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Averages; prints the file."""
    from logah.training.average import average

    try:
        average(arguments.checkpoint, arguments.model, arguments.out)
    except (LogahError, OSError) as error:
        print(f"logah average: {error}", file=sys.stderr)
        return 1
    print(arguments.out)
    return 0
