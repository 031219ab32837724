"""ATen operations that are sums, products and joins, and the steps of norms and rotary embeddings written out."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import fx

from logah.client.tracing.draft import Use
from logah.client.tracing.interpreter import (
    Interpreter,
    argument,
    is_learned,
    module_node,
    operation,
    shape_of,
)
from logah.client.tracing.projections import PRODUCTS, packet
from logah.client.tracing.values import Angle, Flow, Stage, Value, Weight, joined


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
        return module_node(interpreter, node, "rotary", "rot_emb", flow)
    if is_subtraction(node) and "mean" in stages and set(first.sources) == set(second.sources):
        return Flow(flow.sources, stage="centered")
    if "scores" in stages and _is_softened(node):
        # A mask, or a bias by relative position, is no residual.
        scores = first if first.stage == "scores" else second
        return replace(scores, projection=None)
    if len(flow.sources) < 2:
        return replace(flow, activated=True)
    prefix = max(first.prefix, second.prefix)
    return replace(module_node(interpreter, node, "sum", "sum", flow), prefix=prefix)


def _is_softened(node: fx.Node) -> bool:
    """Whether a softmax follows, so that what a product of data with data made are scores of attention."""
    queue, seen = [node], {node}
    while queue:
        for user in queue.pop().users:
            if "softmax" in packet(user):
                return True
            if user not in seen and packet(user) not in PRODUCTS:
                seen.add(user)
                queue.append(user)
    return False


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
    if math.prod(shape) == max(shape, default=1):
        return Flow(flow.sources, prefix=flow.prefix)
    index = interpreter.positions(weight, flow.prefix)
    return module_node(interpreter, node, "sum", "sum", Flow((*flow.sources, index)))


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
        product = module_node(interpreter, node, "cse", "cse", flow)
        interpreter.excitations.append((product.sources[0], data.sources, gate.sources))
        return product
    gate_first = first.activated or not second.activated
    operands = (node.args[0], node.args[1]) if gate_first else (node.args[1], node.args[0])
    # Gate and data look alike to the hypernetwork, as query, key and value do.
    interpreter.slots(*operands, together=True)  # type: ignore[arg-type]
    return module_node(interpreter, node, "gate", "gate", flow)


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
        return module_node(interpreter, node, "concat", "concat", flow)
    first = next(position for position, value in enumerate(values) if isinstance(value, Flow))
    axis = argument(node, 1, "dim", 0)
    tokens = sum(
        shape_of(operand)[axis] for operand, value in zip(operands[:first], values, strict=False) if is_learned(value)
    )
    stages = {value.stage for value in values if isinstance(value, Flow)}
    # The halves of a head in reverse order, one of them with the other sign.
    stage: Stage = "rotated" if stages == {"negated", ""} else ""
    return replace(flow, prefix=tokens, stage=stage)


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
    return module_node(interpreter, node, "rotary", "rot_emb", value) if isinstance(value, Flow) else None


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
