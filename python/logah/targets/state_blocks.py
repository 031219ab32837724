"""The blocks of a state dict: what a hypernetwork predicts in one piece, such as each third of a fused projection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from logah.graph import ArchitectureGraph, Initialization, Prediction


def map_predicted(
    graph: ArchitectureGraph, state: Mapping[str, Tensor], change: Callable[[Tensor, Prediction], Tensor]
) -> dict[str, Tensor]:
    """The state with every predicted block changed; blocks that follow a rule, and tied parameters, stay."""
    result = {}
    for parameter in graph.parameters:
        if parameter.tied_to:
            continue
        tensor = state[parameter.name]
        parts = [
            part if isinstance(block.origin, Initialization) else change(part, block.origin)
            for block, part in zip(
                parameter.blocks, tensor.split([b.length for b in parameter.blocks], parameter.axis), strict=True
            )
        ]
        result[parameter.name] = parts[0] if len(parts) == 1 else torch.cat(parts, parameter.axis)
    return result


def predicted_blocks(graph: ArchitectureGraph, state: Mapping[str, Tensor]) -> Iterator[tuple[Tensor, Prediction]]:
    """Every predicted block and where it comes from, in the order of the parameters."""
    for parameter in graph.parameters:
        if parameter.tied_to:
            continue
        lengths = [block.length for block in parameter.blocks]
        for block, part in zip(parameter.blocks, state[parameter.name].split(lengths, parameter.axis), strict=True):
            if isinstance(block.origin, Prediction):
                yield part, block.origin


def is_matrix(tensor: Tensor) -> bool:
    """A linear layer's weight, an embedding's table or a kernel; a ViT's positions [1, tokens, width] are not."""
    return tensor.dim() in (2, 4)
