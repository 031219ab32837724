"""An ONNX file without the data of its weights, which no server needs.

Field numbers are those of `onnx/onnx.proto` (ONNX 1.19, IR version 11).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from logah.errors import SourceError

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

#: Integers of at most so many bytes stay: shapes, axes and the like.
_KEPT_BYTES = 1024

#: TensorProto.DataType: UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, UINT32, UINT64.
_INTEGER_TYPES = frozenset({2, 3, 4, 5, 6, 7, 9, 12, 13})

# TensorProto
_DIMS, _DATA_TYPE, _TENSOR_NAME = 1, 2, 8
_INT32_DATA, _INT64_DATA, _RAW_DATA, _UINT64_DATA = 5, 7, 9, 11
_DATA_FIELDS = frozenset({_INT32_DATA, _INT64_DATA, _RAW_DATA, _UINT64_DATA})

#: Fields with a message that has tensors in it, by message; every other field that is kept is copied.
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
}

#: Left out: texts for people, metadata, shapes of values, quantization, training, devices.
_LEFT_OUT = {
    "model": frozenset({6, 14, 20, 26}),
    "function": frozenset({8, 12, 14}),
    "graph": frozenset({10, 13, 14, 16}),
    "node": frozenset({6, 9, 10}),
    "attribute": frozenset({13}),
}


#: Branches in branches.
_MAX_DEPTH = 64

#: What a checkout without Git LFS has in place of the file.
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Field:
    """One field of a message; positions are in the file."""

    number: int
    wire_type: int
    #: Where the field begins with its tag, where its content begins, and where both end.
    start: int
    content: int
    end: int


def stripped_onnx(path: str | os.PathLike[str]) -> bytes:
    """The file's bytes without weights: a few kilobytes a layer, whatever the file's size; reads no weight.

    Raises SourceError where the bytes are no ONNX file, and OSError where it cannot be read.
    """
    with open(path, "rb") as file:
        return _stripped(Reader(file, os.fspath(path)))


def stripped_onnx_of(content: bytes, name: str) -> bytes:
    """The same of a file's content, which errors call `name`."""
    return _stripped(Reader(BytesIO(content), name))


def _stripped(reader: Reader) -> bytes:
    if reader.bytes(0, len(_POINTER)) == _POINTER:
        raise SourceError(f"{reader.path} is a Git LFS pointer, not the model; fetch it with git lfs pull")
    return b"".join(_message(reader, "model", 0, reader.size, 0))


class Reader:
    """The wire format of protobuf, walked field by field without making objects of what is not wanted."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self.path = path
        self.size = file.seek(0, os.SEEK_END)

    def bytes(self, start: int, end: int) -> bytes:
        """What is there from `start` to `end`."""
        self._file.seek(start)
        return self._file.read(end - start)

    def text(self, field: Field) -> str:
        """A field of text."""
        return self.bytes(field.content, field.end).decode("utf-8", "replace")

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """The fields of the message from `start` to `end`. Raises SourceError where the bytes are none."""
        position = start
        while position < end:
            tag, content = self.varint(position, end)
            number, wire_type = tag >> 3, tag & 7
            if wire_type == _LENGTH:
                length, content = self.varint(content, end)
                following = content + length
            elif wire_type == _VARINT:
                _, following = self.varint(content, end)
            elif wire_type in (_FIXED64, _FIXED32):
                following = content + (8 if wire_type == _FIXED64 else 4)
            else:
                raise self.error(f"wire type {wire_type} at byte {position}")
            if following > end or number == 0:
                raise self.error(f"field {number} at byte {position} ends at {following}, beyond {end}")
            yield Field(number, wire_type, position, content, following)
            position = following

    def varint(self, position: int, end: int) -> tuple[int, int]:
        """An unsigned number, and where it ends."""
        value = 0
        for index, byte in enumerate(self.bytes(position, min(end, position + 10))):
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value, position + index + 1
        raise self.error(f"a number at byte {position} does not end")

    def error(self, description: str) -> SourceError:
        """Says what is wrong, and of which file."""
        return SourceError(f"{self.path} is not an ONNX file, or cut short: {description}")


def _message(reader: Reader, kind: str, start: int, end: int, depth: int) -> Iterator[bytes]:
    if depth > _MAX_DEPTH:
        raise reader.error(f"messages nested more than {_MAX_DEPTH} deep")
    if kind == "tensor":
        yield from _tensor(reader, start, end)
        return
    for field in reader.fields(start, end):
        if field.number in _LEFT_OUT[kind]:
            continue
        inner = _MESSAGES[kind].get(field.number)
        if inner is None or field.wire_type != _LENGTH:
            yield reader.bytes(field.start, field.end)
            continue
        content = b"".join(_message(reader, inner, field.content, field.end, depth + 1))
        yield _varint(field.number << 3 | _LENGTH) + _varint(len(content)) + content


def _tensor(reader: Reader, start: int, end: int) -> Iterator[bytes]:
    """Name, type and shape; of integers, as many as make a shape."""
    fields = list(reader.fields(start, end))
    types = [reader.varint(field.content, field.end)[0] for field in fields if field.number == _DATA_TYPE]
    integers = bool(types) and types[-1] in _INTEGER_TYPES
    data = [field for field in fields if field.number in _DATA_FIELDS]
    small = integers and sum(field.end - field.content for field in data) <= _KEPT_BYTES
    for field in fields:
        if field.number in (_DIMS, _DATA_TYPE, _TENSOR_NAME) or (small and field.number in _DATA_FIELDS):
            yield reader.bytes(field.start, field.end)


def _varint(value: int) -> bytes:
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])
