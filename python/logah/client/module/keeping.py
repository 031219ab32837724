"""Which parameters keep what the module itself gives them: a prediction is put only where it is known to be better."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

from logah.client._generated import architecture_pb2
from logah.client.module.local_box import local_tensor
from logah.client.module.module_parameters import ParameterSlot
from logah.client.module.own_start.draw import Draw
from logah.client.module.own_start.evidence import constant_of
from logah.client.module.own_start.special import Purpose
from logah.client.module.own_start.start import OwnStart
from logah.client.wire.plan import Plan, TensorPlan

#: What becomes of what the module says it wants as it is.
KeepOrPredict = Literal["keep", "predict"]

#: Why a parameter is kept: it needs no gradient, it starts in a way that means something, or nothing predicts it and no
#: rule explains what it holds.
KeptReason = Literal["frozen", "special", "own"]


@dataclass(frozen=True)
class Keeping:
    """What is not filled with what the service sends."""

    #: By name.
    kept: Mapping[str, KeptReason]
    #: What is filled by rule if what is sent can be drawn so, as the module's own values can.
    by_rule: Mapping[str, Draw]
    #: Rows of embedding tables that stand for padding, and are 0.
    padding: Mapping[str, int]
    #: Parts of parameters that no rule explains, where the rest is predicted.
    parts: Mapping[str, tuple[Part, ...]]


@dataclass(frozen=True)
class Part:
    """`length` entries of a parameter's dimension `axis`, from `start`."""

    axis: int
    start: int
    length: int


def decide(
    matched: Mapping[str, ParameterSlot],
    plan: Plan,
    graph: architecture_pb2.ArchitectureGraph | None,
    start: OwnStart,
    frozen: KeepOrPredict,
    special: KeepOrPredict,
    given: Collection[str],
) -> Keeping:
    """What to keep. `graph`: the architecture, where it is known; `given`: names whose rule the caller said."""
    purposes = _purposes(matched, graph)
    tensors = {tensor.name: tensor for tensor in plan.tensors}
    kept: dict[str, KeptReason] = {}
    by_rule: dict[str, Draw] = {}
    padding: dict[str, int] = {}
    parts = _parts(matched, graph)
    for name, slot in matched.items():
        tensor = tensors[name]
        if frozen == "keep" and not slot.parameter.requires_grad:
            kept[name] = "frozen"
        elif tensor.is_kept:
            kept[name] = "own"
        elif tensor.predicted_elements + tensor.started_elements == 0:
            if tensor.elements == 0 or name in given or not start.holds(slot):
                continue
            draw = start.explaining_draw(slot)
            if draw is None:
                kept[name] = "own"
            else:
                by_rule[name] = draw
        elif special == "keep" and (graph is not None or start.holds(slot)):
            # A configuration that the service reads is of a family whose init code it knows.
            if start.is_special(slot, purposes[name]):
                kept[name] = "special"
            elif (row := _padding(slot, start)) is not None:
                padding[name] = row
    if special == "keep":
        kept.update(_silent_biases(matched, tensors, kept, start))
    unexplained: dict[str, tuple[Part, ...]] = {}
    for name, by_rules in parts.items():
        slot = matched[name]
        if name not in given and start.holds(slot):
            unexplained[name] = tuple(p for p in by_rules if not start.explains(slot, p.axis, p.start, p.length))
    return Keeping(kept, by_rule, padding, unexplained)


def _padding(slot: ParameterSlot, start: OwnStart) -> int | None:
    """The row of an embedding table that is 0 and stays so."""
    tables = [owner for owner, _ in slot.places if isinstance(owner, nn.Embedding)]
    rows = {table.padding_idx for table in tables if table.padding_idx is not None}
    if len(rows) != 1:
        return None
    row = rows.pop()
    if not start.holds(slot):
        return row
    local = local_tensor(slot.parameter)
    is_whole = local.shape == slot.parameter.shape
    return row if not is_whole or constant_of(local[row]) == 0 else None


def _silent_biases(
    matched: Mapping[str, ParameterSlot],
    tensors: Mapping[str, TensorPlan],
    kept: Mapping[str, KeptReason],
    start: OwnStart,
) -> dict[str, KeptReason]:
    """Biases of 0 beside weights that are kept at 0: together they begin as nothing."""
    silent = {
        id(matched[name].places[0][0])
        for name, reason in kept.items()
        if reason == "special" and start.is_zero(matched[name])
    }
    return {
        name: "special"
        for name, slot in matched.items()
        if name not in kept
        and tensors[name].predicted_elements > 0
        and id(slot.places[0][0]) in silent
        and start.is_zero(slot)
    }


def _parts(
    matched: Mapping[str, ParameterSlot], graph: architecture_pb2.ArchitectureGraph | None
) -> dict[str, list[Part]]:
    """Of parameters that are predicted in part: what is not."""
    parts: dict[str, list[Part]] = {}
    for parameter in graph.parameters if graph is not None else ():
        kinds = {block.WhichOneof("origin") for block in parameter.blocks}
        if len(kinds) < 2 or parameter.name not in matched:
            continue
        first = 0
        for block in parameter.blocks:
            if block.HasField("initialization"):
                parts.setdefault(parameter.name, []).append(Part(parameter.axis, first, block.length))
            first += block.length
    return parts


def _purposes(
    matched: Mapping[str, ParameterSlot], graph: architecture_pb2.ArchitectureGraph | None
) -> dict[str, Purpose]:
    """What each parameter is for: as the graph says, else by its name and dimensions."""
    purposes = {name: _guessed_purpose(name, slot) for name, slot in matched.items()}
    if graph is None:
        return purposes
    for parameter in graph.parameters:
        predictions = [block.prediction for block in parameter.blocks if block.HasField("prediction")]
        slot = matched.get(parameter.name)
        if not predictions or slot is None:
            continue
        first = predictions[0]
        if first.role == architecture_pb2.ROLE_BIAS:
            purposes[parameter.name] = "bias"
        elif first.role == architecture_pb2.ROLE_NORM_WEIGHT:
            purposes[parameter.name] = "norm"
        else:
            is_learned_sequence = graph.nodes[first.node].operation == "pos_enc"
            is_table = is_learned_sequence and not isinstance(slot.places[0][0], nn.Embedding)
            purposes[parameter.name] = "table" if is_table else "matrix"
    return purposes


def _guessed_purpose(name: str, slot: ParameterSlot) -> Purpose:
    if slot.parameter.dim() < 2:
        return "bias" if name.endswith("bias") else "norm"
    return "matrix" if name.endswith("weight") else "table"
