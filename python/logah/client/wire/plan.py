"""What a plan says, as values of our own; `checked_plan` makes them of the wire's message."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from logah.client.wire.draws.rules import FillRule
from logah.client.wire.element_type import ElementType

#: Where a tensor's values come from.
Source = Literal["predicted", "tiled", "initialized", "tied", "kept", "unspecified"]


@dataclass(frozen=True)
class FactorBlock:
    """A block of a matrix as a product: element (row + p, column + q) is A[p mod m] · B[q mod n]."""

    row: int
    rows: int
    column: int
    columns: int
    #: Rows of A, rows of B, and columns of both.
    m: int
    n: int
    rank: int


@dataclass(frozen=True)
class Expansion:
    """A model's last layer: weight [rows, rank] and bias [rows], float32."""

    sha256: str
    rows: int
    rank: int

    @property
    def bytes(self) -> int:
        """Of its file."""
        return self.rows * (self.rank + 1) * 4

    def core_rows(self, rows: int) -> int:
        """Core rows that the first `rows` rows of a factor are made of."""
        return -(-rows * self.rank // self.rows)


@dataclass(frozen=True)
class CoreBlock:
    """A block of a tensor that is sent as what it is computed from; see the contract's `CoreBlock`."""

    row: int
    rows: int
    column: int
    columns: int
    #: Its name in the contract behind "CORE_LAYOUT_", in lower case; "unknown": of a newer server.
    layout: str
    m: int
    n: int
    height: int
    width: int
    start: int
    length: int
    rule: FillRule | None = None
    #: Whether noise is added.
    lifted: bool = False

    @property
    def has_scale(self) -> bool:
        """Whether a float64 stands before its core rows."""
        return self.layout in ("matrix", "matrix_transposed", "kernel", "positions")

    @property
    def leading_bytes(self) -> int:
        """Before its core rows: the scale, the deviation of the noise (both float64), and its stream's key."""
        return (8 if self.has_scale else 0) + (16 if self.lifted else 0)

    def bytes(self, expansion: Expansion, element_bytes: int) -> int:
        """Of its data."""
        if self.layout == "elements":
            return self.rows * self.columns * element_bytes
        if self.layout == "constant":
            return 4
        if self.layout == "rule":
            return 8
        return self.core_rows(expansion) * expansion.rank * 4 + self.leading_bytes

    def core_rows(self, expansion: Expansion) -> int:
        """Core rows of both of its factors; 0: it is no product."""
        if self.layout in ("elements", "constant", "rule"):
            return 0
        return expansion.core_rows(self.m) + expansion.core_rows(self.n)

    def is_computable(self, expansion: Expansion, dimensions: int) -> bool:
        """Whether its numbers fit together; `dimensions`: of the tensor."""
        m, n, size = self.m, self.n, self.height * self.width
        if self.lifted and not self.has_scale:
            return False
        if self.layout == "rule":
            return self.rule is not None and self.rule.is_drawable(dimensions)
        if self.layout in ("elements", "constant"):
            return True
        if not (1 <= m <= expansion.rows and 1 <= n <= expansion.rows):
            return False
        if self.layout == "kernel":
            return size >= 1 and m % self.height == n % self.width == self.columns % size == 0
        if self.layout in ("norm_weight", "bias"):
            last = self.start + (self.length - 1) * n
            return self.columns == 1 and self.start >= 0 and self.length >= 1 and last < m * n
        return self.layout in ("matrix", "matrix_transposed") or (self.layout == "positions" and n % m == 0)


@dataclass(frozen=True)
class TensorPlan:
    """One tensor of the network."""

    name: str
    shape: tuple[int, ...]
    source: Source
    #: Largest rank that the predicted matrix can have; 0: not limited.
    rank: int
    #: Bytes sent; 0 where it is not sent.
    bytes: int
    #: Position of the first byte within the data of all chunks joined together.
    offset: int
    #: The parameter that holds this one's values; empty: it has its own.
    tied_to: str
    #: False where the selection or the shard leaves the tensor out, or where it is tied.
    sent: bool
    #: Elements by origin.
    predicted_elements: int
    tiled_elements: int
    initialized_elements: int
    #: The box that is sent: its first index in each dimension, and its size. Empty where not sent.
    sent_start: tuple[int, ...]
    sent_shape: tuple[int, ...]
    #: The blocks whose factors are sent in place of the elements, all float32; empty for a tensor sent dense.
    factors: tuple[FactorBlock, ...]
    #: The blocks whose cores are sent in place of the elements; empty for a tensor sent otherwise.
    core: tuple[CoreBlock, ...] = ()
    #: The shape as which `factors` and `core` see the tensor; empty: `shape`.
    view: tuple[int, ...] = ()
    #: Of `initialized_elements`, what a built-in start fills, which the request names as its model.
    started_elements: int = 0

    @property
    def matrix_view(self) -> tuple[int, int]:
        """Rows and columns as the blocks of factors and cores see the tensor."""
        view = self.view or self.shape
        leading = 2 if len(view) == 3 and view[0] == 1 else 1
        return math.prod(view[:leading]), math.prod(view[leading:])

    @property
    def has_products(self) -> bool:
        """Whether any of its blocks is sent as the core of a product."""
        return any(block.layout not in ("elements", "constant", "rule") for block in self.core)

    @property
    def is_tied(self) -> bool:
        """Whether another tensor holds its values."""
        return self.source == "tied"

    @property
    def is_kept(self) -> bool:
        """Whether the caller keeps its own values."""
        return self.source == "kept"

    @property
    def elements(self) -> int:
        """Of the whole tensor."""
        return math.prod(self.shape)

    @property
    def end(self) -> int:
        """Position behind the last byte."""
        return self.offset + self.bytes


@dataclass(frozen=True)
class Coverage:
    """Elements of all tensors by origin; the five counts add up to `parameters + tied`."""

    parameters: int
    predicted: int
    tiled: int
    initialized: int
    tied: int
    kept: int = 0


@dataclass(frozen=True)
class ModuleCoverage:
    """A part of the network: the tensors whose names begin with `name` and a dot, or the one that is called so."""

    #: Empty: what no other part has.
    name: str
    coverage: Coverage


@dataclass(frozen=True)
class Warning:
    """A way in which the request differs from what the model was trained on."""

    #: Its name in the contract, such as "WARNING_KIND_RANGE".
    kind: str
    field: str
    actual: str
    trained: str
    #: A sentence with all of it.
    text: str


@dataclass(frozen=True)
class Widening:
    """A network made of the repeated weights of a narrower one that computes the same function."""

    #: How often the weights are repeated.
    copies: int
    #: The sizes of the narrower network that widening changes, by the configuration's names.
    base: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """Every parameter of the network accounted for; consistent."""

    model: str
    #: Equal fingerprints mean equal bytes.
    fingerprint: str
    family: str
    #: Of the architecture graph.
    nodes: int
    element_type: ElementType
    #: In the order of sending, also those not sent.
    tensors: tuple[TensorPlan, ...]
    #: Of all chunks together.
    total_bytes: int
    #: What `total_bytes` is for the same request sent dense, and as factors.
    dense_bytes: int
    factor_bytes: int
    core_bytes: int
    #: What the tensors sent as cores are expanded with; None: there are none.
    expansion: Expansion | None
    #: Whether the model has a tokenizer (`Client.tokenizer`) that the network reads.
    has_tokenizer: bool
    coverage: Coverage
    warnings: tuple[Warning, ...]
    #: None: the network is predicted as it is.
    widening: Widening | None
    #: The noise that is added, in standard deviations of each predicted block; 0: none.
    lift: float
    #: The same sums as `coverage` for parts of the network, together all of it; a server may send none.
    modules: tuple[ModuleCoverage, ...] = ()
    #: Elements, sent or not, that the seed has a part in: filled at random, or with noise; 0: any seed brings the same.
    seeded_elements: int = 0
    #: What to know of how the network was read, a sentence each.
    notes: tuple[str, ...] = ()
    #: What `copies` may be beside 1, in order; empty where the network is not made of copies.
    possible_copies: tuple[int, ...] = ()
    #: What predicted blocks are multiplied with.
    strength: float = 1.0
    #: The noise that is added, in standard deviations of each predicted block's default start; 0: none.
    base: float = 0.0

    @property
    def sent(self) -> tuple[TensorPlan, ...]:
        """The tensors that the stream carries, in its order."""
        return tuple(tensor for tensor in self.tensors if tensor.sent)
