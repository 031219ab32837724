"""What the tensors of an ONNX file hold, read before their data is left out: `src/onnx-file` in Python.

Both clients say the same of a file: the numbers below are those of `src/onnx-file/look.ts`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from logah.client._generated import architecture_pb2
from logah.client.onnx_file import Field, Reader

#: Numbers that are looked at, unless they are all equal so far; those of them that are compared with each other.
_SAMPLE = 16384
_COMPARED = 4096

#: Numbers of a tensor that may be one throughout that are read at once; beyond the second, a part of the rest.
_READ_AT_ONCE = 2**20
_READ_WHOLLY = 2**26
_SPREAD = 16

#: Elements of a transpose that are compared.
_COMPARED_TRANSPOSED = 1024

#: TensorProto.DataType: bytes and numpy's type; BFLOAT16 is read as the upper half of float32.
_FLOAT, _FLOAT16, _DOUBLE, _BFLOAT16 = 1, 10, 11, 16
_TYPES = {_FLOAT: "<f4", _FLOAT16: "<f2", _DOUBLE: "<f8", _BFLOAT16: "<u2"}

_VARINT, _LENGTH = 0, 2

_CONSTANT_KINDS = ("ZEROS", "ONES", "CONSTANT")


def onnx_contents(path: str | os.PathLike[str]) -> list[architecture_pb2.OnnxContent]:
    """Of every initializer and `Constant` of floating point that has dimensions and data, in the file or in those
    beside it: a part of each is read.

    Raises SourceError where the bytes are no ONNX file, and OSError where it cannot be read.
    """
    with ExitStack() as stack:
        reader = Reader(stack.enter_context(open(path, "rb")), os.fspath(path))
        return _contents(reader, _Beside(Path(path).resolve().parent, stack))


def onnx_contents_of(content: bytes, name: str) -> list[architecture_pb2.OnnxContent]:
    """The same of a file's content, which errors call `name`, and beside which there are no files."""
    with ExitStack() as stack:
        return _contents(Reader(BytesIO(content), name), _Beside(None, stack))


def _contents(reader: Reader, beside: _Beside) -> list[architecture_pb2.OnnxContent]:
    seen = _Seen()
    return [_content(data, seen) for data in _tensors(reader, beside) if data.shape]


class _Beside:
    """Files with the data of weights in a model's directory, each opened once."""

    def __init__(self, directory: Path | None, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._readers: dict[str, Reader | None] = {}

    def open(self, location: str) -> Reader | None:
        """None where there is none, or the location leads out of the directory."""
        if self._directory is None:
            return None
        if location not in self._readers:
            path = Path(os.path.normpath(self._directory / location))
            reader = None
            if path.is_relative_to(self._directory) and path.is_file():
                file: BinaryIO = self._stack.enter_context(open(path, "rb"))
                reader = Reader(file, os.fspath(path))
            self._readers[location] = reader
        return self._readers[location]


@dataclass(frozen=True)
class _FloatData:
    """Numbers that are read a part at a time."""

    name: str
    shape: tuple[int, ...]
    data_type: int
    reader: Reader
    start: int

    @property
    def count(self) -> int:
        return int(np.prod(self.shape, dtype=object))

    @property
    def width(self) -> int:
        return np.dtype(_TYPES[self.data_type]).itemsize

    def bytes(self, start: int, end: int) -> bytes:
        return self.reader.bytes(self.start + start * self.width, self.start + end * self.width)

    def numbers(self, start: int, end: int) -> NDArray[np.float64]:
        values = np.frombuffer(self.bytes(start, end), _TYPES[self.data_type])
        if self.data_type == _BFLOAT16:
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values.astype(np.float64)


def _tensors(reader: Reader, beside: _Beside) -> Iterator[_FloatData]:
    for model in reader.fields(0, reader.size):
        if model.number != 7 or model.wire_type != _LENGTH:
            continue
        for field in reader.fields(model.content, model.end):
            if field.wire_type != _LENGTH:
                continue
            data = None
            if field.number == 5:
                data = _float_data(reader, field, beside, None)
            elif field.number == 1:
                data = _constant(reader, field, beside)
            if data is not None:
                yield data


def _constant(reader: Reader, node: Field, beside: _Beside) -> _FloatData | None:
    """The tensor of a `Constant`, by the name of the node's output."""
    name, operator, tensor = "", "", None
    for field in reader.fields(node.content, node.end):
        if field.wire_type != _LENGTH:
            continue
        if field.number == 4:
            operator = reader.text(field)
        elif field.number == 2 and not name:
            name = reader.text(field)
        elif field.number == 5:
            for inner in reader.fields(field.content, field.end):
                if inner.number == 5 and inner.wire_type == _LENGTH:
                    tensor = inner
    return None if operator != "Constant" or tensor is None else _float_data(reader, tensor, beside, name)


def _float_data(reader: Reader, tensor: Field, beside: _Beside, own_name: str | None) -> _FloatData | None:
    """None where the tensor is of another type, or its data is not there or written number by number."""
    name, data_type, shape = "", 0, []
    place: tuple[Reader, int, int] | None = None
    scattered = False
    external: dict[str, str] = {}
    for field in reader.fields(tensor.content, tensor.end):
        if field.number == 8:
            name = reader.text(field)
        elif field.number == 2 and field.wire_type == _VARINT:
            data_type, _ = reader.varint(field.content, field.end)
        elif field.number == 1:
            position = field.content
            while position < field.end:
                size, position = reader.varint(position, field.end)
                shape.append(size)
        elif field.number == 13 and field.wire_type == _LENGTH:
            entry = {each.number: reader.text(each) for each in reader.fields(field.content, field.end)}
            external[entry.get(1, "")] = entry.get(2, "")
        elif field.number in (4, 9, 10):
            scattered = scattered or field.wire_type != _LENGTH or place is not None
            place = (reader, field.content, field.end)
        elif field.number == 5:
            scattered = True
    if data_type not in _TYPES or scattered:
        return None
    if place is None and "location" in external:
        other = beside.open(external["location"])
        if other is not None:
            start = int(external.get("offset", "0"))
            place = (other, start, start + int(external.get("length", other.size - start)))
            if place[2] > other.size:
                return None
    if place is None:
        return None
    data = _FloatData(name if own_name is None else own_name, tuple(shape), data_type, place[0], place[1])
    return data if data.count >= 1 and place[2] - place[1] == data.count * data.width else None


def _content(data: _FloatData, seen: _Seen) -> architecture_pb2.OnnxContent:
    sample = data.numbers(0, min(data.count, _SAMPLE))
    if bool((sample == sample[0]).all()) and _is_constant(data):
        value = float(sample[0]) + 0.0
        kind = "ZEROS" if value == 0 else "ONES" if value == 1 else "CONSTANT"
        mean, deviation, non_negative = value, 0.0, value >= 0
    else:
        mean, deviation = float(sample.mean()), float(sample.std())
        if not np.isfinite(deviation):
            mean, deviation = 0.0, 0.0
        kind, non_negative = _kind(sample, data.shape, mean, deviation), bool((sample >= 0).all())
    content = architecture_pb2.OnnxContent(
        name=data.name,
        kind=architecture_pb2.OnnxContentKind.Value(f"ONNX_CONTENT_KIND_{kind}"),
        mean=mean,
        standard_deviation=deviation,
        non_negative=non_negative,
    )
    copy = None if kind in _CONSTANT_KINDS else seen.copy_of(data)
    if copy is not None:
        content.same_as, content.transposed = copy
    return content


def _is_constant(data: _FloatData) -> bool:
    """Whether what follows the sample is the same bytes again and again: each number those of the one before."""
    start = _SAMPLE
    while start < data.count:
        part = memoryview(data.bytes(start - 1, min(data.count, start + _READ_AT_ONCE)))
        if part[data.width :] != part[: len(part) - data.width]:
            return False
        start += _READ_AT_ONCE if start < _READ_WHOLLY else _SPREAD * _READ_AT_ONCE
    return True


def _kind(sample: NDArray[np.float64], shape: tuple[int, ...], mean: float, deviation: float) -> str:
    if not np.isfinite(sample).all():
        return "STRUCTURED"
    columns = shape[-1]
    if _has_few_numbers(sample) or _is_sinusoidal(sample, columns) or _is_smooth(sample, columns, deviation):
        return "STRUCTURED"
    allowed = 4 / np.sqrt(len(sample))
    is_drawn = abs(mean) <= allowed * deviation and all(
        abs(_correlation(sample, distance, mean, deviation)) <= allowed for distance in (1, columns)
    )
    return "DRAWN" if is_drawn else "UNSPECIFIED"


def _has_few_numbers(sample: NDArray[np.float64]) -> bool:
    """Masks, windows and matrices of Fourier have the same numbers again and again; zeros are left out."""
    compared = sample[:_COMPARED]
    compared = compared[compared != 0]
    if len(sample) < 64 or len(compared) < 8:
        return False
    # Halves are rounded up, as JavaScript does.
    distinct = np.unique(np.floor(compared / np.abs(compared).max() * 1e5 + 0.5))
    return len(distinct) <= len(compared) / 8


def _is_sinusoidal(sample: NDArray[np.float64], columns: int) -> bool:
    """Rows of sines and cosines: squares of both add up to one."""
    rows = min(len(sample) // columns, 256)
    if columns < 8 or rows < 4:
        return False
    values = sample[: rows * columns].reshape(rows, columns)
    if bool((np.abs(values) > 1.0001).any()):
        return False
    fitting = np.abs((values**2).sum(1) / (columns / 2) - 1) < 1e-3
    return int(fitting.sum()) >= 0.9 * rows


def _is_smooth(sample: NDArray[np.float64], columns: int, deviation: float) -> bool:
    """Neighbours along one of the last two dimensions hardly differ."""

    def steps(differences: NDArray[np.float64]) -> bool:
        return differences.size >= 15 and float((differences**2).mean()) < 0.04 * deviation**2

    rows = len(sample) // columns
    along = np.diff(sample)
    if columns >= 16:
        inside = (np.arange(len(along)) % columns) + 1 < columns
        if steps(along[inside]):
            return True
    return rows >= 16 and columns > 1 and steps(sample[columns:] - sample[:-columns])


def _correlation(sample: NDArray[np.float64], distance: int, mean: float, deviation: float) -> float:
    count = len(sample) - distance
    if count < 16:
        return 0.0
    centred = sample - mean
    return float((centred[:count] * centred[distance:]).sum() / count / deviation**2)


class _Seen:
    """Tensors so far that others may be copies of."""

    def __init__(self) -> None:
        self._by_bytes: dict[tuple[int, ...], list[_FloatData]] = {}
        self._by_corner: dict[tuple[float, ...], list[_FloatData]] = {}

    def copy_of(self, data: _FloatData) -> tuple[str, bool] | None:
        """The first tensor with the same numbers, or with those of its transpose; keeps one that has none."""
        ends = min(data.count, _SAMPLE)
        crcs = (zlib.crc32(data.bytes(0, ends)), zlib.crc32(data.bytes(data.count - ends, data.count)))
        same = self._by_bytes.setdefault((data.count, data.width, *crcs), [])
        for other in same:
            if _is_equal(data, other):
                return other.name, False
        turned: list[_FloatData] = []
        if len(data.shape) == 2 and min(data.shape) > 1:
            # The first number is a transpose's first, too.
            key = (*sorted(data.shape), data.width, float(data.numbers(0, 1)[0]))
            turned = self._by_corner.setdefault(key, [])
        for other in turned:
            if _is_transpose(data, other):
                return other.name, True
        same.append(data)
        turned.append(data)
        return None


def _is_equal(one: _FloatData, other: _FloatData) -> bool:
    ranges = ((start, min(one.count, start + _SAMPLE)) for start in range(0, one.count, _SAMPLE))
    return all(one.bytes(start, end) == other.bytes(start, end) for start, end in ranges)


def _is_transpose(one: _FloatData, other: _FloatData) -> bool:
    rows, columns = one.shape
    if other.shape != (columns, rows):
        return False
    # An odd step meets every column in turn.
    for at in range(0, one.count, one.count // _COMPARED_TRANSPOSED | 1):
        turned = at % columns * rows + at // columns
        if one.bytes(at, at + 1) != other.bytes(turned, turned + 1):
            return False
    return True
