"""The decoders as ONNX graphs. Tiling, scales and the choice of sizes stay with the caller (`decode_block`).

Dimensions in names: C = hid, R = rank, K = ck, G nodes at a time, M and N rows of the factors, O, I, H, W = max_shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from logah.export.graph_writer import GraphWriter, linear_at
from logah.hypernet.dense_decoder import DenseDecoder
from logah.hypernet.hypernetwork import Hypernetwork
from logah.hypernet.low_rank_decoder import LowRankDecoder

#: The last layer of a low-rank decoder, for the service and for clients that make the factors themselves.
EXPANSION = "expansion.bin"


def expansion_bytes(weight_KR: Tensor | NDArray[np.float32], bias_K: Tensor | NDArray[np.float32]) -> bytes:
    """The layer as the contract's `Expansion` has it: weight, then bias, float32, little-endian, row-major."""
    arrays = (x.detach().numpy() if isinstance(x, Tensor) else x for x in (weight_KR, bias_K))
    return b"".join(np.asarray(array, dtype="<f4").tobytes() for array in arrays)


def decoder_graphs(model: Hypernetwork) -> dict[str, bytes]:
    """The files that decode a node embedding, by name."""
    if isinstance(model.decoder, LowRankDecoder):
        return {
            "decoder.onnx": _cores(model.decoder, model.slot),
            "product.onnx": _product(model.decoder.rank),
            EXPANSION: expansion_bytes(model.decoder.l2.weight, model.decoder.l2.bias),
        }
    assert isinstance(model.decoder, DenseDecoder)
    return {
        "decoder.onnx": _dense_kernel(model.decoder, model.slot),
        "decoder_1d.onnx": _dense_vectors(model.decoder, model.slot),
        "decoder_class.onnx": _dense_class(model.decoder),
    }


def _cores(decoder: LowRankDecoder, slot: nn.Embedding | None) -> bytes:
    """Node embeddings -> the first rows of the cores that the expansion makes the factors of their blocks of.

    Inputs: `embedding` float32 [G, C]; `slot` int32 [G] where the model has slots; `core_rows_a`, `core_rows_b` int64
    [1], 1 to R. Outputs: `core_a` float32 [G, core_rows_a, R], `core_b` float32 [G, core_rows_b, R]. What an embedding
    is decoded to has the same bits among any two or more, and others alone.
    """
    rank = decoder.rank
    g = GraphWriter("cores", _cores.__doc__ or "")
    x = _embedding(g, linear_at(decoder.core, 0).in_features, slot, "G")
    for index in (0, 2):
        x = g.op("Relu", g.linear(x, f"core.{index}", linear_at(decoder.core, index)))
    last = linear_at(decoder.core, 4)
    weight_2XC, bias_2X = last.weight.unflatten(0, (2, rank * rank)), last.bias.unflatten(0, (2, rank * rank))
    for half, name in enumerate("ab"):
        count = g.input(f"core_rows_{name}", "int64", [1])
        flat = g.op("Mul", count, g.ints(rank))
        core = g.op(
            "Gemm",
            x,
            g.head(g.constant(f"core.4.{name}.weight", weight_2XC[half]), flat),
            g.head(g.constant(f"core.4.{name}.bias", bias_2X[half]), flat),
            transB=1,
        )
        shape = g.op("Concat", g.ints(-1), count, g.ints(rank), axis=0)
        g.output(f"core_{name}", g.op("Reshape", g.op("Relu", core), shape), ["G", f"core_rows_{name}", rank])
    return g.to_bytes()


def _product(rank: int) -> bytes:
    """The factors of a block, or any of their rows -> the block. Inputs: `a` [M, R], `b` [N, R]. Output: `product`
    [M, N] = a @ b^T, all float32.
    """
    g = GraphWriter("product", _product.__doc__ or "")
    a, b = g.input("a", "float32", ["M", rank]), g.input("b", "float32", ["N", rank])
    g.output("product", g.op("Gemm", a, b, transB=1), ["M", "N"])
    return g.to_bytes()


def _dense_kernel(decoder: DenseDecoder, slot: nn.Embedding | None) -> bytes:
    """A node embedding -> a kernel of the asked size, before tiling.

    Inputs: `embedding` float32 [1, C]; `slot` int32 [1] where the model has slots; int64 [1] each `out` (1 to O),
    `in` (1 to I), `height` and `width` (at least 1; above H and W the kernel is interpolated).
    Output: `kernel` float32 [out, in, height, width].
    """
    out_max, in_max, height_max, width_max = decoder.max_shape
    first, second, third = linear_at(decoder.fc, 0), linear_at(decoder.conv, 0), linear_at(decoder.conv, 2)
    hidden = second.in_features
    g = GraphWriter("kernel", _dense_kernel.__doc__ or "")
    x = _embedding(g, first.in_features, slot)
    out_count, in_count = g.input("out", "int64", [1]), g.input("in", "int64", [1])
    height, width = g.input("height", "int64", [1]), g.input("width", "int64", [1])

    # Only the positions in the centre: rows of `fc`, viewed [4C, H, W].
    viewed = (hidden, height_max, width_max)
    weight = g.constant("fc.weight", first.weight.unflatten(0, viewed))
    bias = g.constant("fc.bias", first.bias.unflatten(0, viewed))
    for axis, (size, largest) in enumerate(((height, height_max), (width, width_max)), start=1):
        start = g.op("Max", g.op("Sub", g.ints(largest // 2), g.op("Div", size, g.ints(2))), g.ints(0))
        end = g.op("Min", g.op("Add", start, size), g.ints(largest))
        weight = g.op("Slice", weight, start, end, g.ints(axis))
        bias = g.op("Slice", bias, start, end, g.ints(axis))
    positions = g.op("Concat", g.ints(hidden), g.op("Shape", bias, start=1), axis=0)
    flat_weight = g.op("Reshape", weight, g.ints(-1, first.in_features))
    features = g.op("Relu", g.op("Gemm", x, flat_weight, g.op("Reshape", bias, g.ints(-1)), transB=1))
    features_PC = g.op("Transpose", g.op("Reshape", features, g.ints(hidden, -1)), perm=[1, 0])

    hidden_PC = g.op("Relu", g.linear(features_PC, "conv.0", second))
    weight = g.constant("conv.2.weight", third.weight.unflatten(0, (out_max, in_max)))
    bias = g.constant("conv.2.bias", third.bias.unflatten(0, (out_max, in_max)))
    weight = g.head(g.head(weight, out_count), in_count, axis=1)
    bias = g.head(g.head(bias, out_count), in_count, axis=1)
    flat_weight = g.op("Reshape", weight, g.ints(-1, third.in_features))
    # [out * in, P], so that the result is a kernel without a transposition.
    product = g.op("Gemm", flat_weight, hidden_PC, g.op("Reshape", bias, g.ints(-1, 1)), transB=1)
    window = g.op("Slice", positions, g.ints(1), g.ints(3), g.ints(0))
    kernel = g.op("Reshape", product, g.op("Concat", out_count, in_count, window, axis=0))
    size = g.op("Concat", out_count, in_count, height, width, axis=0)
    kernel = g.op("Resize", kernel, "", "", size, mode="linear", coordinate_transformation_mode="half_pixel")
    g.output("kernel", kernel, ["out", "in", "height", "width"])
    return g.to_bytes()


def _dense_vectors(decoder: DenseDecoder, slot: nn.Embedding | None) -> bytes:
    """A node embedding -> its 1-D blocks before tiling; row 0 is a norm layer's weight, row 1 a bias.

    Inputs: `embedding` float32 [1, C]; `slot` int32 [1] where the model has slots. Outputs: `vector` float32
    [2, max(O, I)]; `class_bias` float32 [2, classes], the class head's.
    """
    g = GraphWriter("vectors", _dense_vectors.__doc__ or "")
    first, second, head = (
        linear_at(decoder.decoder_1d, 0),
        linear_at(decoder.decoder_1d, 2),
        linear_at(decoder.bias_class, 1),
    )
    x = _embedding(g, first.in_features, slot)
    hidden = g.op("Relu", g.linear(x, "decoder_1d.0", first))
    vector = g.op("Reshape", g.linear(hidden, "decoder_1d.2", second), g.ints(2, -1))
    g.output("vector", vector, [2, head.in_features])
    g.output("class_bias", g.linear(g.op("Relu", vector), "bias_class", head), [2, head.out_features])
    return g.to_bytes()


def _dense_class(decoder: DenseDecoder) -> bytes:
    """The 1 x 1 kernel of the class head's node with all O output channels -> the class head's weight, before tiling.

    Input: `kernel` float32 [O, I', 1, 1] as `decoder.onnx` makes it, I' at most I. Output: `class_weight` float32
    [classes, I'].
    """
    g = GraphWriter("class_head", _dense_class.__doc__ or "")
    head = linear_at(decoder.class_layer_predictor, 1)
    kernel = g.input("kernel", "float32", [head.in_features, "in", 1, 1])
    centre = g.op("Relu", g.op("Reshape", kernel, g.ints(head.in_features, -1)))
    bias = g.constant("bias", head.bias.unsqueeze(1))
    weight = g.op("Gemm", g.constant("weight", head.weight), centre, bias)
    g.output("class_weight", weight, [head.out_features, "in"])
    return g.to_bytes()


def _embedding(g: GraphWriter, hid: int, slot: nn.Embedding | None, count: int | str = 1) -> str:
    """The input `embedding` [count, C], plus that of the input `slot` [count] where the model has slots."""
    embedding = g.input("embedding", "float32", [count, hid])
    if slot is None:
        return embedding
    index = g.input("slot", "int32", [count])
    return g.op("Add", embedding, g.op("Gather", g.constant("slot_embed", slot.weight), index))
