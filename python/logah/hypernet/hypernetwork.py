"""A hypernetwork: an architecture graph in, every parameter that it predicts out.

Dimensions in names: N nodes, C = hid, G blocks of equal shape decoded together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor, nn

from logah.graph import ArchitectureGraph, GraphError, Prediction
from logah.hypernet.config import DecoderKind, EmbeddingScale, HypernetConfig
from logah.hypernet.dense_decoder import DenseDecoder
from logah.hypernet.encoder import Encoder
from logah.hypernet.low_rank_decoder import AlignedDecoder, LowRankDecoder
from logah.hypernet.normalization import scaled_weight, squash_bias, squash_norm_weight
from logah.hypernet.shapes import shape_slots
from logah.hypernet.tiling import tile


@dataclass(frozen=True)
class PredictedBlock:
    """One block of one parameter, and the node that it is decoded from."""

    parameter: str
    position: int
    shape: tuple[int, ...]
    node_shape: tuple[int, ...]
    prediction: Prediction
    #: The standard deviation that a weight is scaled to; None: it is scaled by its fan-in.
    deviation: float | None = None


@dataclass(frozen=True)
class GraphFeatures:
    """What the encoder reads of a graph: operation rows [N], sizes [N, 4], shortest paths [N, N], all int64.

    deviation: the standard deviation of the graph's weights where the model scales to it, else None.
    """

    graph: ArchitectureGraph
    operation_N: Tensor
    shape_N4: Tensor
    distance_NN: Tensor
    deviation: float | None = None

    @staticmethod
    def of(graph: ArchitectureGraph, config: HypernetConfig) -> GraphFeatures:
        """Raises GraphError for an operation outside the model's vocabulary, a graph with a cycle, and a layout."""
        rows = {name: row for row, name in enumerate(config.operations)}
        for node in graph.nodes:
            if node.operation not in rows:
                raise GraphError(
                    f"node {node.name!r} has operation {node.operation!r}; this model knows {', '.join(rows)}"
                )
        stored = next((p.name for p in graph.parameters if p.layout is not None), None)
        if stored is not None:
            raise GraphError(f"parameter {stored!r} has a layout: training takes parameters as the framework has them")
        return GraphFeatures(
            graph,
            torch.tensor([rows[node.operation] for node in graph.nodes]),
            torch.tensor([shape_slots(node.shape) for node in graph.nodes]),
            torch.from_numpy(graph.distances(config.cutoff)),
            graph.initializer_range if config.normalization == "std" else None,
        )

    def to(self, device: torch.device) -> GraphFeatures:
        """The same with its tensors on the device."""
        return replace(
            self,
            operation_N=self.operation_N.to(device),
            shape_N4=self.shape_N4.to(device),
            distance_NN=self.distance_NN.to(device),
        )

    @cached_property
    def blocks(self) -> list[PredictedBlock]:
        """Every predicted block, in the order of the parameters."""
        return [
            PredictedBlock(
                p.name, position, shape, self.graph.nodes[block.origin.node].shape, block.origin, self.deviation
            )
            for p in self.graph.parameters
            for position, (block, shape) in enumerate(zip(p.blocks, p.block_shapes(), strict=True))
            if isinstance(block.origin, Prediction)
        ]


class BlockDecoder(Protocol):
    """Node embeddings [G, C] -> blocks of one shape, tiled where the shape exceeds `max_shape`, before their scale."""

    def vector(self, embedding_GC: Tensor, length: int, row: int, *, classifier: bool) -> Tensor:
        """[G, length]; `row` 0 is a norm layer's weight, 1 a bias."""

    def matrix(self, embedding_GC: Tensor, out_count: int, in_count: int, *, classifier: bool) -> Tensor:
        """[G, out, in]."""

    def kernel(self, embedding_GC: Tensor, out_count: int, in_count: int, height: int, width: int) -> Tensor:
        """[G, out, in, height, width]."""

    def positions(self, embedding_GC: Tensor, channels: int, side: int) -> Tensor:
        """[G, 1, channels, side, side]: the position embeddings of a square of patches."""


DECODERS: dict[DecoderKind, type[LowRankDecoder] | type[DenseDecoder]] = {
    "low_rank": LowRankDecoder,
    "aligned": AlignedDecoder,
    "dense": DenseDecoder,
}


class Hypernetwork(nn.Module):
    """A Graphormer encoder and a decoder: LoGAH's as published, ours with aligned blocks, or GHN-3's."""

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        allowed = ("fan_in",) if config.decoder == "dense" else ("fan_in", "std")
        if config.normalization not in allowed:
            raise ValueError(
                f"normalization: got {config.normalization!r}; a {config.decoder} decoder has {' or '.join(allowed)}"
            )
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = DECODERS[config.decoder](config)
        # Nodes with equal surroundings have equal embeddings; without slots, q, k and v would be the same matrix.
        self.slot = nn.Embedding(config.slots, config.hid) if config.slots > 1 else None

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.encoder.embed.weight.device

    def forward(self, features: GraphFeatures) -> dict[tuple[str, int], Tensor]:
        """Predicts every predicted block of the graph: (parameter name, block position) -> tensor of its shape."""
        return self.decode(self.embed(features), features.blocks)

    def embed(self, features: GraphFeatures) -> Tensor:
        """The node embeddings [N, C]."""
        embedding_NC: Tensor = self.encoder(features.operation_N, features.shape_N4, features.distance_NN)
        return embedding_NC

    def decode(self, embedding_NC: Tensor, blocks: list[PredictedBlock]) -> dict[tuple[str, int], Tensor]:
        """Decodes the blocks, those of equal shape together."""
        groups: dict[tuple[object, ...], list[PredictedBlock]] = defaultdict(list)
        for block in blocks:
            role, classifier = block.prediction.role, block.prediction.classifier
            groups[block.shape, block.node_shape, role, classifier, block.deviation].append(block)
        result: dict[tuple[str, int], Tensor] = {}
        for group in groups.values():
            nodes = torch.tensor([block.prediction.node for block in group], device=embedding_NC.device)
            embedding_GC = embedding_NC[nodes]
            if self.slot is not None:
                slots = torch.tensor([block.prediction.slot for block in group], device=embedding_NC.device)
                embedding_GC = embedding_GC + self.slot(slots)
            tensors = decode_block(self.decoder, embedding_GC, group[0], self.config.embedding_scale)
            for block, tensor in zip(group, tensors.unbind(0), strict=True):
                result[block.parameter, block.position] = tensor
        return {(b.parameter, b.position): result[b.parameter, b.position] for b in blocks}


def decode_block(
    decoder: BlockDecoder, embedding_GC: Tensor, block: PredictedBlock, embedding_scale: EmbeddingScale = "none"
) -> Tensor:
    """Blocks [G, *shape] that are alike in everything but their embedding: decoded, tiled and scaled."""
    shape, role, classifier = block.shape, block.prediction.role, block.prediction.classifier
    is_vector = role in ("ROLE_NORM_WEIGHT", "ROLE_BIAS")
    if is_vector and len(shape) == 1:
        if role == "ROLE_NORM_WEIGHT":
            return squash_norm_weight(decoder.vector(embedding_GC, shape[0], 0, classifier=classifier))
        return squash_bias(decoder.vector(embedding_GC, shape[0], 1, classifier=classifier))
    if not is_vector and len(shape) == 2:
        weight = decoder.matrix(embedding_GC, shape[0], shape[1], classifier=classifier)
    elif not is_vector and len(shape) == 4:
        weight = decoder.kernel(embedding_GC, *shape)
    elif not is_vector and len(shape) == 3 and shape[0] == 1 and min(shape[1:]) > 1:
        _, channels, side, _ = shape_slots(block.node_shape)
        square = decoder.positions(embedding_GC, channels, side)
        weight = tile(square.flatten(3).transpose(2, 3), 2, shape[1])
    else:
        raise GraphError(f"{block.parameter}: no decoder for {role} of shape {list(shape)}")
    if role == "ROLE_EMBEDDING":
        return weight if embedding_scale == "none" else scaled_weight(weight, None)
    return scaled_weight(weight, block.deviation)
