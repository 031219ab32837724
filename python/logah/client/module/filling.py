"""Puts what a stream brings into the parameters of a module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from logah.client.module.groups import Groups, Wanted
from logah.client.module.keeping import Keeping
from logah.client.module.local_box import LocalBox, local_tensor, materialized
from logah.client.module.module_parameters import ParameterSlot
from logah.client.module.own_start.evidence import is_explained
from logah.client.module.torch_expansion import Memory
from logah.client.module.verification import Sample, sampled_places
from logah.client.module.workers import Workers
from logah.client.wire.core_data import CoreExpansion
from logah.client.wire.plan import Plan, TensorPlan
from logah.client.wire.tensor_pieces import TensorPiece
from logah.errors import ProtocolError, expect_equal

#: Leading dimensions that a slice can cut.
_SLICED_DIMENSIONS = 2


class Filling:
    """Puts pieces where they belong: into the parameter's own storage, or through one tensor on the CPU. What comes as
    cores or factors is expanded on other threads: values are there when `finish` has returned."""

    def __init__(
        self,
        matched: Mapping[str, ParameterSlot],
        boxes: Mapping[str, LocalBox],
        dtype: torch.dtype,
        device: torch.device | str | None,
        keeping: Keeping,
        workers: Workers,
    ) -> None:
        self._matched = matched
        self._boxes = boxes
        self._dtype = dtype
        self._device = device
        self._keeping = keeping
        self._saved: list[tuple[Tensor, Tensor]] = []
        #: Names of those to be filled by rule that were sent otherwise, and were left as they are.
        self.refused: list[str] = []
        #: Of tensors that come as cores, what came of each: little, and all that `Proof` needs.
        self.cores: dict[str, NDArray[np.uint8]] = {}
        #: Beside cores, of tensors that come as they are: a sample of what came.
        self.samples: dict[str, Sample] = {}
        self._groups = Groups(workers)
        self._expansion: CoreExpansion | None = None
        # The tensor that is arriving: its bytes, which are the parameter's storage unless they need a copy.
        self._bytes: NDArray[np.uint8] | None = None
        self._needs_copy = False

    def expand_with(self, expansion: CoreExpansion | None) -> None:
        """What the cores of the stream are to be expanded with; None where it has none."""
        self._expansion = expansion
        self._groups.expansion = expansion

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

    def finish(self) -> None:
        """Behind the last piece."""
        self._groups.finish()
        for slot in self._matched.values():
            # Of a parameter without elements no piece came.
            if slot.parameter.is_meta and slot.parameter.numel() == 0:
                slot.replace(materialized(slot.parameter, self._device))

    def _begin(self, tensor: TensorPlan) -> None:
        self._bytes = None
        slot = self._matched.get(tensor.name)
        if slot is not None and slot.parameter.is_meta:
            slot.replace(materialized(slot.parameter, self._device))
        if slot is None or self._boxes[tensor.name].is_empty:
            # Factors are made in groups that depend on the plan alone, so that their bits do.
            self._bytes = np.empty(tensor.bytes, np.uint8) if tensor.has_products else None
            return
        local = local_tensor(slot.parameter)
        parts = self._keeping.parts.get(tensor.name, ())
        kept = [local.narrow(part.axis, part.start, part.length) for part in parts]
        self._saved = [(own, own.clone()) for own in kept]
        is_dense = not tensor.factors and not tensor.core
        fits = is_dense and local.dtype == self._dtype and tuple(local.shape) == tensor.sent_shape
        is_tried = tensor.name in self._keeping.by_rule
        self._needs_copy = local.device.type != "cpu" or not fits or not local.is_contiguous() or is_tried
        if self._needs_copy:
            self._bytes = np.empty(tensor.bytes, np.uint8)
        else:
            self._bytes = local.view(-1).view(torch.uint8).numpy()

    def _finish(self, tensor: TensorPlan) -> None:
        data, self._bytes = self._bytes, None
        if data is None:
            return
        slot = self._matched.get(tensor.name)
        if slot is None or self._boxes[tensor.name].is_empty:
            self._groups.add(tensor, data, None)
            return
        local, saved = local_tensor(slot.parameter), self._saved

        def complete() -> None:
            for own, values in saved:
                own.copy_(values)
            if tensor.name in self._keeping.padding:
                self._clear(tensor.name, self._keeping.padding[tensor.name])

        if tensor.core or tensor.factors:
            self._expand(tensor, data, local, complete)
            return
        if self._needs_copy:
            sent = torch.from_numpy(data).view(self._dtype).view(tensor.sent_shape)
            # More may have been sent than this rank holds.
            starts = np.subtract(self._boxes[tensor.name].start, tensor.sent_start)
            part = tuple(slice(start, start + size) for start, size in zip(starts, local.shape, strict=True))
            draw = self._keeping.by_rule.get(tensor.name)
            if draw is None or is_explained(draw, sent[part]):
                local.copy_(sent[part])
            else:
                self.refused.append(tensor.name)
        if self._expansion is not None and tensor.name not in self.refused:
            self._sample(tensor, data)
        complete()

    def _expand(self, tensor: TensorPlan, data: NDArray[np.uint8], local: Tensor, complete: Callable[[], None]) -> None:
        if tensor.core and self._expansion is None:
            raise ProtocolError("plan.expansion", "missing", f'that of the cores of "{tensor.name}"')
        box, draw = self._boxes[tensor.name], self._keeping.by_rule.get(tensor.name)
        target = local if draw is None else torch.empty_like(local)

        def done() -> None:
            if draw is not None and not is_explained(draw, target):
                self.refused.append(tensor.name)
                return
            if draw is not None:
                local.copy_(target)
            if tensor.core:
                self.cores[tensor.name] = data
            complete()

        memory = Memory(target, box, tensor)
        self._groups.add(tensor, data, Wanted(memory, done, memory.is_in_place and draw is None))

    def _sample(self, tensor: TensorPlan, data: NDArray[np.uint8]) -> None:
        box = self._boxes[tensor.name]
        places = sampled_places(tensor.name, box.shape)
        sent = torch.from_numpy(data).view(self._dtype).view(tensor.sent_shape)
        whole = tuple(torch.from_numpy(axis + first) for axis, first in zip(places, box.start, strict=True))
        values = sent[whole] if whole else sent.reshape(1)
        self.samples[tensor.name] = Sample(places, values.double().numpy())

    def _clear(self, name: str, row: int) -> None:
        local, box = local_tensor(self._matched[name].parameter), self._boxes[name]
        if box.start[0] <= row < box.start[0] + box.shape[0]:
            local[row - box.start[0]].zero_()


def requested(tensor: TensorPlan, box: LocalBox | None) -> tuple[tuple[int, int], ...] | None:
    """What to ask for of a tensor; None: all of it.

    A request cannot leave single tensors out (patterns are few), so of what is not needed here comes one entry of the
    leading dimensions, to be dropped.
    """
    if tensor.elements < 1 or not tensor.shape:
        return None
    if box is None or box.is_empty:
        return tuple((0, 1) for _ in tensor.shape[:_SLICED_DIMENSIONS])
    ends = tuple(start + size for start, size in zip(box.start, box.shape, strict=True))
    leading = tuple(zip(box.start, ends, strict=True))[:_SLICED_DIMENSIONS]
    is_whole = all(part == (0, size) for part, size in zip(leading, tensor.shape, strict=False))
    return None if is_whole else leading


def check_boxes(plan: Plan, whole: Plan, slices: Mapping[str, tuple[tuple[int, int], ...] | None]) -> None:
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
