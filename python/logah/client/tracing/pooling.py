"""ATen operations that are nodes without parameters of their own: attention and pooling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import fx

from logah.client.tracing.interpreter import (
    Interpreter,
    argument,
    module_node,
    operation,
    shape_of,
)
from logah.client.tracing.values import Flow, Value, joined


@operation("scaled_dot_product_attention")
def _attention(interpreter: Interpreter, node: fx.Node) -> Value:
    query, key, value = node.args[:3]
    flow = joined([interpreter.data(operand) for operand in (query, key, value)]) or Flow(())
    interpreter.slots(query, key, value)  # type: ignore[arg-type]
    return module_node(interpreter, node, "softmax", "msa", flow)


@operation("softmax", "_softmax")
def _softmax(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.value(node.args[0])
    if not isinstance(flow, Flow) or flow.stage != "scores":
        return interpreter.passed(node)
    attention = module_node(interpreter, node, "softmax", "msa", flow)
    return replace(attention, stage="softmax", scored=flow.scored)


@operation("max_pool2d", "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices")
def _max_pool(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.data(node.args[0])
    return module_node(
        interpreter, node, "max_pool", "max_pool", flow, (1, 1, *_pair(argument(node, 1, "kernel_size")))
    )


@operation("avg_pool2d", "avg_pool3d")
def _avg_pool(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.data(node.args[0])
    kernel = _pair(argument(node, 1, "kernel_size"))
    if _sides(argument(node, 1, "kernel_size")) == shape_of(node.args[0])[2:]:
        return module_node(interpreter, node, "glob_avg", "glob_avg", flow)
    return module_node(interpreter, node, "avg_pool", "avg_pool", flow, (1, 1, *kernel))


@operation(
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool3d"
)
def _adaptive_avg_pool(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.data(node.args[0])
    return module_node(interpreter, node, "glob_avg", "glob_avg", flow)


@operation("mean")
def _mean(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.value(node.args[0])
    if not isinstance(flow, Flow):
        return interpreter.passed(node)
    rank = len(shape_of(node.args[0]))
    given = argument(node, 1, "dim", None)
    dimensions = {d % rank for d in (given if isinstance(given, list | tuple) else [])} if rank else set()
    if (rank, dimensions) in ((4, {2, 3}), (4, {1, 2}), (3, {1}), (5, {2, 3, 4})):
        return module_node(interpreter, node, "glob_avg", "glob_avg", flow)
    return Flow(flow.sources, stage="mean")


def _pair(size: Any) -> tuple[int, int]:
    """Height and width of a kernel, of which time may come before."""
    if isinstance(size, int):
        return size, size
    return (size[0], size[0]) if len(size) == 1 else (size[-2], size[-1])


def _sides(size: Any) -> tuple[int, ...]:
    return (size, size) if isinstance(size, int) else tuple(size)
