"""Reads the traced operations in forward order and draws the architecture's nodes.

Vocabulary and edges are those of the LoGAH authors' tracer: what has no node is skipped, and its readers read what it
read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram

from logah.client.tracing.draft import ExpertCall, GraphDraft, Use
from logah.client.tracing.projections import MOVES, Projection, assign_slots, packet
from logah.client.tracing.values import Angle, Derived, Flow, Value, Weight, joined
from logah.errors import TraceError
from logah.graph.architecture import Edge, Node

Values: TypeAlias = dict[fx.Node, Value | tuple[Value, ...]]
Handler: TypeAlias = Callable[["Interpreter", fx.Node], Value | tuple[Value, ...]]

_INPUT = 0

#: A convolution at the end makes a map, not classes.
_CLASSIFIER_DIMENSIONS = 2

#: Bodies that are run as they are; all other operations with a body choose at run time whether to run it.
_TRANSPARENT_BODIES = {
    "wrap_with_set_grad_enabled",
    "wrap_with_autocast",
    "tag_activation_checkpoint",
    "invoke_subgraph",
}

_LINEAR = {"linear", "matmul", "mm", "addmm", "einsum", "t", "transpose", "permute"}


class Interpreter:
    """Walks a traced graph, with a value for each of its nodes."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        #: By parameter.
        self.shapes = shapes
        #: Of the names of submodules: that of the part of the network that is read.
        self.prefix = ""
        #: Embedding tables that are a linear layer's weight too.
        self.shared_tables: set[str] = set()
        #: Parameters that are joined with data, such as class tokens.
        self.tokens: set[str] = set()
        #: Calls of experts that a parameter holds together, by its name.
        self.experts: dict[str, list[ExpertCall]] = {}
        self.draft = GraphDraft()
        self.projections: dict[fx.Node, Projection] = {}
        self.values: Values = {}
        self._divided: set[fx.Node] = set()
        #: Squeeze-and-excitation products: (node, nodes of the data, nodes of the gate).
        self.excitations: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = []

    def run(self, program: ExportedProgram, holders: Mapping[str, str], prefix: str = "") -> None:
        """`holders`: each parameter's name -> the first name of its storage. `prefix`: of a part of the network."""
        self.prefix = prefix
        signature = program.graph_signature
        parameters = {name: holders[target] for name, target in signature.inputs_to_parameters.items()}
        user = set(signature.user_inputs)
        readers: dict[str, set[str]] = {}
        for node in program.graph.find_nodes(op="placeholder"):
            if node.name in parameters:
                self.values[node] = Weight(parameters[node.name])
                readers.setdefault(parameters[node.name], set()).update(map(packet, node.users))
            elif node.name in user and is_floating(node):
                self.values[node] = Flow((_INPUT,))
            else:
                self.values[node] = None
        self.shared_tables |= {
            name for name, own in readers.items() if "embedding" in own and not own.isdisjoint(_LINEAR)
        }
        for output in self._run_graph(program.graph_module):
            self._output(output)

    def finish(self) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
        """The nodes and edges of what leads to an output."""
        for product, data, gate in self.excitations:
            self._dissolve_averages(product, data, gate)
        return self.draft.finish()

    def _dissolve_averages(self, product: int, data: tuple[int, ...], gate: tuple[int, ...]) -> None:
        """The average of a squeeze-and-excitation is part of it, and no node; that before a classifier is one."""
        queue, seen = list(gate), {product, *data}
        while queue:
            node = queue.pop()
            if node in seen:
                continue
            seen.add(node)
            queue.extend(self.draft.sources(node))
            if self.draft.operation(node) == "glob_avg":
                self.draft.dissolve(node)

    def _output(self, value: Value | tuple[Value, ...]) -> None:
        for item in value if isinstance(value, tuple) else (value,):
            if not isinstance(item, Flow):
                continue
            self.draft.output(item.sources)
            nodes = self.projections[item.projection].nodes if item.projection is not None else ()
            uses = [pair for node in nodes for pair in self.draft.uses_of(node)]
            if not self.prefix and all(len(self.shapes[name]) <= _CLASSIFIER_DIMENSIONS for name, _ in uses):
                for name, use in uses:
                    self.draft.replace_use(name, use, replace(use, classifier=True))

    def _run_graph(self, module: fx.GraphModule) -> tuple[Value | tuple[Value, ...], ...]:
        """Placeholders have their values already; returns those of the outputs."""
        for node in module.graph.nodes:
            if node.op == "call_function":
                self.values[node] = self._call(module, node)
            elif node.op == "output":
                outputs = node.args[0] if isinstance(node.args[0], list | tuple) else [node.args[0]]
                return tuple(self.value(output) for output in outputs)
        return ()

    def _call(self, module: fx.GraphModule, node: fx.Node) -> Value | tuple[Value, ...]:
        name = packet(node)
        bodies = [
            (position, getattr(module, str(argument.target)))
            for position, argument in enumerate(node.args)
            if isinstance(argument, fx.Node) and argument.op == "get_attr"
        ]
        bodies = [(position, body) for position, body in bodies if isinstance(body, fx.GraphModule)]
        if bodies:
            return self._inline(node, *bodies[0])
        if name == "getitem":
            source, index = self.value(node.args[0]), node.args[1]
            return source[index] if isinstance(source, tuple) and isinstance(index, int) else source
        handler = OPERATIONS.get(name)
        value = handler(self, node) if handler is not None else self.passed(node)
        if is_written_view(node):
            self._write_through(node.args[0], value)
        # Whole numbers and truth values carry no data, as in a gradient's graph.
        return None if isinstance(value, Flow) and not is_floating(node) else value

    def _write_through(self, view: Any, value: Value | tuple[Value, ...]) -> None:
        """What is written to a part of a tensor is read from the whole."""
        while isinstance(view, fx.Node):
            before = self.value(view)
            self.values[view] = joined([v for v in (before, value) if not isinstance(v, tuple)]) or before
            view = view.args[0] if packet(view) in MOVES else None

    def _inline(self, node: fx.Node, position: int, body: fx.GraphModule) -> tuple[Value, ...]:
        if packet(node) not in _TRANSPARENT_BODIES:
            where = module_name(node)
            reason = "its control flow depends on the values of tensors"
            raise TraceError(
                f'the trace stopped in submodule "{where}" at {packet(node)}: {reason}', where, packet(node)
            )
        arguments = [a for a in node.args[position + 1 :] if isinstance(a, fx.Node)]
        for placeholder, argument in zip(body.graph.find_nodes(op="placeholder"), arguments, strict=False):
            self.values[placeholder] = self.value(argument)
        return self._run_graph(body)  # type: ignore[return-value]

    # What handlers are made of.

    def value(self, argument: Any) -> Value | tuple[Value, ...]:
        """The value of an argument; None for what is no traced value."""
        return self.values.get(argument) if isinstance(argument, fx.Node) else None

    def operands(self, node: fx.Node) -> list[Value]:
        """The values of all traced arguments, those of lists among them."""
        values: list[Value] = []
        for source in node.all_input_nodes:
            value = self.value(source)
            values.extend(value if isinstance(value, tuple) else [value])
        return values

    def passed(self, node: fx.Node) -> Value:
        """The value of an operation without a node of its own."""
        operands = self.operands(node)
        flow = joined(operands)
        if flow is not None:
            return replace(flow, activated=True)
        if any(is_learned(value) for value in operands):
            return Derived()
        return Angle() if any(isinstance(value, Angle) for value in operands) else None

    def data(self, argument: Any) -> Flow:
        """An operand that is data; a parameter in its place is a learned sequence."""
        value = self.value(argument)
        if isinstance(value, Weight):
            return Flow((self.positions(value, 0),))
        return value if isinstance(value, Flow) else Flow(())

    def unpredicted(self, argument: Any) -> Flow:
        """What a layer makes of its data whose weight no hypernetwork predicts; it has no node."""
        return Flow(self.data(argument).sources, activated=True)

    def positions(self, weight: Weight, prefix: int) -> int:
        """The node of a learned sequence, such as position embeddings; it reads nothing.

        `prefix`: tokens at its beginning that are no patches.
        """
        shape = self.shapes[weight.name]
        first, *rest = shape
        if len(shape) == 3 and first == 1 and min(rest) > 1:
            tokens, width = rest
            side = math.isqrt(tokens - prefix)
            use = Use(0, "ROLE_MATRIX", prefix=prefix)
            node = self.draft.node(weight.name, "pos_enc", (), (1, width, side, side))
        else:
            use = Use(0, "ROLE_EMBEDDING")
            node = self.draft.node(weight.name, "pos_enc", (), shape)
        if len(shape) in (2, 4) or use.role == "ROLE_MATRIX":
            self.use(weight.name, replace(use, node=node))
        return node

    def use(self, parameter: str, use: Use) -> None:
        """Lets a node stand for a parameter, unless an earlier call of the same layer does."""
        if all(other.part is not None and other.part != use.part for other in self.draft.uses.get(parameter, ())):
            self.draft.use(parameter, use)

    def slots(self, *operands: fx.Node, together: bool = False) -> None:
        """Numbers the projections behind operands that the hypernetwork cannot tell apart; `together`: all or none."""
        assign_slots(operands, self.projections, self.values, self.draft, together, self._divided)


def is_learned(value: Value | tuple[Value, ...]) -> bool:
    """Whether a value is of parameters alone."""
    return isinstance(value, Weight | Derived)


def is_floating(node: fx.Node) -> bool:
    """Whether a traced value, or the first of several, is of a floating-point type."""
    value = node.meta.get("val")
    while isinstance(value, list | tuple):
        value = value[0] if value else None
    return not isinstance(value, Tensor) or value.is_floating_point() or value.is_complex()


def is_written_view(node: fx.Node) -> bool:
    """Whether an operation changes its first operand, which is a part or another view of a tensor."""
    first = node.args[0] if node.args else None
    return is_mutable(node) and isinstance(first, fx.Node) and packet(first) in MOVES


def is_mutable(node: fx.Node) -> bool:
    """Whether an operation changes an operand."""
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def shape_of(argument: Any) -> tuple[int, ...]:
    """The shape of a traced tensor; empty where it is none. Sizes that depend on values are -1."""
    value = argument.meta.get("val") if isinstance(argument, fx.Node) else None
    return sizes_of(value) if isinstance(value, Tensor) else ()


def sizes_of(tensor: Tensor) -> tuple[int, ...]:
    """The same of a tensor."""
    return tuple(size if isinstance(size, int) else -1 for size in tensor.shape)


def module_name(node: fx.Node) -> str:
    """The submodule that an operation is in."""
    stack: Mapping[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    # A later call of the same submodule has a number behind its name.
    return re.sub(r"@\d+", "", list(stack.values())[-1][0]) if stack else ""


def module_node(interpreter: Interpreter, node: fx.Node, suffix: str, op: str, flow: Flow, shape: Any = ()) -> Flow:
    """A node of an operation without parameters, named after the submodule that it is in."""
    name = ".".join(part for part in (interpreter.prefix, module_name(node), suffix) if part)
    return Flow((interpreter.draft.node(name, op, flow.sources, shape),))


def argument(node: fx.Node, position: int, name: str = "", default: Any = None) -> Any:
    """An argument, given by position or by name."""
    return node.args[position] if position < len(node.args) else node.kwargs.get(name, default)


OPERATIONS: dict[str, Handler] = {}


def operation(*names: str) -> Callable[[Handler], Handler]:
    """Registers what makes the value of ATen operations of these names."""

    def register(handler: Handler) -> Handler:
        OPERATIONS.update(dict.fromkeys(names, handler))
        return handler

    return register
