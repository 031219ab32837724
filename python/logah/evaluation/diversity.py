"""How alike the matrices of one network are: hypernetworks tend to predict the same one many times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor

from logah.graph import ArchitectureGraph
from logah.targets.state_blocks import is_matrix, predicted_blocks


def mean_absolute_cosine(graph: ArchitectureGraph, state: Mapping[str, Tensor]) -> float:
    """Over all pairs of matrices of equal shape, each third of a fused projection for itself: 0 unlike, 1 the same.

    0 where no two have the same shape.
    """
    shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
    for block, _ in predicted_blocks(graph, state):
        if is_matrix(block):
            shapes[block.shape].append(block.flatten())
    total, count = 0.0, 0
    for matrices in shapes.values():
        rows = torch.nn.functional.normalize(torch.stack(matrices).double(), dim=1)
        pairs = (rows @ rows.T).triu(1).abs()
        total += pairs.sum().item()
        count += len(matrices) * (len(matrices) - 1) // 2
    return total / count if count else 0.0
