"""The graph while it grows: nodes in forward order, and which part of which parameter each stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from logah.client.tracing.values import Part
from logah.graph.architecture import Edge, Node, Role

_INPUT = 0


@dataclass(frozen=True)
class Use:
    """A part of a parameter that a node stands for; `part` None: all of it."""

    node: int
    role: Role
    part: Part | None = None
    slot: int = 0
    classifier: bool = False
    #: Learned tokens at the beginning of a position table, whose positions no square of patches holds.
    prefix: int = 0
    #: Experts' matrices that the parameter holds one after the other, all as the node says; 0: it is one matrix.
    experts: int = 0


@dataclass(frozen=True)
class ExpertCall:
    """A call of experts that one parameter holds."""

    node: int
    sources: tuple[int, ...]
    #: Which of them were called.
    numbers: set[int] = field(default_factory=set)


@dataclass
class _DraftNode:
    node: Node
    sources: list[int] = field(default_factory=list)


class GraphDraft:
    """Nodes are numbered as they come; `finish` leaves out those that lead nowhere."""

    def __init__(self) -> None:
        self._nodes: list[_DraftNode] = [_DraftNode(Node("input", "input"))]
        self._names: dict[str, int] = {}
        self._outputs: set[int] = set()
        #: By parameter.
        self.uses: dict[str, list[Use]] = {}
        self._parameters: dict[int, list[str]] = {}

    def node(self, name: str, operation: str, sources: Iterable[int], shape: Sequence[int] = ()) -> int:
        """Adds a node; returns its number."""
        count = self._names[name] = self._names.get(name, 0) + 1
        unique = name if count == 1 else f"{name}.call_{count}"
        draft = _DraftNode(Node(unique[-256:], operation, tuple(shape)), list(dict.fromkeys(sources)))
        if not draft.sources and operation != "pos_enc":
            draft.sources.append(_INPUT)
        self._nodes.append(draft)
        return len(self._nodes) - 1

    def read(self, node: int, sources: Iterable[int]) -> None:
        """Lets an earlier node read more."""
        own = self._nodes[node].sources
        own.extend(source for source in sources if source not in own and source != node)

    def operation(self, node: int) -> str:
        """The operation of a node."""
        return self._nodes[node].node.operation

    def sources(self, node: int) -> tuple[int, ...]:
        """What a node reads."""
        return tuple(self._nodes[node].sources)

    def use(self, parameter: str, use: Use) -> None:
        """Lets a node stand for a parameter, or a part of it."""
        self.uses.setdefault(parameter, []).append(use)
        self._parameters.setdefault(use.node, []).append(parameter)

    def uses_of(self, node: int) -> list[tuple[str, Use]]:
        """What a node stands for, with the parameters' names."""
        return [(name, use) for name in self._parameters.get(node, ()) for use in self.uses[name] if use.node == node]

    def replace_use(self, parameter: str, use: Use, *others: Use) -> None:
        """Puts others in the place of a use, where it is seen only later what the parameter is for."""
        uses = self.uses[parameter]
        position = uses.index(use)
        uses[position : position + 1] = others

    def output(self, sources: Iterable[int]) -> None:
        """Nodes whose data leaves the network."""
        self._outputs.update(sources)

    def dissolve(self, node: int) -> None:
        """Takes a node out; who reads it reads what it read."""
        sources = self._nodes[node].sources
        for draft in self._nodes:
            if node in draft.sources:
                position = draft.sources.index(node)
                kept = [source for source in draft.sources if source != node]
                kept[position:position] = [source for source in sources if source not in kept]
                draft.sources = kept
        if node in self._outputs:
            self._outputs.update(sources)
            self._outputs.discard(node)

    def finish(self) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
        """The nodes that lead to an output, numbered anew; uses of other nodes are dropped."""
        reached = {_INPUT} | self._outputs
        queue = list(self._outputs)
        while queue:
            for source in self._nodes[queue.pop()].sources:
                if source not in reached:
                    reached.add(source)
                    queue.append(source)
        numbers = {old: new for new, old in enumerate(sorted(reached))}
        for name, uses in self.uses.items():
            self.uses[name] = [replace(use, node=numbers[use.node]) for use in uses if use.node in numbers]
        nodes = tuple(self._nodes[old].node for old in numbers)
        edges = tuple(Edge(numbers[source], new) for old, new in numbers.items() for source in self._nodes[old].sources)
        return nodes, edges
