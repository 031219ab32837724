"""The base under a prediction: W = B(seed) + A B^T, where B(seed) is the start that the network itself would draw.

A prediction alone has the rank of its factors, and the matrices of a network are alike. With a base that is drawn anew
at every step of the hypernetwork's training, what it learns is a correction of a healthy start, for any seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from logah.targets.state_blocks import is_matrix
from logah.targets.task import Task

#: "default": the start of transformers; "none": the prediction stands alone.
Base = Literal["none", "default"]


def with_base(
    task: Task, config: Mapping[str, Any], predicted: Mapping[str, Tensor], base: Base, seed: int
) -> dict[str, Tensor]:
    """The prediction with its base drawn from `seed` under each matrix; gradients go through the prediction alone.

    Vectors (norms and biases) and a ViT's positions stay as they are predicted, since their own start is no draw.
    Leaves torch's own random numbers as they were.
    """
    if base == "none":
        return dict(predicted)
    with torch.random.fork_rng(devices=[]):
        start = task.initialized(config, seed)
    return {name: start[name] + tensor if is_matrix(tensor) else tensor for name, tensor in predicted.items()}
