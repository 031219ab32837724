"""Whole arrays from pieces, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from logah.client.wire.core_tensor import expand_into
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.plan import Plan, TensorPlan
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent
from logah.client.wire.tensor_pieces import TensorPiece

#: Of float32, float16, or uint16 (the bits of bfloat16).
Array: TypeAlias = NDArray[Any]


class TensorBytes:
    """The bytes of whole tensors, as they were sent."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

    def accept(self, pieces: Iterable[TensorPiece]) -> Iterator[tuple[TensorPlan, NDArray[np.uint8]]]:
        """The tensors that are whole now; their bytes are the caller's."""
        for piece in pieces:
            if piece.offset == 0:
                self._bytes = np.empty(piece.tensor.bytes, np.uint8)
            end = piece.offset + len(piece.data)
            self._bytes[piece.offset : end] = np.frombuffer(piece.data, np.uint8)
            if end == piece.tensor.bytes:
                whole, self._bytes = self._bytes, np.empty(0, np.uint8)
                yield piece.tensor, whole

    @classmethod
    def collect(cls, events: Iterable[Event]) -> tuple[Plan, dict[str, NDArray[np.uint8]]]:
        """A stream's plan and the bytes of each tensor by name, of which the last check has passed."""
        plan: Plan | None = None
        tensors = cls()
        came: dict[str, NDArray[np.uint8]] = {}
        for event in events:
            if isinstance(event, PlanEvent):
                plan = event.plan
            elif isinstance(event, DataEvent):
                came.update((tensor.name, data) for tensor, data in tensors.accept(event.pieces))
        assert plan is not None, "a stream that ends without an error has begun with its plan"
        return plan, came


class TensorAssembly:
    """Copies pieces into an array of the shape that is sent, and multiplies factors; holds one unfinished array."""

    def __init__(self, plan: Plan, layer: ExpansionLayer | None = None) -> None:
        """`layer`: what the plan's expansion is, if it has one."""
        self._plan, self._layer = plan, layer
        self._tensors = TensorBytes()

    def without_bytes(self) -> Iterator[tuple[str, Array]]:
        """The name and array of every tensor that is sent without bytes, since it has no elements."""
        for tensor in self._plan.sent:
            if tensor.bytes == 0:
                yield tensor.name, np.empty(tensor.sent_shape, self._plan.element_type.numpy)

    def accept(self, pieces: Iterable[TensorPiece]) -> Iterator[tuple[str, Array]]:
        """The name and array of every tensor that is whole now. The arrays are the caller's to keep and change."""
        for tensor, data in self._tensors.accept(pieces):
            yield tensor.name, self._array(tensor, data)

    def _array(self, tensor: TensorPlan, data: NDArray[np.uint8]) -> Array:
        dtype = self._plan.element_type.numpy
        if not tensor.factors and not tensor.core:
            return data.view(dtype).reshape(tensor.sent_shape)
        array = np.empty(tensor.matrix_view, dtype)
        expand_into(array, tensor, data, self._plan, self._layer)
        return array.reshape(tensor.sent_shape)


def state_dict_of(plan: Plan, arrays: dict[str, Array]) -> dict[str, Any]:
    """In the plan's order, tied tensors as the same object; torch tensors where torch is there, else arrays."""
    values: dict[str, Any] = arrays
    try:
        import torch
    except ImportError:
        pass
    else:
        is_bfloat16 = plan.element_type.name == "bfloat16"
        values = {
            name: torch.from_numpy(array).view(torch.bfloat16) if is_bfloat16 else torch.from_numpy(array)
            for name, array in arrays.items()
        }
    holders = {tensor.name: tensor.tied_to or tensor.name for tensor in plan.tensors}
    return {name: values[holder] for name, holder in holders.items() if holder in values}
