"""ATen operations that are layers with parameters: projections, convolutions, embeddings and norms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import fx

from logah.client.tracing.draft import Use
from logah.client.tracing.experts import batched, expert
from logah.client.tracing.interpreter import (
    Interpreter,
    argument,
    operation,
    shape_of,
)
from logah.client.tracing.projections import Projection
from logah.client.tracing.values import Flow, Value, Weight, joined


@operation("linear")
def _linear(interpreter: Interpreter, node: fx.Node) -> Value:
    return _projection(interpreter, node, node.args[0], argument(node, 1), argument(node, 2, "bias"), stored_as=0)


@operation("addmm", "addbmm", "baddbmm")
def _addmm(interpreter: Interpreter, node: fx.Node) -> Value:
    bias, data, weight = node.args[:3]
    if isinstance(interpreter.value(weight), Weight):
        return _projection(interpreter, node, data, weight, bias, stored_as=1)
    return _product(interpreter, node, data, weight)


@operation("matmul", "mm", "bmm")
def _matmul(interpreter: Interpreter, node: fx.Node) -> Value:
    return _product(interpreter, node, node.args[0], node.args[1])


@operation("einsum")
def _einsum(interpreter: Interpreter, node: fx.Node) -> Value:
    operands = node.args[1]
    if isinstance(operands, list | tuple) and len(operands) == 2:
        return _product(interpreter, node, operands[0], operands[1])
    return interpreter.passed(node)


def _product(interpreter: Interpreter, node: fx.Node, first: Any, second: Any) -> Value:
    """A product of data with a weight is a linear layer; of data with data, a step of attention."""
    a, b = interpreter.value(first), interpreter.value(second)
    if isinstance(a, Flow) and isinstance(b, Weight):
        return _projection(interpreter, node, first, second, None, stored_as=1)
    if isinstance(a, Weight) and isinstance(b, Flow):
        return _projection(interpreter, node, second, first, None, stored_as=0)
    if isinstance(a, Flow) and isinstance(b, Flow):
        if a.stage == "softmax" and a.scored is not None and len(a.sources) == 1:
            interpreter.draft.read(a.sources[0], b.sources)
            interpreter.slots(*a.scored, second)
            return Flow(a.sources)
        flow = joined([a, b])
        return flow and replace(flow, stage="scores", scored=(first, second))
    return interpreter.passed(node)


def _projection(
    interpreter: Interpreter, node: fx.Node, data: Any, weight_argument: Any, bias_argument: Any, stored_as: int
) -> Value:
    """A linear layer. `stored_as`: the dimension of its outputs in a weight that is not transposed."""
    weight = interpreter.value(weight_argument)
    if not isinstance(weight, Weight):
        return interpreter.unpredicted(data)
    if weight.slice is not None:
        return expert(interpreter, node, data, weight.name, weight.slice.number)
    shape = interpreter.shapes[weight.name]
    if len(shape) == 3:
        return batched(interpreter, node, data, weight)
    if len(shape) not in (2, 4):
        return interpreter.unpredicted(data)
    flow = interpreter.data(data)
    if weight.name in interpreter.shared_tables:
        # The head shares the table of tokens, which has its node where it is looked up.
        return _bias(interpreter, node, Flow(flow.sources), bias_argument)
    axis = 1 - stored_as if weight.transposed else stored_as
    return _layer(interpreter, node, flow, weight, bias_argument, "conv", axis)


def _layer(
    interpreter: Interpreter, node: fx.Node, flow: Flow, weight: Weight, bias_argument: Any, op: str, axis: int
) -> Value:
    shape = interpreter.shapes[weight.name]
    name = weight.name
    if weight.part is not None:
        shape = tuple(weight.part.length if d == weight.part.axis else size for d, size in enumerate(shape))
        name = f"{name}.{weight.part.start}"
    index = interpreter.draft.node(name, op, flow.sources, shape)
    interpreter.use(weight.name, Use(index, "ROLE_MATRIX", weight.part))
    result = _bias(interpreter, node, Flow((index,)), bias_argument)
    last = result.sources[0] if isinstance(result, Flow) else index
    interpreter.projections[node] = Projection(index, last if last != index else None, axis, shape[axis])
    return Flow((last,), projection=node)


def _bias(interpreter: Interpreter, node: fx.Node, flow: Flow, bias_argument: Any) -> Flow:
    """The bias of a layer; one of a shared table's head is a layer of its own."""
    bias = interpreter.value(bias_argument)
    if not isinstance(bias, Weight) or len(interpreter.shapes[bias.name]) != 1:
        return flow
    length = bias.part.length if bias.part is not None else interpreter.shapes[bias.name][0]
    name = bias.name if bias.part is None else f"{bias.name}.{bias.part.start}"
    index = interpreter.draft.node(name, "bias", flow.sources, (length,))
    interpreter.use(bias.name, Use(index, "ROLE_BIAS", bias.part))
    interpreter.projections[node] = Projection(index, None, 0, length)
    return Flow((index,), projection=node)


@operation("conv2d", "conv3d", "convolution")
def _convolution(interpreter: Interpreter, node: fx.Node) -> Value:
    data, weight = node.args[0], interpreter.value(argument(node, 1))
    spatial = len(shape_of(node)) - 2
    transposed = bool(argument(node, 6, "transposed", False)) if "convolution" in str(node.target) else False
    is_kernel = isinstance(weight, Weight) and spatial in (2, 3) and weight.plain and not transposed
    if not isinstance(weight, Weight) or not is_kernel or len(interpreter.shapes[weight.name]) != spatial + 2:
        return interpreter.unpredicted(data)
    dilation = argument(node, 5, "dilation", 1)
    dilations = dilation if isinstance(dilation, list | tuple) else [dilation]
    groups = argument(node, 8 if "convolution" in str(node.target) else 6, "groups", 1)
    op = "conv" if groups == 1 else "dil_conv" if min(dilations) > 1 else "sep_conv"
    flow = interpreter.data(data)
    return _layer(interpreter, node, flow, weight, argument(node, 2, "bias"), op, 0)


@operation("embedding", "embedding_bag")
def _embedding(interpreter: Interpreter, node: fx.Node) -> Value:
    weight = interpreter.value(node.args[0])
    if not isinstance(weight, Weight) or len(interpreter.shapes[weight.name]) != 2:
        return interpreter.passed(node)
    shared = weight.name in interpreter.shared_tables
    shape = interpreter.shapes[weight.name]
    index = interpreter.draft.node(weight.name, "conv" if shared else "pos_enc", (0,), shape)
    interpreter.use(weight.name, Use(index, "ROLE_MATRIX" if shared else "ROLE_EMBEDDING"))
    return Flow((index,))


@operation("layer_norm", "native_layer_norm")
def _layer_norm(interpreter: Interpreter, node: fx.Node) -> Value:
    return _norm(interpreter, node, "ln", argument(node, 2, "weight"), argument(node, 3, "bias"))


@operation("rms_norm")
def _rms_norm(interpreter: Interpreter, node: fx.Node) -> Value:
    return _norm(interpreter, node, "rmsnorm", argument(node, 2, "weight"), None)


@operation("batch_norm")
def _batch_norm(interpreter: Interpreter, node: fx.Node) -> Value:
    return _norm(interpreter, node, "bn", argument(node, 1, "weight"), argument(node, 2, "bias"))


def _norm(interpreter: Interpreter, node: fx.Node, op: str, weight_argument: Any, bias_argument: Any) -> Value:
    """One node for weight and bias; none where the weight is not learned, or of several dimensions."""
    flow = interpreter.data(node.args[0])
    weight, bias = interpreter.value(weight_argument), interpreter.value(bias_argument)
    if not isinstance(weight, Weight) or len(interpreter.shapes[weight.name]) != 1:
        return Flow(flow.sources)
    index = interpreter.draft.node(weight.name, op, flow.sources, interpreter.shapes[weight.name])
    interpreter.use(weight.name, Use(index, "ROLE_NORM_WEIGHT"))
    if isinstance(bias, Weight):
        interpreter.use(bias.name, Use(index, "ROLE_BIAS"))
    return Flow((index,))
