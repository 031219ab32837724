"""What each ATen operation is in the vocabulary of the graph."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from torch import fx

from logah.client.tracing.draft import Use
from logah.client.tracing.interpreter import (
    Interpreter,
    argument,
    is_learned,
    module_name,
    operation,
    shape_of,
)
from logah.client.tracing.projections import Projection
from logah.client.tracing.values import Angle, Derived, Flow, Part, Stage, Value, Weight, joined


def _module_node(interpreter: Interpreter, node: fx.Node, suffix: str, op: str, flow: Flow, shape: Any = ()) -> Flow:
    """A node of an operation without parameters, named after the submodule that it is in."""
    prefix = module_name(node)
    name = f"{prefix}.{suffix}" if prefix else suffix
    return Flow((interpreter.draft.node(name, op, flow.sources, shape),))


# Layers with a weight


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
        return _unpredicted(interpreter, node, data)
    shape = interpreter.shapes[weight.name]
    if len(shape) not in (2, 4):
        return _unpredicted(interpreter, node, data)
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


def _unpredicted(interpreter: Interpreter, node: fx.Node, data: Any) -> Value:
    """A layer whose weight no hypernetwork predicts has no node."""
    flow = interpreter.data(data)
    return Flow(flow.sources, activated=True)


@operation("conv2d", "convolution")
def _convolution(interpreter: Interpreter, node: fx.Node) -> Value:
    data, weight = node.args[0], interpreter.value(argument(node, 1))
    spatial = len(shape_of(node)) - 2
    transposed = bool(argument(node, 6, "transposed", False)) if "convolution" in str(node.target) else False
    if not isinstance(weight, Weight) or len(interpreter.shapes[weight.name]) != 4 or spatial != 2 or transposed:
        return _unpredicted(interpreter, node, data)
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


# Attention


@operation("scaled_dot_product_attention")
def _attention(interpreter: Interpreter, node: fx.Node) -> Value:
    query, key, value = node.args[:3]
    flow = joined([interpreter.data(operand) for operand in (query, key, value)]) or Flow(())
    interpreter.slots(query, key, value)  # type: ignore[arg-type]
    return _module_node(interpreter, node, "softmax", "msa", flow)


@operation("softmax", "_softmax")
def _softmax(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.value(node.args[0])
    if not isinstance(flow, Flow) or flow.stage != "scores":
        return interpreter.passed(node)
    attention = _module_node(interpreter, node, "softmax", "msa", flow)
    return replace(attention, stage="softmax", scored=flow.scored)


# Pooling


@operation("max_pool2d", "max_pool2d_with_indices")
def _max_pool(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.data(node.args[0])
    return _module_node(
        interpreter, node, "max_pool", "max_pool", flow, (1, 1, *_pair(argument(node, 1, "kernel_size")))
    )


@operation("avg_pool2d")
def _avg_pool(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.data(node.args[0])
    kernel = _pair(argument(node, 1, "kernel_size"))
    if kernel == shape_of(node.args[0])[-2:]:
        return _module_node(interpreter, node, "glob_avg", "glob_avg", flow)
    return _module_node(interpreter, node, "avg_pool", "avg_pool", flow, (1, 1, *kernel))


@operation("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def _adaptive_avg_pool(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.data(node.args[0])
    return _module_node(interpreter, node, "glob_avg", "glob_avg", flow)


@operation("mean")
def _mean(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.value(node.args[0])
    if not isinstance(flow, Flow):
        return interpreter.passed(node)
    rank = len(shape_of(node.args[0]))
    given = argument(node, 1, "dim", None)
    dimensions = {d % rank for d in (given if isinstance(given, list | tuple) else [])} if rank else set()
    if (rank, dimensions) in ((4, {2, 3}), (4, {1, 2}), (3, {1})):
        return _module_node(interpreter, node, "glob_avg", "glob_avg", flow)
    return Flow(flow.sources, stage="mean")


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


# Sums and products


@operation("add", "sub", "rsub", "__add__", "__iadd__")
def _add(interpreter: Interpreter, node: fx.Node) -> Value:
    first, second = interpreter.value(argument(node, 0)), interpreter.value(argument(node, 1, "other"))
    if isinstance(first, Flow) and isinstance(second, Flow):
        return _sum(interpreter, node, first, second)
    flow = first if isinstance(first, Flow) else second
    other = second if isinstance(first, Flow) else first
    if not isinstance(flow, Flow):
        # A parameter that a number was added to is not the parameter itself.
        return interpreter.passed(node)
    if flow.stage == "scores" or other is None:
        return replace(flow, projection=None)
    if isinstance(other, Weight) and not is_subtraction(node):
        return _add_parameter(interpreter, node, flow, other)
    return Flow(flow.sources)


def is_subtraction(node: fx.Node) -> bool:
    """Whether the second operand is taken off the first, or the reverse."""
    return "sub" in str(node.target)


def _sum(interpreter: Interpreter, node: fx.Node, first: Flow, second: Flow) -> Value:
    flow = joined([first, second]) or Flow(())
    stages = (first.stage, second.stage)
    if "rotated" in stages:
        return _module_node(interpreter, node, "rotary", "rot_emb", flow)
    if is_subtraction(node) and "mean" in stages and set(first.sources) == set(second.sources):
        return Flow(flow.sources, stage="centered")
    if "scores" in stages:
        # A mask, or a bias by relative position, is no residual.
        scores = first if first.stage == "scores" else second
        return replace(scores, projection=None)
    if len(flow.sources) < 2:
        return replace(flow, activated=True)
    prefix = max(first.prefix, second.prefix)
    return replace(_module_node(interpreter, node, "sum", "sum", flow), prefix=prefix)


def _add_parameter(interpreter: Interpreter, node: fx.Node, flow: Flow, weight: Weight) -> Value:
    shape = interpreter.shapes[weight.name]
    if len(shape) == 1:
        [index, *others] = flow.sources or (0,)
        uses = interpreter.draft.uses_of(index)
        if not others and not flow.activated and interpreter.draft.operation(index) == "ln" and len(uses) == 1:
            # A layer norm written out: its bias comes after its weight.
            interpreter.use(weight.name, Use(index, "ROLE_BIAS"))
            return Flow(flow.sources)
        index = interpreter.draft.node(weight.name, "bias", flow.sources, shape)
        interpreter.use(weight.name, Use(index, "ROLE_BIAS"))
        if flow.projection is not None and interpreter.projections[flow.projection].bias is None:
            projection = interpreter.projections[flow.projection]
            interpreter.projections[node] = replace(projection, bias=index)
            return Flow((index,), projection=node)
        return Flow((index,))
    # All but one entry along each dimension would be repeated: a bias in another form, or a token's type.
    if math.prod(shape) == max(shape):
        return Flow(flow.sources, prefix=flow.prefix)
    index = interpreter.positions(weight, flow.prefix)
    return _module_node(interpreter, node, "sum", "sum", Flow((*flow.sources, index)))


@operation("mul", "div", "true_divide", "__mul__")
def _multiply(interpreter: Interpreter, node: fx.Node) -> Value:
    first, second = interpreter.value(argument(node, 0)), interpreter.value(argument(node, 1, "other"))
    if isinstance(first, Flow) and isinstance(second, Flow):
        return _gate(interpreter, node, first, second)
    flow = first if isinstance(first, Flow) else second
    other = second if isinstance(first, Flow) else first
    if not isinstance(flow, Flow):
        if is_learned(first) or is_learned(second):
            return interpreter.passed(node)
        return Angle() if isinstance(first, Angle) or isinstance(second, Angle) else None
    if isinstance(other, Weight) and flow.stage in ("rms", "ln"):
        return _written_norm(interpreter, flow, other)
    if isinstance(other, Angle):
        return Flow(flow.sources, stage="rotated")
    return replace(flow, projection=None) if other is None else Flow(flow.sources, activated=True)


def _written_norm(interpreter: Interpreter, flow: Flow, weight: Weight) -> Value:
    """A norm layer written out as operations, at the product with its weight."""
    shape = interpreter.shapes[weight.name]
    if len(shape) != 1:
        return Flow(flow.sources)
    op = "rmsnorm" if flow.stage == "rms" else "ln"
    index = interpreter.draft.node(weight.name, op, flow.sources, shape)
    interpreter.use(weight.name, Use(index, "ROLE_NORM_WEIGHT"))
    return Flow((index,))


def _gate(interpreter: Interpreter, node: fx.Node, first: Flow, second: Flow) -> Value:
    flow = joined([first, second]) or Flow(())
    for data, scale in ((first, second), (second, first)):
        if scale.stage == "deviation":
            return Flow(flow.sources, stage="ln" if data.stage == "centered" else "rms")
    a, b = set(first.sources), set(second.sources)
    if a <= b or b <= a:
        # An activation written out, such as x * sigmoid(x).
        return replace(flow, activated=True)
    sizes = [math.prod(shape_of(argument(node, position))[-2:]) for position in (0, 1)]
    if len(shape_of(node)) == 4 and min(sizes) == 1:
        data, gate = (first, second) if sizes[1] == 1 else (second, first)
        product = _module_node(interpreter, node, "cse", "cse", flow)
        interpreter.excitations.append((product.sources[0], data.sources, gate.sources))
        return product
    gate_first = first.activated or not second.activated
    operands = (node.args[0], node.args[1]) if gate_first else (node.args[1], node.args[0])
    # Gate and data look alike to the hypernetwork, as query, key and value do.
    interpreter.slots(*operands, together=True)  # type: ignore[arg-type]
    return _module_node(interpreter, node, "gate", "gate", flow)


@operation("cat", "concat", "stack")
def _concatenate(interpreter: Interpreter, node: fx.Node) -> Value:
    operands = node.args[0] if isinstance(node.args[0], list | tuple) else []
    values = [interpreter.value(operand) for operand in operands]
    flow = joined([value for value in values if isinstance(value, Flow)])
    if flow is None:
        return interpreter.passed(node)
    interpreter.tokens.update(value.name for value in values if isinstance(value, Weight))
    rotated = [s for s in flow.sources if interpreter.draft.operation(s) == "rot_emb"]
    if len(rotated) == 1 and {*flow.sources} - {*rotated} <= {*interpreter.draft.sources(rotated[0])}:
        # The part of a head that the rotary embedding leaves alone.
        return Flow((rotated[0],))
    if len(flow.sources) > 1:
        return _module_node(interpreter, node, "concat", "concat", flow)
    first = next(position for position, value in enumerate(values) if isinstance(value, Flow))
    axis = argument(node, 1, "dim", 0)
    tokens = sum(
        shape_of(operand)[axis] for operand, value in zip(operands[:first], values, strict=False) if is_learned(value)
    )
    stages = {value.stage for value in values if isinstance(value, Flow)}
    # The halves of a head in reverse order, one of them with the other sign.
    stage: Stage = "rotated" if stages == {"negated", ""} else ""
    return replace(flow, prefix=tokens, stage=stage)


# Steps on the way to something else


@operation("rsqrt", "sqrt", "std", "linalg_vector_norm")
def _deviation(interpreter: Interpreter, node: fx.Node) -> Value:
    flow = interpreter.passed(node)
    return replace(flow, stage="deviation") if isinstance(flow, Flow) else flow


@operation("cos", "sin")
def _angle(interpreter: Interpreter, node: fx.Node) -> Value:
    value = interpreter.passed(node)
    return Angle() if value is None else value


@operation("neg")
def _negated(interpreter: Interpreter, node: fx.Node) -> Value:
    value = interpreter.passed(node)
    return replace(value, stage="negated", activated=False) if isinstance(value, Flow) else value


@operation("view_as_complex")
def _complex(interpreter: Interpreter, node: fx.Node) -> Value:
    """Pairs of numbers as complex ones, to be turned by a rotary embedding."""
    value = interpreter.value(node.args[0])
    return _module_node(interpreter, node, "rotary", "rot_emb", value) if isinstance(value, Flow) else None


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
    return replace(value, plain=False)


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
    if value.plain and value.part is None and len(before) == len(after) <= 2 and axis == 0:
        start = argument(node, 2, "start", 0) or 0
        return replace(value, part=Part(1 if value.transposed else 0, start % before[0], after[0]))
    return replace(value, plain=False) if value.part is None else Derived()


@operation("split", "split_with_sizes", "chunk", "unbind")
def _split(interpreter: Interpreter, node: fx.Node) -> Value | tuple[Value, ...]:
    value = interpreter.value(node.args[0])
    if not isinstance(value, Weight):
        return replace(value, projection=None) if isinstance(value, Flow) else value
    pieces = [tuple(piece.shape) for piece in node.meta["val"]]
    if not value.plain or value.part is not None or argument(node, 2, "dim", 0) != 0 or len(pieces[0]) > 2:
        return Derived()
    values: list[Value] = []
    start = 0
    for piece in pieces:
        values.append(replace(value, part=Part(1 if value.transposed else 0, start, piece[0])))
        start += piece[0]
    return tuple(values)


@operation(
    "new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like", "empty_like", "rand_like",
    "randn_like",
)  # fmt: skip
def _made_alike(interpreter: Interpreter, node: fx.Node) -> Value:
    """Takes a shape and no data."""
    return None


@operation("tanh", "clamp")
def _capped(interpreter: Interpreter, node: fx.Node) -> Value:
    """An activation, unless it bounds the scores of attention."""
    value = interpreter.value(node.args[0])
    return value if isinstance(value, Flow) and value.stage == "scores" else interpreter.passed(node)


@operation("where")
def _where(interpreter: Interpreter, node: fx.Node) -> Value:
    flows = [value for value in interpreter.operands(node) if isinstance(value, Flow)]
    return replace(flows[0], projection=None) if len(flows) == 1 else interpreter.passed(node)
