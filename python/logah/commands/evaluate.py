"""`logah evaluate`: how well networks do with predicted parameters, as the manifest records it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a trained hypernetwork",
        description="Measures zero-shot accuracy on test images, or perplexity on test text, for the "
        "architectures that the run's YAML names, and writes the record that `logah export --training` puts into the "
        "manifest.",
    )
    parser.add_argument("configuration", type=Path, metavar="CONFIG.yaml", help="the run that was trained")
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="its checkpoint.pt")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the JSON file to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluates; prints a line a network."""
    import torch

    from logah.hypernet.checkpoint import CheckpointError, load_checkpoint
    from logah.training.cache import cache_directory
    from logah.training.configuration import ConfigurationError, read_configuration
    from logah.training.data_error import DataError
    from logah.training.evaluate import evaluate_groups
    from logah.training.families import FAMILIES

    try:
        configuration = read_configuration(arguments.configuration)
        model = load_checkpoint(arguments.checkpoint).model
        family = FAMILIES[configuration.train.family]
        task = family.load(cache_directory())
        state = torch.load(arguments.checkpoint, weights_only=True)
    except (CheckpointError, ConfigurationError, DataError, OSError) as error:
        print(f"logah evaluate: {error}", file=sys.stderr)
        return 1
    train = configuration.train
    model.train(False)
    record = {
        "dataset": family.dataset,
        "steps": state["step"],
        "seconds": round(state["seconds"]),
        "seed": train.seed,
        "batch_size": train.batch_size,
        "ranges": {train.family: train.space.ranges()},
        "references": task.references(),
        "held_out_widths": list(train.space.held_out_widths),
        "metrics": evaluate_groups(model, task, train.space, configuration.evaluation),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=2) + "\n")
    print(arguments.out)
    return 0
