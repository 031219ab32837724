"""Chunks are read as protobuf reads them, wherever they can be read in place."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from logah.client._generated import logah_pb2
from logah.client.wire.chunk_message import ReceivedChunk, parsed_response


@given(st.integers(0, 2**64 - 1), st.binary(min_size=1, max_size=300))
def test_a_chunk_is_read_in_place(offset: int, data: bytes) -> None:
    message = logah_pb2.PredictResponse(chunk=logah_pb2.Chunk(offset=offset, data=data)).SerializeToString()
    read = parsed_response(message)
    assert isinstance(read, ReceivedChunk)
    assert (read.offset, bytes(read.data), read.data.obj) == (offset, data, message)


@given(st.binary(max_size=40))
@example(b"")
@example(b"\x12\x00")
@example(b"\x12\x02\x12\x00")
# Other orders, fields of a newer server, and what is repeated.
@example(b"\x12\x05\x12\x01a\x08\x07")
@example(b"\x12\x07\x12\x01a\x12\x01b\x08")
@example(b"\x12\x06\x12\x01a\x1a\x01b")
@example(b"\x12\x03\x12\x01a\x12\x03\x12\x01b")
@example(b"\x12\x06\x08\x01\x08\x02\x12\x00")
@example(b"\x12\x0f\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02\x12\x02ab")
def test_anything_else_is_left_to_protobuf(message: bytes) -> None:
    try:
        expected = logah_pb2.PredictResponse.FromString(message)
    except Exception as error:
        expected = type(error)
    try:
        read = parsed_response(message)
    except Exception as error:
        assert type(error) is expected
        return
    if isinstance(read, ReceivedChunk):
        assert isinstance(expected, logah_pb2.PredictResponse)
        assert expected.WhichOneof("message") == "chunk"
        assert (expected.chunk.offset, expected.chunk.data) == (read.offset, bytes(read.data))
    else:
        assert read == expected
