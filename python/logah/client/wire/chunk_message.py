"""Chunks, read where they lie in the message that came: protobuf would copy their data twice."""

from __future__ import annotations

from dataclasses import dataclass

from logah.client._generated import logah_pb2

#: Of `PredictResponse.chunk` and of `Chunk.data`, and of `Chunk.offset`, which is left out where it is 0.
_BYTES_TAG, _OFFSET_TAG = 0x12, 0x08
_MAX_VARINT_BYTES = 10


@dataclass(frozen=True)
class ReceivedChunk:
    """A run of the stream's data."""

    offset: int
    #: A view of the message's memory.
    data: memoryview


def parsed_response(message: bytes) -> logah_pb2.PredictResponse | ReceivedChunk:
    """A message of `Predict`. Raises DecodeError, as protobuf does."""
    chunk = _plain_chunk(message)
    return logah_pb2.PredictResponse.FromString(message) if chunk is None else chunk


def _plain_chunk(message: bytes) -> ReceivedChunk | None:
    """The chunk of a message that is one, written as serialisers write it; None: protobuf has to look."""
    size = len(message)
    start = _length_to_end(message, 0, size)
    if start is None or start == size:
        return None
    offset = 0
    if message[start] == _OFFSET_TAG:
        number = _varint(message, start + 1)
        if number is None:
            return None
        offset, start = number
    begin = _length_to_end(message, start, size)
    if begin is None or offset >= 1 << 64:
        return None
    return ReceivedChunk(offset, memoryview(message)[begin:])


def _length_to_end(message: bytes, at: int, size: int) -> int | None:
    """Where the bytes of a field begin that takes all of the rest; None: there is no such field."""
    if at >= size or message[at] != _BYTES_TAG:
        return None
    number = _varint(message, at + 1)
    if number is None:
        return None
    length, start = number
    return start if start + length == size else None


def _varint(message: bytes, at: int) -> tuple[int, int] | None:
    """A number, and where it ends."""
    number = 0
    for count, byte in enumerate(message[at : at + _MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return number, at + count + 1
    return None
