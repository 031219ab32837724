"""`logah train`: trains a hypernetwork as a YAML file says."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

from logah.hypernet.presets import PRESET_NAMES, PRESETS


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "train",
        help="train a hypernetwork",
        description="Trains a hypernetwork. Goes on from the last checkpoint in the run's directory, if there is one.",
    )
    parser.add_argument("configuration", type=Path, metavar="CONFIG.yaml", help="the run, as those in python/configs")
    parser.add_argument(
        "--out", type=Path, metavar="DIRECTORY", help="where checkpoint.pt and log.csv go (default: runs/NAME)"
    )
    parser.add_argument(
        "--preset",
        choices=PRESET_NAMES,
        help="width, heads, layers and rank of one of the published sizes, in place of the configuration's own",
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of torch (default: torch's own choice)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains to the configured number of steps."""
    import torch
    import yaml

    from logah.hypernet.hypernetwork import Hypernetwork
    from logah.training.cache import cache_directory
    from logah.training.configuration import ConfigurationError, read_configuration
    from logah.training.data_error import DataError
    from logah.training.evaluate import validation_loss
    from logah.training.families import FAMILIES
    from logah.training.train import Trainer, TrainingDiverged

    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    directory = arguments.out or Path("runs") / arguments.configuration.stem
    try:
        configuration = read_configuration(arguments.configuration)
        train, validation = configuration.train, configuration.validation
        if arguments.preset is not None:
            sizes = asdict(PRESETS[arguments.preset])
            train = replace(train, hypernet=replace(train.hypernet, **sizes))
        task = FAMILIES[train.family].load(cache_directory())

        def validate(model: Hypernetwork) -> float:
            return validation_loss(model, task, train.space, validation.networks, validation.limit)

        Trainer(train, task, directory, validate).run()
    except (ConfigurationError, DataError, TrainingDiverged, OSError, yaml.YAMLError) as error:
        print(f"logah train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"logah train: interrupted; the same command goes on from {directory / 'checkpoint.pt'}", file=sys.stderr)
        return 130
    print(directory / "checkpoint.pt")
    return 0
