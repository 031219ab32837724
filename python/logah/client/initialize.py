"""Fills the parameters of a module in place; the only part of the client that needs torch."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from logah.client.architecture import Architecture
from logah.client.deadline import Deadline
from logah.client.local_box import LocalBox, local_box, local_tensor, materialized
from logah.client.meta_buffers import materialize_buffers
from logah.client.module_parameters import (
    ParameterSlot,
    match_plan,
    parameter_slots,
    unwrapped,
)
from logah.client.progress import Progress
from logah.client.request import Representation, predict_request
from logah.client.source import Source, read_source
from logah.client.wire.element_type import DtypeName
from logah.client.wire.factored_tensor import FactoredTensor
from logah.client.wire.plan import Plan, TensorPlan, Widening
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent
from logah.client.wire.tensor_pieces import TensorPiece
from logah.errors import CoverageError, RequestError, expect_equal

if TYPE_CHECKING:
    from logah.client._generated import logah_pb2

_DTYPE_NAMES: dict[torch.dtype, DtypeName] = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}
_TORCH_DTYPES = {name: dtype for dtype, name in _DTYPE_NAMES.items()}

#: Leading dimensions that a slice can cut.
_SLICED_DIMENSIONS = 2


@dataclass(frozen=True)
class InitializationReport:
    """Where the values of a module come from, in elements of the whole network, whatever this rank holds of it.

    Every parameter of the module is filled, save those of `untouched`.
    """

    model: str
    #: Of the whole network in the element type that was asked for; the same on every rank.
    fingerprint: str
    #: Predicted, each element its own; predicted by repetition; filled by rule; shared with another parameter.
    predicted: int
    tiled: int
    initialized: int
    tied: int
    #: Where the request lies outside what the model was trained on, a sentence each.
    warnings: tuple[str, ...]
    #: How often the weights of a narrower network are repeated; None: the network is predicted as it is.
    widening: Widening | None
    #: The noise that was added, in standard deviations of each predicted block.
    lift: float
    #: Parameters that the plan does not have, left as they were; only without `strict`.
    untouched: tuple[str, ...]


class Predictions(Protocol):
    """What filling needs of a client."""

    @property
    def target(self) -> str:
        """The address of the server."""
        ...

    def readable(self, architecture: Architecture, deadline: Deadline) -> Architecture:
        """The architecture in a form that the server reads."""
        ...

    def plan_request(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> Plan:
        """The plan of a request."""
        ...

    def events(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> Generator[Event, None, None]:
        """The checked events of a request."""
        ...


def initialize(
    client: Predictions,
    module: nn.Module,
    source: Source | None = None,
    *,
    seed: int = 0,
    model: str = "",
    strict: bool = True,
    copies: int = 0,
    lift: float = 0.0,
    device: torch.device | str | None = None,
    representation: Representation = "dense",
    timeout: float | None = None,
    progress: bool | None = None,
) -> InitializationReport:
    """Fills every parameter of `module` with what a server predicts for its architecture.

    - Parameters on the CPU or another device keep their storage and element type. Those on the meta device are
      replaced as their values arrive, by ones on `device` (default: the CPU, or a DTensor's kind of device); the whole
      module is never materialised first. Parameters that are tied stay tied.
    - DTensor parameters (FSDP2's `fully_shard`, tensor parallelism): each rank asks for its own part alone and calls
      no collective; together the parts are the full prediction, bit for bit.
    - Holds, beside the module, one chunk; one tensor where values need a copy (other devices, casts).
    - `representation` "factors": matrices come as factors, whole, to every rank, which multiplies its own rows; few
      bytes in all, and the ranks' parts are those of `state_dict` with the same representation, bit for bit. Tensors
      that are no matrices come whole.
    - `source` None: the module itself, by its transformers configuration or else by its trace. `seed`, `model`,
      `copies`, `lift`, `timeout`: as for `Client.predict`; every rank must pass the same.
    - `progress`: as for `Client.state_dict`; under torchrun only the first rank shows a bar of its own accord.
    - `strict`: the plan and the module must name the same parameters. Otherwise those that the plan lacks stay as they
      are, and are reported.

    Raises CoverageError, before anything is changed, where a parameter or meta buffer would stay uninitialised or
    does not fit the plan, and ShardingError for a placement that is no box. When a call fails later, some parameters
    have been filled and others not, and no value may be used.
    """
    root = unwrapped(module)
    for submodule in root.modules():
        if isinstance(submodule, FSDPModule):
            # After a forward pass the module may hold gathered copies, which FSDP throws away.
            submodule.reshard()
    slots = parameter_slots(root)
    dtype = _common_dtype(slots)
    deadline = Deadline(timeout, client.target)
    architecture = client.readable(read_source(root if source is None else source), deadline)
    request = predict_request(
        architecture, model=model, seed=seed, dtype=dtype, copies=copies, lift=lift, representation=representation
    )
    plan = client.plan_request(request, timeout=deadline.remaining())
    matched = match_plan(slots, plan, strict)
    untouched = _untouched(slots, matched)
    boxes = {name: local_box(name, slot.parameter) for name, slot in matched.items()}
    materialize_buffers(root, device)

    if representation == "core":
        raise RequestError('representation is "core"; a module is initialised from "dense" or "factors"')
    is_dense = representation == "dense"
    slices = {tensor.name: _requested(tensor, boxes.get(tensor.name)) if is_dense else None for tensor in plan.sent}
    request = predict_request(
        architecture,
        # The model and the copies that the plan was made with, should the server's choice change.
        model=plan.model,
        copies=plan.widening.copies if plan.widening else 1,
        lift=lift,
        seed=seed,
        dtype=dtype,
        slices={name: box for name, box in slices.items() if box is not None},
        representation=representation,
    )
    filling = _Filling(matched, boxes, _TORCH_DTYPES[dtype], device)
    with (
        torch.no_grad(),
        Progress(progress) as bar,
        contextlib.closing(client.events(request, deadline.remaining())) as events,
    ):
        for event in events:
            bar.accept(event)
            if isinstance(event, PlanEvent):
                _check_boxes(event.plan, plan, slices)
            elif isinstance(event, DataEvent):
                filling.accept(event.pieces)
    coverage = plan.coverage
    return InitializationReport(
        model=plan.model,
        fingerprint=plan.fingerprint,
        predicted=coverage.predicted,
        tiled=coverage.tiled,
        initialized=coverage.initialized,
        tied=coverage.tied,
        warnings=tuple(warning.text for warning in plan.warnings),
        widening=plan.widening,
        lift=plan.lift,
        untouched=untouched,
    )


class _Filling:
    """Puts pieces where they belong: into the parameter's own storage, or through one tensor on the CPU."""

    def __init__(
        self,
        matched: Mapping[str, ParameterSlot],
        boxes: Mapping[str, LocalBox],
        dtype: torch.dtype,
        device: torch.device | str | None,
    ) -> None:
        self._matched = matched
        self._boxes = boxes
        self._dtype = dtype
        self._device = device
        # The tensor that is arriving: its bytes, which are the parameter's storage unless they need a copy.
        self._bytes: NDArray[np.uint8] | None = None
        self._needs_copy = False

    def accept(self, pieces: Iterable[TensorPiece]) -> None:
        """The pieces of the stream, in its order."""
        for piece in pieces:
            if piece.offset == 0:
                self._begin(piece.tensor)
            end = piece.offset + len(piece.data)
            if self._bytes is not None:
                self._bytes[piece.offset : end] = np.frombuffer(piece.data, np.uint8)
            if end == piece.tensor.bytes:
                self._finish(piece.tensor)

    def _begin(self, tensor: TensorPlan) -> None:
        self._bytes = None
        slot = self._matched.get(tensor.name)
        if slot is None:
            return
        if slot.parameter.is_meta:
            slot.replace(materialized(slot.parameter, self._device))
        if self._boxes[tensor.name].is_empty:
            return
        local = local_tensor(slot.parameter)
        fits = local.dtype == self._dtype and tuple(local.shape) == tensor.sent_shape and not tensor.factors
        self._needs_copy = local.device.type != "cpu" or not fits or not local.is_contiguous()
        if self._needs_copy:
            self._bytes = np.empty(tensor.bytes, np.uint8)
        else:
            self._bytes = local.view(-1).view(torch.uint8).numpy()

    def _finish(self, tensor: TensorPlan) -> None:
        if self._bytes is not None and self._needs_copy:
            local = local_tensor(self._matched[tensor.name].parameter)
            if tensor.factors:
                _copy_product(FactoredTensor(tensor, self._bytes), self._boxes[tensor.name], local)
            else:
                sent = torch.from_numpy(self._bytes).view(self._dtype).view(tensor.sent_shape)
                # More may have been sent than this rank holds.
                starts = np.subtract(self._boxes[tensor.name].start, tensor.sent_start)
                part = tuple(slice(start, start + size) for start, size in zip(starts, local.shape, strict=True))
                local.copy_(sent[part])
        self._bytes = None


def _copy_product(tensor: FactoredTensor, box: LocalBox, local: Tensor) -> None:
    """The box of the product of a matrix's factors, rounded to the type of `local`."""
    first, column = box.start
    rows, columns = box.shape
    for row, tile in tensor.tiles(first, first + rows):
        start, end = max(first, row), min(first + rows, row + len(tile))
        part = tile[start - row : end - row, column : column + columns]
        local[start - first : end - first].copy_(torch.from_numpy(part))


def _requested(tensor: TensorPlan, box: LocalBox | None) -> tuple[tuple[int, int], ...] | None:
    """What to ask for of a tensor; None: all of it.

    A request cannot leave single tensors out (patterns are few), so of what is not needed here comes one entry of the
    leading dimensions, to be dropped.
    """
    if box is None or box.is_empty:
        return tuple((0, 1) for _ in tensor.shape[:_SLICED_DIMENSIONS])
    ends = tuple(start + size for start, size in zip(box.start, box.shape, strict=True))
    leading = tuple(zip(box.start, ends, strict=True))[:_SLICED_DIMENSIONS]
    is_whole = all(part == (0, size) for part, size in zip(leading, tensor.shape, strict=False))
    return None if is_whole else leading


def _check_boxes(plan: Plan, whole: Plan, slices: Mapping[str, tuple[tuple[int, int], ...] | None]) -> None:
    """Raises ProtocolError where the stream is not of the network planned before, or not of the boxes asked for."""
    expect_equal("model of the stream", plan.model, whole.model)
    expect_equal("names of the stream", [t.name for t in plan.sent], [t.name for t in whole.sent])
    for tensor, planned in zip(plan.sent, whole.sent, strict=True):
        expect_equal(f'shape of "{tensor.name}"', tensor.shape, planned.shape)
        asked = slices[tensor.name] or ()
        rest = tensor.shape[len(asked) :]
        start = tuple(first for first, _ in asked) + (0,) * len(rest)
        shape = tuple(end - first for first, end in asked) + rest
        expect_equal(f'box of "{tensor.name}"', (tensor.sent_start, tensor.sent_shape), (start, shape))


def _untouched(slots: Iterable[ParameterSlot], matched: Mapping[str, ParameterSlot]) -> tuple[str, ...]:
    """The parameters that the plan does not have. Raises CoverageError where they have no values to keep."""
    covered = {id(slot) for slot in matched.values()}
    left = [slot for slot in slots if id(slot) not in covered]
    meta = [slot.names[0] for slot in left if slot.parameter.is_meta]
    if meta:
        raise CoverageError(f"the plan has no values for parameters on the meta device: {', '.join(meta)}", meta)
    return tuple(slot.names[0] for slot in left)


def _common_dtype(slots: Iterable[ParameterSlot]) -> DtypeName:
    """What to ask for: the module's own element type where it has one only, else float32, to be rounded here."""
    dtypes = {slot.parameter.dtype for slot in slots}
    wrong = [slot.names[0] for slot in slots if not slot.parameter.is_floating_point()]
    if wrong:
        raise CoverageError(f"parameters are not of a floating-point type: {', '.join(wrong)}", wrong)
    return _DTYPE_NAMES.get(dtypes.pop(), "float32") if len(dtypes) == 1 else "float32"
