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
    """The tensors of a stream, which begins anew where it breaks off or ends with fewer than the answer has: what has
    come already is skipped."""

    def __init__(self, request: logah_pb2.InspectTensorsRequest) -> None:
        self._request = request
        self._seen: set[str] = set()
        # How many the answer has; 0: the server does not say.
        self._expected = 0
        # Of the attempt: whether anything came, and what had come before it.
        self._empty = True
        self._seen_before = 0
        # Attempts in a row that ended behind some tensor and none that was new.
        self._ended_in_vain = 0
        #: Whether there is no more to come.
        self.complete = False

    @property
    def begun(self) -> bool:
        """Whether any tensor has come."""
        return bool(self._seen)

    def next_request(self) -> logah_pb2.InspectTensorsRequest:
        """What to send for every attempt."""
        self._empty, self._seen_before = True, len(self._seen)
        return self._request

    def ended(self) -> ProtocolError | None:
        """The server, or a proxy for it, ended the stream without an error: what is wrong with that, if anything.

        Raises it at the second end in a row behind some tensor and none that was new: a proxy that has lost its server
        sends none.
        """
        if self._expected == 0 and not self._empty:
            self.complete = True
        if self.complete:
            return None
        early = ProtocolError("number of tensors", len(self._seen), self._expected or "at least 1")
        in_vain = not self._empty and len(self._seen) == self._seen_before
        self._ended_in_vain = self._ended_in_vain + 1 if in_vain else 0
        if self._ended_in_vain > 1:
            raise early
        return early

    def accept(self, message: logah_pb2.InspectTensorsResponse) -> TensorInspection | None:
        """None: it came before. Raises ProtocolError where a tensor is missing, there are more than the answer has, or
        a picture lacks cells."""
        if not message.HasField("tensor"):
            raise ProtocolError("tensor", "missing", "present in every message")
        tensor = message.tensor
        self._empty, self._expected = False, message.tensors
        if tensor.name in self._seen:
            return None
        self._seen.add(tensor.name)
        if 0 < self._expected < len(self._seen):
            raise ProtocolError("number of tensors", len(self._seen), self._expected)
        self.complete = len(self._seen) == self._expected
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
