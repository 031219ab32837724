"""The encoder as an ONNX graph.

Dimensions in names: N nodes, C = hid, H heads, D = C / H.
"""

from __future__ import annotations

import copy
import math

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


def encoder_graph(encoder: Encoder) -> bytes:
    """Node operations, sizes and shortest paths -> node embeddings.

    Inputs: `operation` int32 [N], rows of the vocabulary; `shape` int32 [N, 4], sizes (out, in, height, width), all
    0 for a node without; `distance` int32 [N, N], 0 for no path, no value above the cutoff.
    Output: `embedding` float32 [N, C].
    """
    g = GraphWriter("encoder", encoder_graph.__doc__ or "")
    operation = g.input("operation", "int32", ["N"])
    shape = g.input("shape", "int32", ["N", 4])
    distance = g.input("distance", "int32", ["N", "N"])

    x = g.op("Gather", g.constant("embed", encoder.embed.weight), operation)
    x = g.op("Add", x, _shape(g, shape, encoder.shape))
    # Direct edges are the pairs at distance 1: column sums count what comes in, row sums what goes out.
    is_edge = g.op("Cast", g.op("Equal", distance, g.scalar(1, "int32")), to=TensorProto.INT32)
    for name, table, axis in (("in_degree", encoder.in_degree, 0), ("out_degree", encoder.out_degree, 1)):
        degree = g.op("Min", g.op("ReduceSum", is_edge, g.ints(axis), keepdims=0), g.scalar(MAX_DEGREE, "int32"))
        x = g.op("Add", x, g.op("Gather", g.constant(name, table.weight), degree))
    from_input = g.op("Gather", distance, g.scalar(0, "int64"), axis=0)
    from_input = g.op("Min", from_input, g.scalar(MAX_INPUT_DISTANCE, "int32"))
    x = g.op("Add", x, g.op("Gather", g.constant("input_distance", encoder.input_distance.weight), from_input))

    # In a directed acyclic graph a pair's two distances are one number, and its bias a row of a constant table.
    difference = g.op("Sub", distance, g.op("Transpose", distance, perm=[1, 0]))
    row = g.op("Add", difference, g.scalar(encoder.edge_bias.cutoff, "int32"))
    bias_NNH = g.op("Gather", g.constant("edge_bias", _edge_bias_table(encoder.edge_bias)), row)
    bias_HNN = g.op("Transpose", bias_NNH, perm=[2, 0, 1])

    for index, layer in enumerate(encoder.layers):
        assert isinstance(layer, EncoderLayer)
        x = _layer(g, x, bias_HNN, layer, f"layers.{index}")
    if isinstance(encoder.norm, nn.LayerNorm):
        x = _norm(g, x, encoder.norm, "norm")
    g.output("embedding", x, ["N", encoder.embed.embedding_dim])
    return g.to_bytes()


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


def _layer(g: GraphWriter, x: str, bias_HNN: str, layer: EncoderLayer, name: str) -> str:
    """One transformer layer, [N, C] -> [N, C]."""
    hid = layer.to_out.in_features
    head_size = hid // layer.heads
    normed = _norm(g, x, layer.ln1, f"{name}.ln1")
    qkv = g.op("Reshape", g.linear(normed, f"{name}.to_qkv", layer.to_qkv), g.ints(-1, 3, layer.heads, head_size))
    q_HND, k_HDN, v_HND = (
        g.op("Transpose", g.op("Gather", qkv, g.scalar(part, "int64"), axis=1), perm=perm)
        for part, perm in enumerate(([1, 0, 2], [1, 2, 0], [1, 0, 2]))
    )
    scores_HNN = g.op("Mul", g.op("MatMul", q_HND, k_HDN), g.scalar(head_size**-0.5))
    weights_HNN = g.op("Softmax", g.op("Add", scores_HNN, bias_HNN), axis=-1)
    mixed_NHD = g.op("Transpose", g.op("MatMul", weights_HNN, v_HND), perm=[1, 0, 2])
    mixed_NC = g.op("Reshape", mixed_NHD, g.ints(-1, hid))
    x = g.op("Add", x, g.linear(mixed_NC, f"{name}.to_out", layer.to_out))
    normed = _norm(g, x, layer.ln2, f"{name}.ln2")
    hidden = g.op("Gelu", g.linear(normed, f"{name}.ff.0", linear_at(layer.ff, 0)))
    return g.op("Add", x, g.linear(hidden, f"{name}.ff.2", linear_at(layer.ff, 2)))


def _norm(g: GraphWriter, x: str, norm: nn.LayerNorm, name: str) -> str:
    weight, bias = g.constant(f"{name}.weight", norm.weight), g.constant(f"{name}.bias", norm.bias)
    return g.op("LayerNormalization", x, weight, bias, axis=-1, epsilon=norm.eps)
