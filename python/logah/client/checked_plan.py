"""The plan, checked against itself, so that buffers and files can be laid out by it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from logah.client._generated import logah_pb2
from logah.client.element_type import ElementType, element_type_of
from logah.client.errors import ProtocolError, expect_equal

#: Where a tensor's values come from.
Source = Literal["predicted", "tiled", "initialized", "tied", "unspecified"]

_SOURCES: dict[int, Source] = {
    logah_pb2.SOURCE_PREDICTED: "predicted",
    logah_pb2.SOURCE_TILED: "tiled",
    logah_pb2.SOURCE_INITIALIZED: "initialized",
    logah_pb2.SOURCE_TIED: "tied",
}

#: Sizes at and above this are refused, as in every client.
_MAX_BYTES = 2**53


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

    @property
    def is_tied(self) -> bool:
        """Whether another tensor holds its values."""
        return self.source == "tied"

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
    """Elements of all tensors by origin; the four counts add up to `parameters + tied`."""

    parameters: int
    predicted: int
    tiled: int
    initialized: int
    tied: int


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
    coverage: Coverage
    warnings: tuple[Warning, ...]

    @property
    def sent(self) -> tuple[TensorPlan, ...]:
        """The tensors that the stream carries, in its order."""
        return tuple(tensor for tensor in self.tensors if tensor.sent)


def check_plan(plan: logah_pb2.Plan) -> Plan:
    """Checks shapes, sizes, offsets and sums. Raises ProtocolError naming what came and what was expected."""
    if not plan.HasField("coverage"):
        raise ProtocolError("plan.coverage", "missing", "present")
    element_type = element_type_of(plan.dtype)
    tensors = tuple(_tensor(tensor) for tensor in plan.tensors)
    by_name: dict[str, TensorPlan] = {}
    offset = 0
    for tensor in tensors:
        if tensor.name in by_name:
            raise ProtocolError(f'plan: tensor name "{tensor.name}"', "repeated", "unique")
        by_name[tensor.name] = tensor
        _check_tensor(tensor, offset, element_type.bytes)
        offset += tensor.bytes
    expect_equal("plan.total_bytes", plan.total_bytes, offset)
    for tensor in tensors:
        if tensor.is_tied:
            _check_tie(tensor, by_name)
    sums = plan.coverage
    coverage = Coverage(sums.parameters, sums.predicted, sums.tiled, sums.initialized, sums.tied)
    _check_coverage(coverage, tensors)
    return Plan(
        model=plan.model,
        fingerprint=plan.fingerprint,
        family=plan.family,
        nodes=plan.nodes,
        element_type=element_type,
        tensors=tensors,
        total_bytes=plan.total_bytes,
        dense_bytes=plan.dense_bytes,
        factor_bytes=plan.factor_bytes,
        coverage=coverage,
        warnings=tuple(Warning(_warning_kind(w.kind), w.field, w.actual, w.trained, w.text) for w in plan.warnings),
    )


def _warning_kind(kind: int) -> str:
    # A newer server may know more kinds.
    known: Sequence[int] = logah_pb2.WarningKind.values()
    return logah_pb2.WarningKind.Name(kind) if kind in known else str(kind)


def _tensor(tensor: logah_pb2.TensorPlan) -> TensorPlan:
    return TensorPlan(
        name=tensor.name,
        shape=tuple(tensor.shape),
        source=_SOURCES.get(tensor.source, "unspecified"),
        rank=tensor.rank,
        bytes=tensor.bytes,
        offset=tensor.offset,
        tied_to=tensor.tied_to,
        sent=tensor.sent,
        predicted_elements=tensor.predicted_elements,
        tiled_elements=tensor.tiled_elements,
        initialized_elements=tensor.initialized_elements,
        sent_start=tuple(tensor.sent_start),
        sent_shape=tuple(tensor.sent_shape),
        factors=tuple(
            FactorBlock(block.row, block.rows, block.column, block.columns, block.m, block.n, block.rank)
            for block in tensor.factors
        ),
    )


def _check_tensor(tensor: TensorPlan, offset: int, element_bytes: int) -> None:
    subject = f'plan: tensor "{tensor.name}"'
    if min(tensor.shape, default=1) < 1 or tensor.elements * element_bytes >= _MAX_BYTES:
        raise ProtocolError(f"{subject}: shape", tensor.shape, "positive and below 2^53 bytes")
    if tensor.is_tied:
        expect_equal(f"{subject}: sent", tensor.sent, False)
    expect_equal(f"{subject}: bytes", tensor.bytes, _sent_bytes(tensor, element_bytes) if tensor.sent else 0)
    if tensor.sent:
        expect_equal(f"{subject}: offset", tensor.offset, offset)
        _check_box(subject, tensor)
        _check_factors(subject, tensor)
    if not tensor.is_tied:
        counted = tensor.predicted_elements + tensor.initialized_elements
        expect_equal(f"{subject}: sum of predicted_elements and initialized_elements", counted, tensor.elements)


def _sent_bytes(tensor: TensorPlan, element_bytes: int) -> int:
    """Of the factors, always float32, or of the box."""
    if tensor.factors:
        return sum((block.m + block.n) * block.rank * 4 for block in tensor.factors)
    return math.prod(tensor.sent_shape) * element_bytes


def _check_factors(subject: str, tensor: TensorPlan) -> None:
    """The blocks stand side by side or one below the other, and cover the matrix."""
    if not tensor.factors:
        return
    rows, columns = tensor.shape if len(tensor.shape) == 2 else (0, 0)
    down = across = 0
    fit = True
    for block in tensor.factors:
        below = (block.row, block.column, block.columns) == (down, 0, columns)
        beside = (block.row, block.column, block.rows) == (0, across, rows)
        fit &= (below or beside) and min(block.rows, block.columns, block.m, block.n, block.rank) >= 1
        down, across = block.row + block.rows, block.column + block.columns
    if not fit or (down, across) != (rows, columns):
        raise ProtocolError(f"{subject}: factors", f"{len(tensor.factors)} blocks", f"blocks that cover {tensor.shape}")


def _check_box(subject: str, tensor: TensorPlan) -> None:
    start, size = tensor.sent_start, tensor.sent_shape
    fits = len(start) == len(size) == len(tensor.shape) and all(
        first >= 0 and count >= 1 and first + count <= whole
        for first, count, whole in zip(start, size, tensor.shape, strict=True)
    )
    if not fits:
        raise ProtocolError(
            f"{subject}: sent_start and sent_shape", f"{start} and {size}", f"a box within {tensor.shape}"
        )


def _check_tie(tensor: TensorPlan, by_name: Mapping[str, TensorPlan]) -> None:
    subject = f'plan: tensor "{tensor.name}": tied_to'
    holder = by_name.get(tensor.tied_to)
    if holder is None or holder.is_tied:
        raise ProtocolError(subject, f'"{tensor.tied_to}"', "the name of a tensor of the plan that is not tied")
    expect_equal(f"{subject}: shape", tensor.shape, holder.shape)


def _check_coverage(coverage: Coverage, tensors: Sequence[TensorPlan]) -> None:
    own = sum(tensor.elements for tensor in tensors if not tensor.is_tied)
    tied = sum(tensor.elements for tensor in tensors if tensor.is_tied)
    expect_equal("plan.coverage.parameters", coverage.parameters, own)
    expect_equal("plan.coverage.tied", coverage.tied, tied)
    counts = coverage.predicted + coverage.tiled + coverage.initialized + coverage.tied
    expect_equal("plan.coverage: sum of the four counts", counts, coverage.parameters + coverage.tied)
