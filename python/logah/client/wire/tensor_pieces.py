"""Cuts the stream's chunks into pieces of tensors, and checks positions, sizes and digests on the way."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logah.client._generated import logah_pb2
from logah.client.wire.chunk_message import ReceivedChunk
from logah.client.wire.plan import Plan, TensorPlan
from logah.errors import ProtocolError, expect_equal

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(frozen=True)
class TensorPiece:
    """A run of one tensor's bytes."""

    tensor: TensorPlan
    #: Position of `data` within the tensor, in bytes; pieces of a tensor come in order and without gaps.
    offset: int
    #: A view of the chunk's memory.
    data: memoryview


class TensorPieces:
    """The checks on the data of one stream."""

    def __init__(self, plan: Plan, max_chunk_bytes: int, sha256: bool, start: int = 0) -> None:
        """`start`: the end of the tensors that are held already."""
        self._plan = plan
        # What has no elements has no bytes, and no digest.
        self._tensors = tuple(tensor for tensor in plan.sent if tensor.bytes > 0)
        self._max_chunk_bytes = max_chunk_bytes
        self._crc32: list[int] = [0] * len(self._tensors)
        self._sha256: list[_Hash] | None = [hashlib.sha256() for _ in self._tensors] if sha256 else None
        #: Bytes received so far.
        self.position = start
        # Index of the tensor that byte `position` belongs to.
        self._current = sum(tensor.end <= start for tensor in self._tensors)

    def accept(self, chunk: ReceivedChunk) -> tuple[TensorPiece, ...]:
        """The pieces of the next chunk. Raises ProtocolError where it does not continue the one before."""
        offset, data = chunk.offset, chunk.data
        expect_equal("chunk offset", offset, self.position)
        if not 0 < len(data) <= self._max_chunk_bytes:
            raise ProtocolError(f"size of the chunk at {offset}", len(data), f"1 to {self._max_chunk_bytes} bytes")
        end = offset + len(data)
        if end > self._plan.total_bytes:
            raise ProtocolError("end of the last chunk", end, f"at most {self._plan.total_bytes}")
        pieces = []
        while self.position < end:
            pieces.append(self._next_piece(offset, data))
        return tuple(pieces)

    def finish(self, summary: logah_pb2.Summary, resumed_at: int) -> None:
        """Compares everything received with the summary.

        A stream that was resumed, last at byte `resumed_at`, has no digests of the tensors that had come whole by
        then. Raises ProtocolError where it is incomplete or differs.
        """
        expect_equal("number of bytes received", self.position, self._plan.total_bytes)
        expect_equal("summary.total_bytes", summary.total_bytes, self._plan.total_bytes)
        first = sum(tensor.end <= resumed_at for tensor in self._tensors)
        expect_equal("number of digests in the summary", len(summary.digests), len(self._tensors) - first)
        for index, digest in enumerate(summary.digests, first):
            self._compare(digest, index)

    def _next_piece(self, chunk_offset: int, chunk: memoryview) -> TensorPiece:
        tensor = self._tensors[self._current]
        data = chunk[self.position - chunk_offset : tensor.end - chunk_offset]
        self._crc32[self._current] = zlib.crc32(data, self._crc32[self._current])
        if self._sha256 is not None:
            self._sha256[self._current].update(data)
        piece = TensorPiece(tensor, self.position - tensor.offset, data)
        self.position += len(data)
        if self.position == tensor.end:
            self._current += 1
        return piece

    def _compare(self, digest: logah_pb2.TensorDigest, index: int) -> None:
        name = self._tensors[index].name
        expect_equal(f"name of digest {index}", f'"{digest.name}"', f'"{name}"')
        expect_equal(f'CRC-32 of "{name}"', f"{self._crc32[index]:08x}", f"{digest.crc32:08x}")
        if self._sha256 is not None:
            expect_equal(f'SHA-256 of "{name}"', self._sha256[index].hexdigest(), digest.sha256.hex())
