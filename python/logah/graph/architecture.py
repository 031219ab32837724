"""The architecture graph, as in proto/logah/v1: nodes, edges, and the parameters that nodes stand for.

The JSON form is the proto3 JSON mapping of `logah.v1.ArchitectureGraph`, so a file written here is one
that the `logah` command line and the service read, and the reverse.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from logah.errors import GraphError

Role = Literal["ROLE_MATRIX", "ROLE_EMBEDDING", "ROLE_NORM_WEIGHT", "ROLE_BIAS"]
Rule = Literal[
    "RULE_ZEROS",
    "RULE_ONES",
    "RULE_NORMAL",
    "RULE_TRUNCATED_NORMAL",
    "RULE_CONSTANT",
    "RULE_UNIFORM",
    "RULE_SHIFTED_NORMAL",
    "RULE_BOUNDED_NORMAL",
    "RULE_UNIFORM_BETWEEN",
    "RULE_LOG_UNIFORM",
    "RULE_SEQUENCE",
    "RULE_IDENTITY",
    "RULE_SINUSOIDS",
]
Function = Literal["FUNCTION_LOG", "FUNCTION_INVERSE_SOFTPLUS"]
Keep = Literal["KEEP_ALWAYS", "KEEP_UNLESS_PREDICTED"]


#: Where an architecture does not say it: the default of transformers' families.
DEFAULT_INITIALIZER_RANGE = 0.02

#: The numbers of `Initialization`.
_NUMBERS = (
    "standard_deviation",
    "value",
    "bound",
    "mean",
    "lower",
    "upper",
    "least",
    "start",
    "step",
    "base",
    "divisor",
)
_NO_KEEP = "KEEP_UNSPECIFIED"
_NO_FUNCTION = "FUNCTION_UNSPECIFIED"


@dataclass(frozen=True)
class Node:
    """One operation. `shape` is what the encoder sees of the operation's parameter; empty where it has none."""

    name: str
    operation: str
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Edge:
    """Data flows from node `source` to node `target` (indices into `ArchitectureGraph.nodes`)."""

    source: int
    target: int


@dataclass(frozen=True)
class Prediction:
    """A block decoded from the embedding of node `node`.

    `slot` numbers blocks whose nodes the graph cannot tell apart, or that share a node: q 0, k 1, v 2.
    """

    node: int
    role: Role
    classifier: bool = False
    slot: int = 0


@dataclass(frozen=True)
class Initialization:
    """A block that no hypernetwork predicts: the family's own rule fills it, seeded.

    Which numbers a rule takes says the contract's `Initialization`: `standard_deviation` those of the normal rules,
    `value` RULE_CONSTANT, and RULE_UNIFORM draws between -`bound` and `bound`.
    """

    rule: Rule
    standard_deviation: float = 0.0
    value: float = 0.0
    bound: float = 0.0
    mean: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    least: float = 0.0
    start: float = 0.0
    step: float = 0.0
    base: float = 0.0
    divisor: float = 0.0
    interleaved: bool = False
    #: What is done to each element; None: nothing.
    function: Function | None = None
    #: Whether the caller said the rule, who then wants it whatever a module holds; not part of the graph's JSON.
    given: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raises GraphError where there is no such rule."""
        if self.rule not in get_args(Rule):
            raise GraphError(f'rule is "{self.rule}"; allowed: {", ".join(get_args(Rule))}')


@dataclass(frozen=True)
class Block:
    """A part of a parameter: `length` entries along the parameter's `axis`."""

    length: int
    origin: Prediction | Initialization
    #: What fills a predicted block where the model does not know the node's operation; None: as its role is usual.
    fallback: Initialization | None = None


@dataclass(frozen=True)
class Layout:
    """How a framework has a tensor that is stored otherwise; [in, out] is order (1, 0) and shape [out, in]."""

    #: For each dimension of the framework's tensor the stored one; each once.
    order: tuple[int, ...]
    #: What the reordered dimensions are joined to.
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Parameter:
    """A tensor of the framework's state dict: `blocks` joined along `axis`, the storage of another, or what is kept."""

    name: str
    shape: tuple[int, ...]
    blocks: tuple[Block, ...] = ()
    axis: int = 0
    tied_to: str = ""
    #: The shape as which the blocks see the parameter, with its elements in the same order; empty: `shape`.
    view: tuple[int, ...] = ()
    #: How often the blocks follow one another.
    repetitions: int = 1
    #: Whether the caller keeps values of its own; None: it does not.
    keep: Keep | None = None
    #: Where it is stored otherwise than its framework has it; `shape`, `axis` and the blocks are those of storage.
    layout: Layout | None = None

    def block_shapes(self) -> list[tuple[int, ...]]:
        """The shape of each block: the view, with the block's length along `axis`."""
        view = self.view or self.shape
        return [(*view[: self.axis], b.length, *view[self.axis + 1 :]) for b in self.blocks]


@dataclass(frozen=True)
class ArchitectureGraph:
    """A directed acyclic graph of operations; node 0 is the network's input."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    parameters: tuple[Parameter, ...]
    name: str = ""
    family: str = ""
    #: Standard deviation that the network's own initialisation gives weights; `std` models scale theirs to it.
    initializer_range: float = DEFAULT_INITIALIZER_RANGE

    def distances(self, cutoff: int) -> np.ndarray:
        """Lengths of the shortest directed paths: int64 [N, N], 0 where there is none or it exceeds `cutoff`.

        Raises GraphError for a dangling edge, a self-loop or a cycle.
        """
        count = len(self.nodes)
        successors: list[list[int]] = [[] for _ in range(count)]
        for edge in self.edges:
            if not (0 <= edge.source < count and 0 <= edge.target < count):
                raise GraphError(f"edge {edge.source} -> {edge.target}: the graph has nodes 0 to {count - 1}")
            successors[edge.source].append(edge.target)
        result = np.zeros((count, count), dtype=np.int64)
        for start in range(count):
            seen = {start: 0}
            queue = deque([start])
            while queue:
                here = queue.popleft()
                for target in successors[here]:
                    if target == start:
                        raise GraphError(f"node {start} ({self.nodes[start].name}) lies on a cycle")
                    if target not in seen:
                        seen[target] = seen[here] + 1
                        queue.append(target)
            for target, length in seen.items():
                if length <= cutoff:
                    result[start, target] = length
        return result

    def to_json(self) -> dict[str, Any]:
        """The proto3 JSON mapping of `logah.v1.ArchitectureGraph`."""
        value: dict[str, Any] = {
            "name": self.name,
            "family": self.family,
            "nodes": [_node_json(n) for n in self.nodes],
            "edges": [{"source": e.source, "target": e.target} for e in self.edges],
            "parameters": [_parameter_json(p) for p in self.parameters],
        }
        if self.initializer_range != DEFAULT_INITIALIZER_RANGE:
            value["initializerRange"] = self.initializer_range
        return value

    @staticmethod
    def from_json(value: dict[str, Any]) -> ArchitectureGraph:
        """Reads the proto3 JSON mapping; 64-bit integers may be numbers or strings."""
        return ArchitectureGraph(
            name=value.get("name", ""),
            family=value.get("family", ""),
            nodes=tuple(
                Node(n.get("name", ""), n["operation"], tuple(int(d) for d in n.get("shape", ())))
                for n in value["nodes"]
            ),
            edges=tuple(Edge(int(e.get("source", 0)), int(e.get("target", 0))) for e in value["edges"]),
            parameters=tuple(_parameter_from_json(p) for p in value["parameters"]),
            initializer_range=float(value.get("initializerRange", DEFAULT_INITIALIZER_RANGE)),
        )


@dataclass
class GraphBuilder:
    """Collects nodes, edges and parameters while a front-end walks a network in forward order."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)

    def node(self, name: str, operation: str, shape: Sequence[int] = (), after: Iterable[int] = ()) -> int:
        """Adds a node behind the nodes `after`; returns its index."""
        index = len(self.nodes)
        self.nodes.append(Node(name, operation, tuple(shape)))
        self.edges.extend(Edge(source, index) for source in after)
        return index

    def parameter(
        self, name: str, shape: Sequence[int], node: int, role: Role, classifier: bool = False, slot: int = 0
    ) -> None:
        """Adds a parameter that one node predicts whole."""
        block = Block(shape[0], Prediction(node, role, classifier, slot))
        self.parameters.append(Parameter(name, tuple(shape), (block,)))

    def build(self, name: str, family: str, initializer_range: float = DEFAULT_INITIALIZER_RANGE) -> ArchitectureGraph:
        """The finished graph."""
        nodes, edges, parameters = tuple(self.nodes), tuple(self.edges), tuple(self.parameters)
        return ArchitectureGraph(nodes, edges, parameters, name, family, initializer_range)


def _node_json(node: Node) -> dict[str, Any]:
    value: dict[str, Any] = {"name": node.name, "operation": node.operation}
    if node.shape:
        value["shape"] = list(node.shape)
    return value


def _parameter_json(parameter: Parameter) -> dict[str, Any]:
    value: dict[str, Any] = {"name": parameter.name, "shape": list(parameter.shape)}
    if parameter.tied_to:
        value["tiedTo"] = parameter.tied_to
        return value
    if parameter.axis:
        value["axis"] = parameter.axis
    if parameter.blocks:
        value["blocks"] = [_block_json(b) for b in parameter.blocks]
    if parameter.view:
        value["view"] = list(parameter.view)
    if parameter.repetitions != 1:
        value["repetitions"] = parameter.repetitions
    if parameter.keep is not None:
        value["keep"] = parameter.keep
    if parameter.layout is not None:
        value["layout"] = {"order": list(parameter.layout.order), "shape": list(parameter.layout.shape)}
    return value


def _block_json(block: Block) -> dict[str, Any]:
    origin = block.origin
    if isinstance(origin, Initialization):
        return {"length": block.length, "initialization": _initialization_json(origin)}
    prediction: dict[str, Any] = {"node": origin.node, "role": origin.role}
    if origin.classifier:
        prediction["classifier"] = True
    if origin.slot:
        prediction["slot"] = origin.slot
    value: dict[str, Any] = {"length": block.length, "prediction": prediction}
    if block.fallback is not None:
        value["fallback"] = _initialization_json(block.fallback)
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _initialization_json(initialization: Initialization) -> dict[str, Any]:
    """Without fields that have their default."""
    names = ("rule", *_NUMBERS, "interleaved", "function")
    values = ((name, getattr(initialization, name)) for name in names)
    return {_camel(name): value for name, value in values if value}


def _parameter_from_json(value: dict[str, Any]) -> Parameter:
    shape = tuple(int(d) for d in value["shape"])
    return Parameter(
        name=value["name"],
        shape=shape,
        axis=int(value.get("axis", 0)),
        tied_to=value.get("tiedTo", ""),
        blocks=tuple(_block_from_json(b) for b in value.get("blocks", ())),
        view=tuple(int(d) for d in value.get("view", ())),
        repetitions=max(1, int(value.get("repetitions", 1))),
        keep=None if value.get("keep", _NO_KEEP) == _NO_KEEP else value["keep"],
        layout=None if value.get("layout") is None else _layout_from_json(value["layout"]),
    )


def _layout_from_json(value: dict[str, Any]) -> Layout:
    return Layout(
        tuple(int(axis) for axis in value.get("order", ())), tuple(int(size) for size in value.get("shape", ()))
    )


def _block_from_json(value: dict[str, Any]) -> Block:
    length = int(value["length"])
    if "prediction" not in value:
        return Block(length, _initialization_from_json(value["initialization"]))
    prediction = value["prediction"]
    fallback = value.get("fallback")
    origin = Prediction(
        int(prediction.get("node", 0)),
        prediction["role"],
        bool(prediction.get("classifier", False)),
        int(prediction.get("slot", 0)),
    )
    return Block(length, origin, None if fallback is None else _initialization_from_json(fallback))


def _initialization_from_json(value: dict[str, Any]) -> Initialization:
    function = value.get("function", _NO_FUNCTION)
    numbers: dict[str, Any] = {name: float(value[_camel(name)]) for name in _NUMBERS if _camel(name) in value}
    return Initialization(
        value["rule"],
        **numbers,
        interleaved=bool(value.get("interleaved", False)),
        function=None if function == _NO_FUNCTION else function,
    )
