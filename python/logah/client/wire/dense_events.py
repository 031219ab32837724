"""Turns a prediction sent as factors into the events of the same prediction sent dense."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from logah.client.wire.core_tensor import expanded_tiles
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.plan import Plan, TensorPlan
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent, Summary
from logah.client.wire.tensor_pieces import TensorPiece


class DenseEvents:
    """Holds the factors of one tensor and one tile at a time."""

    def __init__(self, start: int = 0) -> None:
        """`start`: where the first data of a stream that is dense already begins."""
        self._plan: Plan | None = None
        self._tensors: dict[str, TensorPlan] = {}
        self._factors = np.empty(0, np.uint8)
        self._offset = start
        #: To be set behind the plan, where that has an expansion.
        self.layer: ExpansionLayer | None = None

    def accept(self, event: Event) -> Iterator[Event]:
        """The events that take the place of the next one of the stream; to be read to the end before the next.

        The plan has dense sizes. Digests were checked before, on the bytes as they were sent.
        """
        if isinstance(event, PlanEvent):
            self._plan, dense = event.plan, dense_plan(event.plan)
            self._tensors = {tensor.name: tensor for tensor in dense.tensors}
            yield PlanEvent(dense)
        elif isinstance(event, Summary):
            yield event
        else:
            for piece in event.pieces:
                yield from self._data(piece)

    def _data(self, piece: TensorPiece) -> Iterator[Event]:
        tensor = piece.tensor
        if not tensor.factors and not tensor.core:
            yield self._event(tensor.name, piece.data)
            return
        if piece.offset == 0:
            self._factors = np.empty(tensor.bytes, np.uint8)
        end = piece.offset + len(piece.data)
        self._factors[piece.offset : end] = np.frombuffer(piece.data, np.uint8)
        if end == tensor.bytes and self._plan is not None:
            for _, tile in expanded_tiles(tensor, self._factors, self._plan, self.layer):
                yield self._event(tensor.name, tile.reshape(-1).view(np.uint8).data)

    def _event(self, name: str, data: memoryview) -> DataEvent:
        tensor = self._tensors[name]
        piece = TensorPiece(tensor, self._offset - tensor.offset, data)
        event = DataEvent(self._offset, data, (piece,))
        self._offset += len(data)
        return event


def dense_plan(plan: Plan) -> Plan:
    """The plan as it would be if everything were sent dense, save its fingerprint."""
    offset = 0
    tensors = []
    for tensor in plan.tensors:
        if tensor.sent:
            size = math.prod(tensor.sent_shape) * plan.element_type.bytes
            tensor = dataclasses.replace(tensor, bytes=size, offset=offset, factors=(), core=(), view=())
            offset += size
        tensors.append(tensor)
    return dataclasses.replace(plan, tensors=tuple(tensors), total_bytes=offset, expansion=None)
