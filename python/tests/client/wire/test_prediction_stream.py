"""What is made of the messages of a stream that are right, and that lie."""

from __future__ import annotations

import pytest
from client_servers import (
    SMALL_DATA,
    honest_messages,
)
from hypothesis import given
from hypothesis import strategies as st
from streams import check

from logah.client import ProtocolError
from logah.client._generated import logah_pb2
from logah.client.wire.prediction_stream import PredictionStream


@given(st.lists(st.integers(1, 79)))
def test_tensors_are_the_same_however_the_data_is_cut(cuts: list[int]) -> None:
    assert check(honest_messages(sorted(set(cuts)))) == SMALL_DATA


@given(st.lists(st.integers(1, 79), max_size=4), st.integers(0, 79), st.integers(1, 255))
def test_a_changed_byte_is_always_noticed(cuts: list[int], position: int, change: int) -> None:
    messages = honest_messages(sorted(set(cuts)))
    for message in messages:
        chunk = message.chunk
        if message.WhichOneof("message") == "chunk" and chunk.offset <= position < chunk.offset + len(chunk.data):
            data = bytearray(chunk.data)
            data[position - chunk.offset] ^= change
            chunk.data = bytes(data)
    with pytest.raises(ProtocolError, match="CRC-32"):
        check(messages)


@given(st.data())
def test_messages_left_out_repeated_or_out_of_order_are_always_noticed(data: st.DataObject) -> None:
    messages = honest_messages((16, 30, 48))
    damaged = data.draw(st.lists(st.sampled_from(range(len(messages))), max_size=8))
    if damaged == list(range(len(messages))):
        return
    with pytest.raises(ProtocolError):
        check([messages[index] for index in damaged])


def test_a_chunk_larger_than_asked_for_is_refused() -> None:
    with pytest.raises(ProtocolError, match="size of the chunk at 16"):
        check(honest_messages(), logah_pb2.PredictRequest(chunk_bytes=31))


def test_a_sha256_that_was_asked_for_must_be_right() -> None:
    with pytest.raises(ProtocolError, match="SHA-256"):
        check(honest_messages(), logah_pb2.PredictRequest(sha256=True))


def test_another_attempt_goes_on_at_the_byte_where_the_last_broke_off() -> None:
    stream = PredictionStream(logah_pb2.PredictRequest(seed=3))
    stream.next_request()
    assert not stream.begun
    messages = honest_messages((16, 32))
    for message in messages[:2]:
        stream.accept(message)
    assert stream.begun
    request = stream.next_request()
    assert (request.seed, request.resume.fingerprint, request.resume.offset) == (3, "f00d", 16)


def test_a_stream_that_ends_twice_behind_a_plan_and_no_byte_is_no_proxys() -> None:
    stream = PredictionStream(logah_pb2.PredictRequest())
    stream.next_request()
    messages = honest_messages((16, 32))
    for message in messages[:2]:
        stream.accept(message)
    assert isinstance(stream.ended(), ProtocolError)
    stream.next_request()
    assert isinstance(stream.ended(), ProtocolError)  # Not even a plan.
    stream.next_request()
    stream.accept(messages[0])
    assert isinstance(stream.ended(), ProtocolError)
    stream.next_request()
    stream.accept(messages[0])
    with pytest.raises(ProtocolError, match="end of the stream"):
        stream.ended()
