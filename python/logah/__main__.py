"""The command line: `python -m logah COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from logah import __version__
from logah.commands import average, compare, data, evaluate, export, health, models, plan, predict, trace, train

COMMANDS = (predict, plan, models, health, trace, data, train, evaluate, compare, average, export)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 0 done, 1 refused or failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="logah", description="Graph hypernetworks: predict initial weights.")
    parser.add_argument("--version", action="version", version=f"logah {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except ModuleNotFoundError as error:
        # A package that the client alone does not need, such as torch; what is missing of our own is a fault.
        if error.name is None or error.name.split(".")[0] == "logah":
            raise
        print(f"logah: this command needs {error.name}; in a clone: pip install './python[hypernet]'", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
