"""The plan, checked against itself, so that buffers and files can be laid out by it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from logah.client._generated import architecture_pb2, logah_pb2
from logah.client.wire.draws.rules import FillRule
from logah.client.wire.element_type import element_type_of
from logah.client.wire.plan import (
    CoreBlock,
    Coverage,
    Expansion,
    FactorBlock,
    ModuleCoverage,
    Plan,
    Source,
    TensorPlan,
    Warning,
    Widening,
)
from logah.errors import ProtocolError, expect_equal

_SOURCES: dict[int, Source] = {
    logah_pb2.SOURCE_PREDICTED: "predicted",
    logah_pb2.SOURCE_TILED: "tiled",
    logah_pb2.SOURCE_INITIALIZED: "initialized",
    logah_pb2.SOURCE_TIED: "tied",
    logah_pb2.SOURCE_KEPT: "kept",
}

#: Sizes at and above this are refused, as in every client.
_MAX_BYTES = 2**53
_MAX_EXPANSION_BYTES = 2**30
_MAX_COPIES = 1024


def check_plan(
    plan: logah_pb2.Plan, copies: int = 0, lift: float = 0.0, strength: float = 1.0, base: float = 0.0
) -> Plan:
    """Checks shapes, sizes, offsets and sums, and that the copies (0: any), the lift, the strength and the base
    are those asked for.

    Raises ProtocolError naming what came and what was expected.
    """
    if not plan.HasField("coverage"):
        raise ProtocolError("plan.coverage", "missing", "present")
    element_type = element_type_of(plan.dtype)
    expansion = _expansion(plan)
    widening = _widening(plan)
    if copies > 0:
        expect_equal("plan.widening: copies", widening.copies if widening else 1, copies)
    expect_equal("plan.lift", plan.lift, lift)
    # An older server knows none.
    own_strength = plan.strength or 1.0
    expect_equal("plan.strength", own_strength, strength)
    expect_equal("plan.base", plan.base, base)
    tensors = tuple(_tensor(tensor) for tensor in plan.tensors)
    by_name: dict[str, TensorPlan] = {}
    offset = 0
    for tensor in tensors:
        if tensor.name in by_name:
            raise ProtocolError(f'plan: tensor name "{tensor.name}"', "repeated", "unique")
        by_name[tensor.name] = tensor
        _check_tensor(tensor, offset, element_type.bytes, expansion)
        offset += tensor.bytes
    expect_equal("plan.total_bytes", plan.total_bytes, offset)
    for tensor in tensors:
        if tensor.is_tied:
            _check_tie(tensor, by_name)
    coverage = _coverage(plan.coverage)
    _check_coverage(coverage, tensors)
    modules = tuple(ModuleCoverage(module.name, _coverage(module.coverage)) for module in plan.modules)
    _check_modules(modules, coverage)
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
        core_bytes=plan.core_bytes,
        expansion=expansion,
        has_tokenizer=plan.has_tokenizer,
        coverage=coverage,
        warnings=tuple(Warning(_warning_kind(w.kind), w.field, w.actual, w.trained, w.text) for w in plan.warnings),
        widening=widening,
        possible_copies=tuple(plan.possible_copies),
        lift=plan.lift,
        strength=own_strength,
        base=plan.base,
        modules=modules,
        seeded_elements=plan.seeded_elements,
        notes=tuple(plan.notes),
    )


def check_asked(plan: logah_pb2.Plan, request: logah_pb2.PredictRequest) -> Plan:
    """The same of a plan that answers a request."""
    strength = request.strength if request.HasField("strength") else 1.0
    return check_plan(plan, request.copies, request.lift, strength, request.base)


def _coverage(sums: logah_pb2.Coverage) -> Coverage:
    return Coverage(sums.parameters, sums.predicted, sums.tiled, sums.initialized, sums.tied, sums.kept)


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
        started_elements=tensor.started_elements,
        sent_start=tuple(tensor.sent_start),
        sent_shape=tuple(tensor.sent_shape),
        factors=tuple(
            FactorBlock(block.row, block.rows, block.column, block.columns, block.m, block.n, block.rank)
            for block in tensor.factors
        ),
        core=tuple(_core_block(block) for block in tensor.core),
        view=tuple(tensor.view),
    )


def _expansion(plan: logah_pb2.Plan) -> Expansion | None:
    if not plan.HasField("expansion"):
        return None
    expansion = Expansion(plan.expansion.sha256, plan.expansion.rows, plan.expansion.rank)
    is_known = re.fullmatch("[0-9a-f]{64}", expansion.sha256) is not None
    if not is_known or min(expansion.rows, expansion.rank) < 1 or expansion.bytes > _MAX_EXPANSION_BYTES:
        shown = f'"{expansion.sha256}" of {expansion.rows} x {expansion.rank}'
        raise ProtocolError("plan.expansion", shown, "a SHA-256 and sizes")
    return expansion


def _widening(plan: logah_pb2.Plan) -> Widening | None:
    if not plan.HasField("widening"):
        return None
    widening = Widening(plan.widening.copies, dict(sorted(plan.widening.base.items())))
    if not 2 <= widening.copies <= _MAX_COPIES or min(widening.base.values(), default=1) < 1:
        came = f"{widening.copies} copies of {widening.base}"
        raise ProtocolError("plan.widening", came, f"2 to {_MAX_COPIES} copies of positive sizes")
    return widening


def _core_block(block: logah_pb2.CoreBlock) -> CoreBlock:
    return CoreBlock(
        row=block.row,
        rows=block.rows,
        column=block.column,
        columns=block.columns,
        layout=_known_name(logah_pb2.CoreLayout, block.layout, "CORE_LAYOUT_"),
        m=block.m,
        n=block.n,
        height=block.height,
        width=block.width,
        start=block.start,
        length=block.length,
        rule=_rule(block.rule) if block.HasField("rule") else None,
        lifted=block.lifted,
    )


def _rule(rule: architecture_pb2.Initialization) -> FillRule:
    return FillRule(
        name=_known_name(architecture_pb2.Rule, rule.rule, "RULE_"),
        standard_deviation=rule.standard_deviation,
        bound=rule.bound,
        mean=rule.mean,
        lower=rule.lower,
        upper=rule.upper,
        least=rule.least,
        start=rule.start,
        step=rule.step,
        function=_known_name(architecture_pb2.Function, rule.function, "FUNCTION_"),
    )


def _known_name(kind: Any, value: int, prefix: str) -> str:
    """The name of an enumeration's value behind its prefix, in lower case; "unknown": of a newer server."""
    name: str = kind.Name(value) if value in kind.values() else f"{prefix}UNKNOWN"
    return name.removeprefix(prefix).lower()


def _check_core(subject: str, tensor: TensorPlan, expansion: Expansion | None) -> None:
    """The blocks stand side by side or one below the other, cover the tensor, and there is an expansion for them."""
    if not tensor.core:
        return
    if expansion is None:
        raise ProtocolError("plan.expansion", "missing", "present where there are cores")
    rows, columns = tensor.matrix_view
    down = across = 0
    fit = not tensor.factors
    for block in tensor.core:
        below = (block.row, block.column, block.columns) == (down, 0, columns)
        beside = (block.row, block.column, block.rows) == (0, across, rows)
        fit &= (
            (below or beside)
            and min(block.rows, block.columns) >= 1
            and block.is_computable(expansion, len(tensor.shape))
        )
        down, across = block.row + block.rows, block.column + block.columns
    if not fit or (down, across) != (rows, columns):
        raise ProtocolError(f"{subject}: core", f"{len(tensor.core)} blocks", f"blocks that cover {tensor.shape}")


def _check_tensor(tensor: TensorPlan, offset: int, element_bytes: int, expansion: Expansion | None) -> None:
    subject = f'plan: tensor "{tensor.name}"'
    if min(tensor.shape, default=1) < 0 or tensor.elements * element_bytes >= _MAX_BYTES:
        raise ProtocolError(f"{subject}: shape", tensor.shape, "no negative size and below 2^53 bytes")
    if tensor.view:
        expect_equal(f"{subject}: elements of view", math.prod(tensor.view), tensor.elements)
    if tensor.is_tied or tensor.is_kept:
        expect_equal(f"{subject}: sent", tensor.sent, False)
    if tensor.sent:
        _check_core(subject, tensor, expansion)
    expected = _sent_bytes(tensor, element_bytes, expansion) if tensor.sent else 0
    expect_equal(f"{subject}: bytes", tensor.bytes, expected)
    if tensor.sent:
        expect_equal(f"{subject}: offset", tensor.offset, offset)
        _check_box(subject, tensor)
        _check_factors(subject, tensor)
    if not tensor.is_tied and not tensor.is_kept:
        counted = tensor.predicted_elements + tensor.initialized_elements
        expect_equal(f"{subject}: sum of predicted_elements and initialized_elements", counted, tensor.elements)


def _sent_bytes(tensor: TensorPlan, element_bytes: int, expansion: Expansion | None) -> int:
    """Of the cores, of the factors, always float32, or of the box."""
    if tensor.core and expansion is not None:
        return sum(block.bytes(expansion, element_bytes) for block in tensor.core)
    if tensor.factors:
        return sum((block.m + block.n) * block.rank * 4 for block in tensor.factors)
    return math.prod(tensor.sent_shape) * element_bytes


def _check_factors(subject: str, tensor: TensorPlan) -> None:
    """The blocks stand side by side or one below the other, and cover the matrix."""
    if not tensor.factors:
        return
    view = tensor.view or tensor.shape
    rows, columns = view if len(view) == 2 else (0, 0)
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
        first >= 0 and count >= min(1, whole) and first + count <= whole
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
    kept = sum(tensor.elements for tensor in tensors if tensor.is_kept)
    expect_equal("plan.coverage.kept", coverage.kept, kept)
    counts = coverage.predicted + coverage.tiled + coverage.initialized + coverage.tied + coverage.kept
    expect_equal("plan.coverage: sum of the five counts", counts, coverage.parameters + coverage.tied)


def _check_modules(modules: Sequence[ModuleCoverage], whole: Coverage) -> None:
    """The parts together are the whole; a server that knows of none sends none."""
    if not modules:
        return
    for part in fields(Coverage):
        together = sum(getattr(module.coverage, part.name) for module in modules)
        expect_equal(f"plan.modules: sum of {part.name}", together, getattr(whole, part.name))
