"""Which matrices of predicted networks do nothing: each is set to zero in turn, and the loss measured.

python python/bench/silent_tensors.py python/configs/logah-tiny-vit-fashion.yaml NAME=MODEL ... --out FILE.json

A model is a bundle or a checkpoint. The networks are the last of the configuration's `evaluation.trained` and of its
`evaluation.held_out`, the examples are of the validation split.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from logah.data.cache import cache_directory
from logah.evaluation.fine_tune import held_out, measure
from logah.evaluation.zero_shot import Score
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.state_blocks import is_matrix
from logah.targets.task import Task, predict_state
from logah.training.configuration import read_configuration
from logah.training.tasks import load_tasks
from logah.training.trained_model import load_model

#: Images or tokens.
LIMIT = 500
#: A matrix is silent if the loss without it differs by less, in nats; chance differs between networks by more.
SILENT = 1e-3


@torch.no_grad()
def silence(model: Hypernetwork, task: Task, config: Mapping[str, Any]) -> dict[str, Any]:
    """The network's score, and of each matrix its deviation and the loss without it less the loss with it."""
    state = predict_state(model, task.graph(config), torch.Generator().manual_seed(0))
    module, examples = task.module(config), held_out(task, config, "validation", LIMIT)

    def score(changed: Mapping[str, Tensor]) -> Score:
        return measure(task, module, {**state, **changed}, examples)

    whole = score({})
    matrices = {name: tensor for name, tensor in state.items() if is_matrix(tensor)}
    without = {name: score({name: torch.zeros_like(tensor)}).loss - whole.loss for name, tensor in matrices.items()}
    silent = [name for name, loss in without.items() if abs(loss) < SILENT]
    return {
        "loss": round(whole.loss, 5),
        "accuracy": round(whole.accuracy, 5),
        "silent": silent,
        "matrices": [
            {"name": name, "deviation": round(float(tensor.std()), 5), "loss_without": round(without[name], 5)}
            for name, tensor in matrices.items()
        ],
    }


def main() -> None:
    """Measures and writes; prints a line a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configuration", type=Path, metavar="CONFIG.yaml")
    parser.add_argument("models", nargs="+", metavar="NAME=MODEL")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    configuration = read_configuration(arguments.configuration)
    (task,) = load_tasks(configuration.train, cache_directory()).values()
    space = configuration.train.members[0].space
    networks = [configuration.evaluation[group][task.family][-1] for group in ("trained", "held_out")]
    results = []
    for given in arguments.models:
        name, _, path = given.partition("=")
        model = load_model(Path(path)).hypernetwork
        for sizes in networks:
            result = silence(model, task, space.config(**sizes))
            results.append({"model": name, "family": task.family, "network": sizes, **result})
            count = len(result["matrices"])
            print(f"{name}, {sizes}: {len(result['silent'])} of {count} matrices are silent, loss {result['loss']}")
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
