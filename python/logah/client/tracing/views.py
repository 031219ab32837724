"""ATen operations that move values and change none; parts of parameters among them."""

from __future__ import annotations

from dataclasses import replace

from torch import fx

from logah.client.tracing.interpreter import (
    Interpreter,
    argument,
    operation,
    shape_of,
    sizes_of,
)
from logah.client.tracing.projections import packet
from logah.client.tracing.values import Derived, Flow, Part, Slice, Value, Weight


@operation(
    "view", "reshape", "_unsafe_view", "view_as", "flatten", "unflatten", "squeeze", "unsqueeze", "expand", "expand_as",
    "contiguous", "clone", "alias", "detach", "detach_", "to", "_to_copy", "type_as", "lift_fresh", "lift_fresh_copy",
    "dropout", "feature_dropout", "masked_fill", "repeat", "repeat_interleave", "movedim", "swapaxes", "float", "half",
    "resolve_conj", "resolve_neg", "real", "view_as_real",
)  # fmt: skip
def _viewed(interpreter: Interpreter, node: fx.Node) -> Value | tuple[Value, ...]:
    value = interpreter.value(node.args[0])
    return replace(value, plain=False) if isinstance(value, Weight) and _reshapes(node) else value


def _reshapes(node: fx.Node) -> bool:
    """Whether more than the number of dimensions of size 1 changes."""
    before, after = shape_of(node.args[0]), shape_of(node)
    return [size for size in before if size != 1] != [size for size in after if size != 1]


@operation("t", "transpose", "permute", "numpy_T", "mT")
def _transposed(interpreter: Interpreter, node: fx.Node) -> Value | tuple[Value, ...]:
    value = interpreter.value(node.args[0])
    if not isinstance(value, Weight):
        return value
    before, after = shape_of(node.args[0]), shape_of(node)
    if len(before) == 2:
        swapped = "t" in str(node.target).split(".")[1] and (before != after or _swaps(node))
        return replace(value, transposed=value.transposed != swapped)
    if len(before) == 3 and _swaps_last(node):
        return replace(value, transposed=not value.transposed)
    return replace(value, plain=False)


def _swaps_last(node: fx.Node) -> bool:
    """Whether a matrix for each expert is transposed."""
    order = node.args[1] if len(node.args) == 2 else list(node.args[1:])
    if not isinstance(order, list | tuple):
        return packet(node) == "mT"
    return [d % 3 for d in order] in ([1, 2], [2, 1], [0, 2, 1])


def _swaps(node: fx.Node) -> bool:
    """Whether the two dimensions of a square matrix change places."""
    order = node.args[1] if len(node.args) == 2 else None
    return tuple(d % 2 for d in order) == (1, 0) if isinstance(order, list | tuple) else True


@operation("slice", "narrow", "select")
def _sliced(interpreter: Interpreter, node: fx.Node) -> Value | tuple[Value, ...]:
    value = interpreter.value(node.args[0])
    if not isinstance(value, Weight):
        return value
    axis, before, after = argument(node, 1, "dim", 0), shape_of(node.args[0]), shape_of(node)
    if before == after:
        return value
    if packet(node) == "select" and axis == 0 and _holds_matrices(value, before):
        return replace(value, plain=False, slice=Slice(int(argument(node, 2, "index"))))
    if value.plain and value.part is None and len(before) == len(after) <= 2 and axis == 0:
        start = argument(node, 2, "start", 0) or 0
        return replace(value, part=Part(1 if value.transposed else 0, start % before[0], after[0]))
    return replace(value, plain=False) if value.part is None else Derived()


@operation("split", "split_with_sizes", "chunk", "unbind")
def _split(interpreter: Interpreter, node: fx.Node) -> Value | tuple[Value, ...]:
    value = interpreter.value(node.args[0])
    if not isinstance(value, Weight):
        return replace(value, projection=None) if isinstance(value, Flow) else value
    pieces = [sizes_of(piece) for piece in node.meta["val"]]
    whole = shape_of(node.args[0])
    if packet(node) == "unbind" and argument(node, 1, "dim", 0) == 0 and _holds_matrices(value, whole):
        return tuple(replace(value, plain=False, slice=Slice(number)) for number in range(len(pieces)))
    # `unbind` takes the dimension away.
    is_cut = len(pieces[0]) == len(whole) <= 2 and argument(node, 2, "dim", 0) == 0
    if not value.plain or value.part is not None or not is_cut:
        return Derived()
    values: list[Value] = []
    start = 0
    for piece in pieces:
        values.append(replace(value, part=Part(1 if value.transposed else 0, start, piece[0])))
        start += piece[0]
    return tuple(values)


def _holds_matrices(value: Weight, shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and value.plain and value.part is None
