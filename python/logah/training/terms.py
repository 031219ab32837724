"""Terms of a loss on what is predicted: against matrices of a network that are alike, near zero, or too large.

A product of two matrices near zero has next to no gradient, and factors that lie in a few directions make matrices that
are alike (docs/research-log.md, sections 8 and 12): the loss of the network itself leads out of neither. Behind a norm
a matrix may grow for ever at no loss, until nothing can be learnt of it (section 16).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

#: Of a mean square under a logarithm, whose gradient at a matrix of zeros would not be finite.
LEAST_SQUARE = 1e-12


def likeness(matrices: Sequence[Tensor]) -> Tensor:
    """The mean squared cosine over all pairs of equal shape: 0 unlike, 1 the same; 0 where no two have one shape."""
    shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
    for matrix in matrices:
        shapes[matrix.shape].append(matrix.flatten())
    total, count = matrices[0].new_zeros(()), 0
    for alike in shapes.values():
        rows = torch.nn.functional.normalize(torch.stack(alike), dim=1)
        total = total + (rows @ rows.T).triu(1).square().sum()
        count += len(alike) * (len(alike) - 1) // 2
    return total / max(1, count)


def excess(matrices: Sequence[Tensor], deviation: float) -> Tensor:
    """The mean over matrices of how far the root of the mean square lies above `deviation`: the logarithm, squared."""
    squares = torch.stack([matrix.square().mean() for matrix in matrices])
    above = torch.relu(torch.log((squares + LEAST_SQUARE).sqrt() / deviation))
    return above.square().mean()


def silence(matrices: Sequence[Tensor], deviation: float) -> Tensor:
    """The mean over matrices of how far the root of the mean square lies below `deviation`: the logarithm, squared."""
    squares = torch.stack([matrix.square().mean() for matrix in matrices])
    below = torch.relu(torch.log(deviation / (squares + LEAST_SQUARE).sqrt()))
    return below.square().mean()
