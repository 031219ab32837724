"""A hypernetwork: an architecture graph in, every parameter that it predicts out.

Dimensions in names: N nodes, C = hid, G blocks of equal shape decoded together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from logah.graph import ArchitectureGraph, GraphError, Prediction
from logah.hypernet.config import HypernetConfig
from logah.hypernet.encoder import Encoder
from logah.hypernet.low_rank_decoder import LowRankDecoder
from logah.hypernet.normalization import fan_in_scale, squash_bias, squash_norm_weight
from logah.hypernet.shapes import rounded_size, shape_slots


@dataclass(frozen=True)
class PredictedBlock:
    """One block of one parameter, and the node that it is decoded from."""

    parameter: str
    position: int
    shape: tuple[int, ...]
    node_shape: tuple[int, ...]
    prediction: Prediction


@dataclass(frozen=True)
class GraphFeatures:
    """What the encoder reads of a graph: operation rows [N], sizes [N, 4], shortest paths [N, N], all int64."""

    graph: ArchitectureGraph
    operation_N: Tensor
    shape_N4: Tensor
    distance_NN: Tensor

    @staticmethod
    def of(graph: ArchitectureGraph, config: HypernetConfig) -> GraphFeatures:
        """Raises GraphError for an operation outside the model's vocabulary or a graph with a cycle."""
        rows = {name: row for row, name in enumerate(config.operations)}
        for node in graph.nodes:
            if node.operation not in rows:
                raise GraphError(
                    f"node {node.name!r} has operation {node.operation!r}; this model knows {', '.join(rows)}"
                )
        return GraphFeatures(
            graph,
            torch.tensor([rows[node.operation] for node in graph.nodes]),
            torch.tensor([shape_slots(node.shape) for node in graph.nodes]),
            torch.from_numpy(graph.distances(config.cutoff)),
        )

    @cached_property
    def blocks(self) -> list[PredictedBlock]:
        """Every predicted block, in the order of the parameters."""
        return [
            PredictedBlock(p.name, position, shape, self.graph.nodes[block.origin.node].shape, block.origin)
            for p in self.graph.parameters
            for position, (block, shape) in enumerate(zip(p.blocks, p.block_shapes(), strict=True))
            if isinstance(block.origin, Prediction)
        ]


class Hypernetwork(nn.Module):
    """LoGAH: a Graphormer encoder and a low-rank decoder, as published or aligned."""

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = LowRankDecoder(config)
        # Nodes with equal surroundings have equal embeddings; without slots, q, k and v would be the same matrix.
        self.slot = nn.Embedding(config.slots, config.hid) if config.slots > 1 else None

    def forward(self, features: GraphFeatures) -> dict[tuple[str, int], Tensor]:
        """Predicts every predicted block of the graph: (parameter name, block position) -> tensor of its shape."""
        embedding_NC = self.encoder(features.operation_N, features.shape_N4, features.distance_NN)
        return self.decode(embedding_NC, features.blocks)

    def decode(self, embedding_NC: Tensor, blocks: list[PredictedBlock]) -> dict[tuple[str, int], Tensor]:
        """Decodes the blocks, those of equal shape together."""
        groups: dict[tuple[object, ...], list[PredictedBlock]] = defaultdict(list)
        for block in blocks:
            groups[block.shape, block.node_shape, block.prediction.role].append(block)
        result: dict[tuple[str, int], Tensor] = {}
        for group in groups.values():
            embedding_GC = embedding_NC[torch.tensor([block.prediction.node for block in group])]
            if self.slot is not None:
                embedding_GC = embedding_GC + self.slot(torch.tensor([block.prediction.slot for block in group]))
            tensors = self._decode_group(embedding_GC, group[0])
            for block, tensor in zip(group, tensors.unbind(0), strict=True):
                result[block.parameter, block.position] = tensor
        return {(b.parameter, b.position): result[b.parameter, b.position] for b in blocks}

    def _decode_group(self, embedding_GC: Tensor, block: PredictedBlock) -> Tensor:
        role = block.prediction.role
        if role in ("ROLE_NORM_WEIGHT", "ROLE_BIAS"):
            vector = self._vector(embedding_GC, block.shape[0], 0 if role == "ROLE_NORM_WEIGHT" else 1)
            return squash_norm_weight(vector) if role == "ROLE_NORM_WEIGHT" else squash_bias(vector)
        weight = self._matrix(embedding_GC, block)
        return weight if role == "ROLE_EMBEDDING" else weight * fan_in_scale(block.shape)

    def _vector(self, embedding_GC: Tensor, length: int, row: int) -> Tensor:
        """A 1-D block [G, length]; `row` 0 is the weight's, 1 the bias's."""
        largest = self.config.max_shape[0]
        if self.config.decoder == "aligned":
            a, b = self.decoder(embedding_GC, min(length, largest), 2)
            vector = (a @ b.transpose(1, 2))[:, :, row]
        else:
            # The published decoder makes [2, K] from one column of 2K rows; K is rounded, which moves the bias.
            rounded = rounded_size(length, largest)
            a, b = self.decoder(embedding_GC, 2 * rounded, 1)
            vector = (a @ b.transpose(1, 2)).unflatten(1, (2, rounded))[:, row, :, 0]
        return _tile(vector, 1, length)

    def _matrix(self, embedding_GC: Tensor, block: PredictedBlock) -> Tensor:
        """A block of two or more dimensions [G, *shape], before its scale."""
        shape = block.shape
        max_out, max_in, _, _ = self.config.max_shape
        if len(shape) == 3 and shape[0] == 1 and min(shape[1:]) > 1:
            _, width, height, side = shape_slots(block.node_shape)
            weight = self._kernel(embedding_GC, 1, min(width, self.config.ck // side), height, side)
            return _tile(_tile(weight, 2, width).flatten(3).permute(0, 1, 3, 2), 2, shape[1])
        if len(shape) == 2:
            a, b = self.decoder(embedding_GC, min(shape[0], max_out), min(shape[1], max_in))
            return _tile(_tile(a, 1, shape[0]) @ _tile(b, 1, shape[1]).transpose(1, 2), 1, shape[0])
        if len(shape) != 4:
            raise GraphError(f"{block.parameter}: no decoder for a shape of {len(shape)} dimensions {shape}")
        out_count, in_count, height, width = shape
        o = min(out_count, max_out, self.config.ck // height)
        i = min(in_count, max_in, self.config.ck // width)
        weight = self._kernel(embedding_GC, o, i, height, width)
        return _tile(_tile(weight, 1, out_count), 2, in_count)

    def _kernel(self, embedding_GC: Tensor, o: int, i: int, h: int, w: int) -> Tensor:
        """A kernel [G, o, i, h, w], decoded as a matrix [o * h, i * w]."""
        a, b = self.decoder(embedding_GC, o * h, i * w)
        return (a @ b.transpose(1, 2)).unflatten(2, (i, w)).unflatten(1, (o, h)).transpose(2, 3)


def _tile(tensor: Tensor, dim: int, length: int) -> Tensor:
    """Repeats a dimension from its beginning until it has `length` entries."""
    have = tensor.shape[dim]
    if have >= length:
        return tensor.narrow(dim, 0, length)
    return tensor.index_select(dim, torch.arange(length, device=tensor.device) % have)
