"""Element types: as the request, the plan, safetensors and numpy name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from logah.client._generated import logah_pb2
from logah.errors import ProtocolError, RequestError

#: Element types that a request may name.
DtypeName = Literal["float32", "float16", "bfloat16"]


@dataclass(frozen=True)
class ElementType:
    """One element type; elements are little-endian."""

    name: DtypeName
    #: `logah.v1.DataType`.
    wire: logah_pb2.DataType
    #: As safetensors has it.
    safetensors: str
    #: What arrays are made of: numpy has no bfloat16, so its bits come as uint16.
    numpy: np.dtype[np.float32] | np.dtype[np.float16] | np.dtype[np.uint16]

    @property
    def bytes(self) -> int:
        """Of one element."""
        return self.numpy.itemsize

    def rounded(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """float32 in this type, rounded to nearest even: too large is infinity, and NaN stays NaN.

        For float32 it is the same array.
        """
        if self.name == "float32":
            return values
        narrow = np.empty(values.shape, self.numpy)
        self.round_into(values, narrow)
        return narrow

    def round_into(self, values: NDArray[np.float32], out: NDArray[Any]) -> None:
        """The same, to an array of the same shape and of this type."""
        if self.name != "bfloat16":
            with np.errstate(over="ignore"):
                out[...] = values
            return
        bits = values.view(np.uint32)
        rounded = bits >> 16
        rounded &= 1
        rounded += 0x7FFF
        rounded += bits
        rounded >>= 16
        is_nan = np.isnan(values)
        if is_nan.any():
            # A quiet NaN must stay one: rounding could carry its payload into the exponent.
            rounded[is_nan] = (bits[is_nan] >> 16) | 0x40
        out[...] = rounded


ELEMENT_TYPES: tuple[ElementType, ...] = (
    ElementType("float32", logah_pb2.DATA_TYPE_FLOAT32, "F32", np.dtype("<f4")),
    ElementType("float16", logah_pb2.DATA_TYPE_FLOAT16, "F16", np.dtype("<f2")),
    ElementType("bfloat16", logah_pb2.DATA_TYPE_BFLOAT16, "BF16", np.dtype("<u2")),
)


def element_type_named(given: object) -> ElementType:
    """By its name, or torch's object for it. Raises RequestError where there is none."""
    name = str(given).removeprefix("torch.")
    for element_type in ELEMENT_TYPES:
        if element_type.name == name:
            return element_type
    allowed = ", ".join(element_type.name for element_type in ELEMENT_TYPES)
    raise RequestError(f'dtype is "{given}"; allowed: {allowed}')


def element_type_of(wire: int) -> ElementType:
    """The element type of a plan. Raises ProtocolError where the plan leaves it open."""
    for element_type in ELEMENT_TYPES:
        if element_type.wire == wire:
            return element_type
    raise ProtocolError("plan.dtype", wire, "FLOAT32, FLOAT16 or BFLOAT16")
