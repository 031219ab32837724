"""Streams that break off, that are left, and that run out of time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import pytest
from client_servers import (
    SMALL_DATA,
    fake_server,
    honest_messages,
    plan_message,
    small_plan,
)
from streams import CONFIG, Response, breaking_off, offsets

import logah
from logah.client import ProtocolError, RemoteError
from logah.client._generated import logah_pb2


def test_leaving_the_loop_cancels_the_call() -> None:
    cancelled: list[bool] = []

    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        context.add_callback(lambda: cancelled.append(True))
        yield from honest_messages((24,))[:2]
        while context.is_active():
            time.sleep(0.01)

    with fake_server(predict) as fake, logah.connect(fake.address) as client:
        for name, _ in client.predict(CONFIG):
            assert name == "a"
            break
        until = time.monotonic() + 5
        while not cancelled and time.monotonic() < until:
            time.sleep(0.01)
    assert cancelled


@pytest.mark.parametrize("ends", [[16, 32, 64], [24], [40], [24, 40]], ids=str)
def test_a_stream_that_breaks_off_goes_on_where_it_stopped(ends: list[int]) -> None:
    with fake_server(breaking_off(ends)) as fake, logah.connect(fake.address) as client:
        arrays = dict(client.predict(CONFIG))
        assert offsets(fake) == [0, *ends]
        assert {request.resume.fingerprint for request in fake.requests[1:]} == {"f00d"}
    assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA


def test_a_resumed_stream_must_have_the_same_plan() -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        if request.HasField("resume"):
            yield plan_message(small_plan("other"))
        else:
            yield from breaking_off([16])(request, context)

    with (
        fake_server(predict) as fake,
        logah.connect(fake.address) as client,
        pytest.raises(ProtocolError, match="fingerprint of the resumed plan"),
    ):
        dict(client.predict(CONFIG))


def test_a_resumed_stream_must_begin_where_the_last_one_broke_off() -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        if request.HasField("resume"):
            yield from honest_messages((16,))
        else:
            yield from breaking_off([16])(request, context)

    with (
        fake_server(predict) as fake,
        logah.connect(fake.address) as client,
        pytest.raises(ProtocolError, match="chunk offset"),
    ):
        dict(client.predict(CONFIG))


def test_an_error_that_would_only_come_again_is_not_tried_again() -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        yield honest_messages()[0]
        context.abort(grpc.StatusCode.INTERNAL, "a fault")

    with fake_server(predict) as fake, logah.connect(fake.address) as client:
        with pytest.raises(RemoteError, match="a fault") as caught:
            dict(client.predict(CONFIG))
        assert caught.value.code is grpc.StatusCode.INTERNAL
        assert len(fake.requests) == 1


def test_the_deadline_holds_over_all_attempts_together() -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        # Each attempt makes progress, so only the deadline ends them.
        offset = request.resume.offset
        yield from honest_messages(tuple(range(80)), offset)[:2]
        time.sleep(0.05)
        context.abort(grpc.StatusCode.UNAVAILABLE, "going away")

    with fake_server(predict) as fake, logah.connect(fake.address) as client:
        start = time.monotonic()
        with pytest.raises(RemoteError) as caught:
            dict(client.predict(CONFIG, timeout=0.6))
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - start < 2
        assert len(fake.requests) > 2


def test_a_server_that_is_not_there_is_named() -> None:
    with (
        logah.connect("127.0.0.1:1") as client,
        pytest.raises(RemoteError, match=r"server 127\.0\.0\.1:1 is") as caught,
    ):
        client.plan(CONFIG)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
