"""`logah train`: trains a hypernetwork as a YAML file says."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

from logah.errors import LogahError
from logah.hypernet.presets import PRESET_NAMES, PRESETS


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "train",
        help="train a hypernetwork",
        description="Trains a hypernetwork. Goes on from the last checkpoint in the run's directory, if there is one. "
        "On several devices: torchrun --nproc-per-node N -m logah train CONFIG.yaml; each process draws meta_batch "
        "architectures of its own a step, and the gradients are averaged.",
    )
    parser.add_argument("configuration", type=Path, metavar="CONFIG.yaml", help="the run, as those in python/configs")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIRECTORY",
        help="where checkpoint.pt, best.pt, log.csv, validation.csv and curves.png go (default: runs/NAME)",
    )
    parser.add_argument(
        "--preset",
        choices=PRESET_NAMES,
        help="width, heads, layers and rank of one of the published sizes, in place of the configuration's own",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where everything is computed; auto: cuda where there is one, else cpu (default: auto)",
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of torch (default: torch's own choice)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains to the configured number of steps."""
    import torch

    from logah.data.cache import cache_directory
    from logah.data.token_files import copy_tokenizer
    from logah.evaluation.zero_shot import validation_losses
    from logah.hypernet.hypernetwork import Hypernetwork
    from logah.targets.mixture import joined
    from logah.targets.text import TextTask
    from logah.training.configuration import read_configuration
    from logah.training.ranks import torchrun_ranks
    from logah.training.tasks import load_tasks
    from logah.training.train import Trainer

    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    directory = arguments.out or Path("runs") / arguments.configuration.stem
    is_main = True
    try:
        configuration = read_configuration(arguments.configuration)
        train, validation = configuration.train, configuration.validation
        if arguments.preset is not None:
            sizes = asdict(PRESETS[arguments.preset])
            train = replace(train, hypernet=replace(train.hypernet, **sizes))
        with torchrun_ranks(arguments.device) as (ranks, device):
            is_main = ranks.is_main
            tasks = ranks.main_first(lambda: load_tasks(train, cache_directory(), device))

            def validate(model: Hypernetwork) -> dict[str, float]:
                assert validation is not None
                return validation_losses(model, tasks, train.members, validation, train.base)

            trainer = Trainer(train, joined(tasks), directory, validate if validation else None, ranks)
            for task in tasks.values() if is_main else ():
                if isinstance(task, TextTask):
                    copy_tokenizer(task.data, directory / "tokenizer")
            trainer.run()
    except (LogahError, OSError) as error:
        print(f"logah train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if is_main:
            checkpoint = directory / "checkpoint.pt"
            print(f"logah train: interrupted; the same command goes on from {checkpoint}", file=sys.stderr)
        return 130
    if is_main:
        print(directory / "checkpoint.pt")
    return 0
