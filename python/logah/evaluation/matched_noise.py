"""Controls: noise that shares one property with a prediction, so that a gain can be put down to it or not."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from logah.graph import ArchitectureGraph
from logah.targets.state_blocks import map_predicted


def moment_matched(
    graph: ArchitectureGraph, predicted: Mapping[str, Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """Gaussian noise with the mean and the standard deviation of each predicted block."""
    return map_predicted(graph, predicted, lambda block, _: _matched(_normal(block.shape, generator), block))


def shuffled(
    graph: ArchitectureGraph, predicted: Mapping[str, Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """The entries of each predicted block in random order."""

    def shuffle(block: Tensor) -> Tensor:
        return block.flatten()[torch.randperm(block.numel(), generator=generator)].view(block.shape)

    return map_predicted(graph, predicted, lambda block, _: shuffle(block))


def random_rank(
    graph: ArchitectureGraph, predicted: Mapping[str, Tensor], rank: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Products of Gaussian factors of rank `rank`, scaled to the deviation of each predicted matrix.

    Kernels and positions are matrices with their last dimensions joined; vectors are moment-matched.
    """

    def product(block: Tensor) -> Tensor:
        if block.dim() == 1:
            return _matched(_normal(block.shape, generator), block)
        rows = block.shape[0] if block.shape[0] > 1 else block.shape[1]
        factors = _normal((rows, rank), generator), _normal((rank, block.numel() // rows), generator)
        matrix = (factors[0] @ factors[1]).reshape(block.shape)
        return matrix * (block.std() / matrix.std())

    return map_predicted(graph, predicted, lambda block, _: product(block))


def _normal(shape: tuple[int, ...] | torch.Size, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator)


def _matched(noise: Tensor, block: Tensor) -> Tensor:
    if block.numel() == 1:
        return block.clone()
    return (noise - noise.mean()) / noise.std() * block.std() + block.mean()
