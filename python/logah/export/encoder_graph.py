"""The encoder as an ONNX graph.

Attention looks from a block of B nodes to all of them at a time, so that memory grows with N and not with its square;
only the distances, a byte each, are held whole.

Dimensions in names: N nodes, B of a block, C = hid, H heads, D = C / H.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto
from torch import Tensor, nn

from logah.export.graph_writer import GraphWriter, linear_at
from logah.hypernet.encoder import (
    MAX_DEGREE,
    MAX_INPUT_DISTANCE,
    EdgeBias,
    Encoder,
    EncoderLayer,
    ShapeTable,
    SmoothShape,
)

#: Of a block's attention weights [H, B, N], so that they stay in the processor's cache.
BLOCK_ELEMENTS = 2**20
LEAST_BLOCK = 16


def encoder_graph(encoder: Encoder, edge_bias_table: Tensor | None = None) -> bytes:
    """Node operations, sizes and shortest paths -> node embeddings.

    Inputs: `operation` int32 [N], rows of the vocabulary; `shape` int32 [N, 4], sizes (out, in, height, width), all
    0 for a node without; `edges_in`, `edges_out` int32 [N], their numbers; `distance` uint8 [N, N], shortest paths, 0
    for none, no value above the cutoff. Output: `embedding` float32 [N, C].
    """
    g = GraphWriter("encoder", encoder_graph.__doc__ or "")
    operation = g.input("operation", "int32", ["N"])
    shape = g.input("shape", "int32", ["N", 4])
    distance = g.input("distance", "uint8", ["N", "N"])

    x = g.op("Gather", g.constant("embed", encoder.embed.weight), operation)
    x = g.op("Add", x, _shape(g, shape, encoder.shape))
    for way, table in (("in", encoder.in_degree), ("out", encoder.out_degree)):
        degree = g.op("Min", g.input(f"edges_{way}", "int32", ["N"]), g.scalar(MAX_DEGREE, "int32"))
        x = g.op("Add", x, g.op("Gather", g.constant(f"{way}_degree", table.weight), degree))
    from_input = g.op("Cast", g.op("Gather", distance, g.scalar(0, "int64"), axis=0), to=TensorProto.INT32)
    from_input = g.op("Min", from_input, g.scalar(MAX_INPUT_DISTANCE, "int32"))
    x = g.op("Add", x, g.op("Gather", g.constant("input_distance", encoder.input_distance.weight), from_input))

    table_DH = _edge_bias_table(encoder.edge_bias) if edge_bias_table is None else edge_bias_table
    cutoff = g.scalar(encoder.edge_bias.cutoff, "int32")
    bias = EdgeBiasRows(distance, g.constant("edge_bias", table_DH), cutoff)
    blocks = _blocks(g, operation, table_DH.shape[1])
    for index, layer in enumerate(encoder.layers):
        assert isinstance(layer, EncoderLayer)
        x = _layer(g, x, bias, blocks, layer, f"layers.{index}")
    if isinstance(encoder.norm, nn.LayerNorm):
        x = _norm(g, x, encoder.norm, "norm")
    g.output("embedding", x, ["N", encoder.embed.embedding_dim])
    return g.to_bytes()


@dataclass(frozen=True)
class Blocks:
    """How the nodes are cut into blocks of `rows` nodes (int64 [1]), `count` (int64 []) of them.

    The last block ends with the last node and may overlap the one before it; `places` (int64 [N]) are the nodes' rows
    among those of all blocks, one behind the other.
    """

    rows: str
    count: str
    last: str
    places: str


def _blocks(g: GraphWriter, operation: str, heads: int) -> Blocks:
    """As many nodes a block as keep its weights [H, B, N] within `BLOCK_ELEMENTS`.

    Never a single one but of a graph of one node: a single row takes another kernel, with other last bits.
    """
    nodes = g.op("Shape", operation)
    fitting = g.op("Div", g.ints(BLOCK_ELEMENTS // heads), nodes)
    rows = g.op("Min", g.op("Max", fitting, g.ints(LEAST_BLOCK)), nodes)
    count = g.op("Div", g.op("Sub", g.op("Add", nodes, rows), g.ints(1)), rows)
    last = g.op("Sub", nodes, rows)
    node = g.op("Range", g.scalar(0, "int64"), g.op("Squeeze", nodes), g.scalar(1, "int64"))
    before = g.op("Mul", g.op("Sub", count, g.ints(1)), rows)
    shifted = g.op("Add", node, g.op("Sub", before, last))
    places = g.op("Where", g.op("Less", node, before), node, shifted)
    return Blocks(rows, g.op("Squeeze", count), last, places)


@dataclass(frozen=True)
class EdgeBiasRows:
    """What the attention bias is made of: `distance` [N, N], `table` [2 * cutoff + 1, H], `cutoff`."""

    distance: str
    table: str
    cutoff: str

    def between(self, g: GraphWriter, start: str, end: str) -> str:
        """The bias of the nodes from `start` to `end` (int64 [1]) with all: [H, B, N]."""
        # In a directed acyclic graph a pair's two distances are one number, and its bias a row of a constant table.
        forward = g.op("Slice", self.distance, start, end, g.ints(0))
        backward = g.op("Transpose", g.op("Slice", self.distance, start, end, g.ints(1)), perm=[1, 0])
        numbers = (g.op("Cast", path, to=TensorProto.INT32) for path in (forward, backward))
        row = g.op("Add", g.op("Sub", *numbers), self.cutoff)
        return g.op("Transpose", g.op("Gather", self.table, row), perm=[2, 0, 1])


def _edge_bias_table(edge_bias: EdgeBias) -> Tensor:
    """The table computed in float64, so that its float32 bits do not depend on the number of threads."""
    return copy.deepcopy(edge_bias).double().table().float()


def _shape(g: GraphWriter, shape: str, module: nn.Module) -> str:
    """Sizes [N, 4] -> [N, C]."""
    encode = _table_shape if isinstance(module, ShapeTable) else _smooth_shape
    channels = g.op("Slice", shape, g.ints(0), g.ints(2), g.ints(1))
    kernel = g.op("Slice", shape, g.ints(2), g.ints(4), g.ints(1))
    return encode(g, shape, channels, kernel, module)


def _table_shape(g: GraphWriter, shape: str, channels: str, kernel: str, module: nn.Module) -> str:
    assert isinstance(module, ShapeTable)
    parts = []
    for name, sizes, rows, table in (
        ("channel", channels, module.channel_rows, module.embed_channel),
        ("spatial", kernel, module.spatial_rows, module.embed_spatial),
    ):
        lookup = g.constant(f"{name}_rows", rows.numpy().astype(np.int32))
        clamped = g.op("Clip", sizes, g.scalar(0, "int32"), g.scalar(len(rows) - 1, "int32"))
        parts.append(g.op("Gather", g.constant(f"embed_{name}", table.weight), g.op("Gather", lookup, clamped)))
    return g.op("Flatten", g.op("Concat", *parts, axis=1), axis=1)


def _smooth_shape(g: GraphWriter, shape: str, channels: str, kernel: str, module: nn.Module) -> str:
    assert isinstance(module, SmoothShape)
    frequencies = g.constant("frequencies", module.frequencies)
    width = module.missing.shape[0] // 4
    parts = []
    for name, sizes, mlp in (("channel", channels, module.channel), ("spatial", kernel, module.spatial)):
        # The logarithm in float64: an error in its last float32 bit would be 25 times as large in the fastest wave.
        exact = g.op("Cast", g.op("Max", sizes, g.scalar(1, "int32")), to=TensorProto.DOUBLE)
        octaves = g.op("Div", g.op("Log", exact), g.scalar(math.log(2), "float64"))
        octaves = g.op("Reshape", g.op("Cast", octaves, to=TensorProto.FLOAT), g.ints(-1, 1))
        angles = g.op("Mul", octaves, frequencies)
        features = g.op(
            "Concat",
            g.op("Div", octaves, g.scalar(12.0)),
            g.op("Sin", angles),
            g.op("Cos", angles),
            axis=1,
        )
        hidden = g.op("Relu", g.linear(features, f"shape.{name}.0", linear_at(mlp, 0)))
        encoded = g.linear(hidden, f"shape.{name}.2", linear_at(mlp, 2))
        parts.append(g.op("Reshape", encoded, g.ints(-1, 2 * width)))
    known = g.op("Concat", *parts, axis=1)
    has_shape = g.op("Greater", g.op("Slice", shape, g.ints(0), g.ints(1), g.ints(1)), g.scalar(0, "int32"))
    return g.op("Where", has_shape, known, g.constant("shape.missing", module.missing))


def _layer(g: GraphWriter, x: str, bias: EdgeBiasRows, blocks: Blocks, layer: EncoderLayer, name: str) -> str:
    """One transformer layer, [N, C] -> [N, C]."""
    hid = layer.to_out.in_features
    head_size = hid // layer.heads
    normed = _norm(g, x, layer.ln1, f"{name}.ln1")
    qkv = g.op("Reshape", g.linear(normed, f"{name}.to_qkv", layer.to_qkv), g.ints(-1, 3, layer.heads, head_size))
    q_HND, k_HDN, v_HND = (
        g.op("Transpose", g.op("Gather", qkv, g.scalar(part, "int64"), axis=1), perm=perm)
        for part, perm in enumerate(([1, 0, 2], [1, 2, 0], [1, 0, 2]))
    )

    def mixed(block: GraphWriter, index: str) -> str:
        """The attention of one block: [B, C]."""
        start = block.op("Min", block.op("Mul", index, blocks.rows), blocks.last)
        end = block.op("Add", start, blocks.rows)
        q_HBD = block.op("Slice", q_HND, start, end, block.ints(1))
        scores_HBN = block.op("Mul", block.op("MatMul", q_HBD, k_HDN), block.scalar(head_size**-0.5))
        weights_HBN = block.op("Softmax", block.op("Add", scores_HBN, bias.between(block, start, end)), axis=-1)
        mixed_BHD = block.op("Transpose", block.op("MatMul", weights_HBN, v_HND), perm=[1, 0, 2])
        return block.op("Reshape", mixed_BHD, block.ints(-1, hid))

    rows_BC = g.op("Reshape", g.loop(blocks.count, mixed), g.ints(-1, hid))
    mixed_NC = g.op("Gather", rows_BC, blocks.places)
    x = g.op("Add", x, g.linear(mixed_NC, f"{name}.to_out", layer.to_out))
    normed = _norm(g, x, layer.ln2, f"{name}.ln2")
    hidden = g.op("Gelu", g.linear(normed, f"{name}.ff.0", linear_at(layer.ff, 0)))
    return g.op("Add", x, g.linear(hidden, f"{name}.ff.2", linear_at(layer.ff, 2)))


def _norm(g: GraphWriter, x: str, norm: nn.LayerNorm, name: str) -> str:
    weight, bias = g.constant(f"{name}.weight", norm.weight), g.constant(f"{name}.bias", norm.bias)
    return g.op("LayerNormalization", x, weight, bias, axis=-1, epsilon=norm.eps)
