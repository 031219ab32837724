"""The subcommands of `python -m logah`, one module each.

A module's `add_parser(subparsers)` adds its parser and sets the default `run`, a function of the parsed arguments
that returns the exit status. What a command runs is imported when it runs, so that `--help` needs no torch.
"""
