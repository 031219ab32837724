"""Experts whose matrices are one tensor: called together by one operation, or one by one in a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import fx

from logah.client.tracing.draft import ExpertCall, Use
from logah.client.tracing.interpreter import Interpreter, argument, module_name, operation, shape_of
from logah.client.tracing.projections import packet
from logah.client.tracing.values import Flow, Value, Weight


@operation("grouped_mm_fallback", "grouped_mm", "_grouped_mm")
def _grouped(interpreter: Interpreter, node: fx.Node) -> Value:
    """A linear layer for each expert, all of one tensor; each token goes through those that it was given."""
    data, weight = node.args[0], interpreter.value(argument(node, 1))
    if not isinstance(weight, Weight) or not weight.plain or len(interpreter.shapes[weight.name]) != 3:
        return interpreter.unpredicted(data)
    return Flow((_node(interpreter, interpreter.data(data), weight.name),))


def batched(interpreter: Interpreter, node: fx.Node, data: Any, weight: Weight) -> Value:
    """A product of a batch of data with as many matrices: experts, if each reads a copy of all tokens."""
    flow = interpreter.data(data)
    nodes = {call.node for calls in interpreter.experts.values() for call in calls}
    is_experts = (bool(flow.sources) and nodes.issuperset(flow.sources)) or _is_repeated(interpreter, node)
    if not is_experts or not weight.plain or weight.part is not None:
        return interpreter.unpredicted(data)
    call = ExpertCall(_node(interpreter, flow, weight.name), flow.sources)
    interpreter.experts.setdefault(weight.name, []).append(call)
    return Flow((call.node,))


def expert(interpreter: Interpreter, node: fx.Node, data: Any, name: str, number: int) -> Value:
    """The linear layer of one of the experts that a tensor holds; all that read the same are one node.

    What reads all tokens may be a head of an attention, and heads that are alike stay alike: those are not predicted.
    """
    if not _is_of_chosen_tokens(interpreter, node):
        return interpreter.unpredicted(data)
    flow = interpreter.data(data)
    calls = interpreter.experts.setdefault(name, [])
    call = next((call for call in calls if call.sources == flow.sources), None)
    if call is None:
        if any(number not in other.numbers for other in calls):
            # Not experts, but layers of which each has a matrix.
            interpreter.draft.uses.pop(name, None)
            return interpreter.unpredicted(data)
        call = ExpertCall(_node(interpreter, flow, name), flow.sources)
        calls.append(call)
    call.numbers.add(number)
    return Flow((call.node,))


def _node(interpreter: Interpreter, flow: Flow, name: str) -> int:
    experts, *matrix = interpreter.shapes[name]
    index = interpreter.draft.node(name, "conv", flow.sources, matrix)
    interpreter.use(name, Use(index, "ROLE_MATRIX", experts=experts))
    return index


def _is_of_chosen_tokens(interpreter: Interpreter, node: fx.Node) -> bool:
    """Whether the data was taken out of other data by its place, within the same submodule."""
    own = module_name(node)
    return any(map(_chooses, _data_before(interpreter, node, lambda name: name == own)))


def _is_repeated(interpreter: Interpreter, node: fx.Node) -> bool:
    """Whether the data was repeated, within the submodule around that of the experts."""
    around = module_name(node).rpartition(".")[0]
    before = _data_before(interpreter, node, lambda name: name.startswith(around))
    return any(packet(source) == "repeat" for source in before)


def _data_before(interpreter: Interpreter, node: fx.Node, is_inside: Callable[[str], bool]) -> Iterator[fx.Node]:
    """What data was made of, as far as the names of submodules are inside."""
    queue, seen = [node], {node}
    while queue:
        for source in queue.pop().all_input_nodes:
            value = interpreter.value(source)
            first = value[0] if isinstance(value, tuple) and value else value
            if isinstance(first, Flow) and source not in seen and is_inside(module_name(source)):
                yield source
                seen.add(source)
                queue.append(source)


def _chooses(node: fx.Node) -> bool:
    if packet(node) in ("index", "index_select"):
        return True
    is_split = packet(node) in ("split", "split_with_sizes", "tensor_split")
    return is_split and argument(node, 2, "dim", 0) % len(shape_of(node.args[0])) < len(shape_of(node.args[0])) - 1
