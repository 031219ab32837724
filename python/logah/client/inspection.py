"""What tensors look like, as the server says without sending them."""

from __future__ import annotations

import dataclasses
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from logah.client._generated import logah_pb2
from logah.errors import ProtocolError, RequestError

#: The field's own bounds; what the server allows is less.
_MOST = 2**32 - 1

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Histogram:
    """How often elements fall into bins of equal width from `low` to `high`, and beside them."""

    low: float
    high: float
    counts: tuple[int, ...]
    below: int
    above: int


@dataclasses.dataclass(frozen=True)
class Picture:
    """A tensor as a matrix of (`matrix_rows`, `matrix_columns`), reduced to cells: [rows, columns] each."""

    matrix_rows: int
    matrix_columns: int
    means: Floats
    minima: Floats
    maxima: Floats


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """The largest singular values, in descending order; at most `rank` are other than 0, and the squares of all sum to
    `squares`."""

    values: tuple[float, ...]
    rank: int
    squares: float


@dataclasses.dataclass(frozen=True)
class TensorInspection:
    """What a tensor looks like, or the box of it that was asked for. Where it has no elements, the numbers are 0."""

    name: str
    start: tuple[int, ...]
    shape: tuple[int, ...]
    elements: int
    minimum: float
    maximum: float
    mean: float
    standard_deviation: float
    zeros: int
    #: None where none was asked for.
    histogram: Histogram | None
    #: None where none was asked for.
    picture: Picture | None
    #: None where none was asked for, and where it does not follow from low-rank factors.
    spectrum: Spectrum | None


def inspect_request(
    request: logah_pb2.PredictRequest,
    histogram_bins: int,
    histogram_range: tuple[float, float] | None,
    picture: tuple[int, int] | None,
    singular_values: int,
) -> logah_pb2.InspectTensorsRequest:
    """Adds to `request` that all tensors are meant where none are named.

    Raises RequestError where an argument does not fit its field; what else is wrong, the server says.
    """
    rows, columns = (0, 0) if picture is None else _pair("picture", picture, "(rows, columns)")
    counts = {
        "histogram_bins": histogram_bins,
        "picture[0]": rows,
        "picture[1]": columns,
        "singular_values": singular_values,
    }
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _MOST:
            raise RequestError(f"{name} is {count!r}; expected a whole number from 0 on")
    if not request.HasField("selection"):
        request.selection.patterns.append("*")
    low, high = (None, None) if histogram_range is None else _pair("histogram_range", histogram_range, "(low, high)")
    for end in (low, high):
        if end is not None and not isinstance(end, Real):
            raise RequestError(f"histogram_range is {histogram_range!r}; expected two numbers")
    return logah_pb2.InspectTensorsRequest(
        request=request,
        histogram_bins=histogram_bins,
        histogram_low=low,
        histogram_high=high,
        picture_rows=rows,
        picture_columns=columns,
        singular_values=singular_values,
    )


def _pair(name: str, given: Any, expected: str) -> tuple[Any, Any]:
    try:
        first, second = given
    except (TypeError, ValueError):
        raise RequestError(f"{name} is {given!r}; expected {expected}") from None
    return first, second


class Inspections:
    """The tensors of a stream, which begins anew where it breaks off: what has come already is skipped."""

    def __init__(self, request: logah_pb2.InspectTensorsRequest) -> None:
        self._request = request
        self._seen: set[str] = set()
        #: Whether there is no more to come.
        self.complete = False

    @property
    def begun(self) -> bool:
        """Whether any tensor has come."""
        return bool(self._seen)

    def next_request(self) -> logah_pb2.InspectTensorsRequest:
        """What to send for every attempt."""
        return self._request

    def ended(self) -> None:
        """The stream ended without an error."""
        self.complete = True

    def accept(self, message: logah_pb2.InspectTensorsResponse) -> TensorInspection | None:
        """None: it came before. Raises ProtocolError where a tensor is missing or a picture lacks cells."""
        if not message.HasField("tensor"):
            raise ProtocolError("tensor", "missing", "present in every message")
        tensor = message.tensor
        if tensor.name in self._seen:
            return None
        self._seen.add(tensor.name)
        return TensorInspection(
            name=tensor.name,
            start=tuple(tensor.start),
            shape=tuple(tensor.shape),
            elements=tensor.elements,
            minimum=tensor.minimum,
            maximum=tensor.maximum,
            mean=tensor.mean,
            standard_deviation=tensor.standard_deviation,
            zeros=tensor.zeros,
            histogram=_histogram(tensor.histogram) if tensor.HasField("histogram") else None,
            picture=_picture(tensor.picture) if tensor.HasField("picture") else None,
            spectrum=_spectrum(tensor.spectrum) if tensor.HasField("spectrum") else None,
        )


def _histogram(message: Any) -> Histogram:
    return Histogram(message.low, message.high, tuple(message.counts), message.below, message.above)


def _spectrum(message: Any) -> Spectrum:
    return Spectrum(tuple(message.values), message.rank, message.squares)


def _picture(message: Any) -> Picture:
    means, minima, maxima = (
        _cells(data, message.rows, message.columns) for data in (message.means, message.minima, message.maxima)
    )
    return Picture(message.matrix_rows, message.matrix_columns, means, minima, maxima)


def _cells(data: bytes, rows: int, columns: int) -> Floats:
    if len(data) != 4 * rows * columns:
        raise ProtocolError("bytes of a picture", len(data), 4 * rows * columns)
    return np.frombuffer(data, "<f4").astype(np.float32).reshape(rows, columns)
