"""Streams that break off, that are left, and that run out of time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import grpc
import pytest
from client_servers import (
    SMALL_DATA,
    fake_server,
    honest_messages,
    plan_message,
    small_plan,
)
from refusals import refuse
from streams import CONFIG, Response, breaking_off, offsets

import logah
from logah.client import ProtocolError, RemoteError
from logah.client._generated import logah_pb2
from logah.client.link.channel import is_loopback


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


def _whole_and_open(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
    """All messages, and then nothing, not even an end, until the client leaves."""
    left = threading.Event()
    context.add_callback(left.set)
    yield from honest_messages()
    left.wait()


def test_a_stream_is_whole_once_the_summary_has_come_though_it_stays_open() -> None:
    # In an hour a stream would count as silent.
    with fake_server(_whole_and_open) as fake, logah.connect(fake.address, stall=3600) as client:
        arrays = dict(client.predict(CONFIG))
        assert len(fake.requests) == 1
    assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA


def test_with_asyncio_a_stream_is_whole_once_the_summary_has_come_though_it_stays_open() -> None:
    async def fetched(address: str) -> bytes:
        async with logah.aio.connect(address, stall=3600) as client:
            return b"".join([array.tobytes() async for _, array in client.predict(CONFIG)])

    with fake_server(_whole_and_open) as fake:
        assert asyncio.run(fetched(fake.address)) == SMALL_DATA
        assert len(fake.requests) == 1


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
        refuse(context, grpc.StatusCode.INTERNAL, "a fault")

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


#: What proxies make of a server that they lost; None: an end as if that were all.
BREAKS = [
    None,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,
]


@pytest.mark.parametrize("code", BREAKS, ids=str)
def test_a_stream_goes_on_whatever_a_proxy_makes_of_the_break(code: grpc.StatusCode | None) -> None:
    with fake_server(breaking_off([24, 48], code)) as fake:
        with logah.connect(fake.address) as client:
            arrays = dict(client.predict(CONFIG))
        assert offsets(fake) == [0, 24, 48]
        assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA


@pytest.mark.parametrize("code", BREAKS, ids=str)
def test_so_does_an_asyncio_stream(code: grpc.StatusCode | None) -> None:
    async def run() -> None:
        with fake_server(breaking_off([24, 48], code)) as fake:
            async with logah.aio.connect(fake.address) as client:
                arrays = {name: array async for name, array in client.predict(CONFIG)}
            assert offsets(fake) == [0, 24, 48]
            assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA

    asyncio.run(run())


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED], ids=str)
def test_a_refusal_of_the_caller_is_no_break(code: grpc.StatusCode) -> None:
    with fake_server(breaking_off([24], code)) as fake, logah.connect(fake.address) as client:
        with pytest.raises(RemoteError) as caught:
            dict(client.predict(CONFIG))
        assert caught.value.code is code
        assert len(fake.requests) == 1


def test_without_patience_a_call_is_made_once() -> None:
    with fake_server(breaking_off([24])) as fake, logah.connect(fake.address, patience=0) as client:
        with pytest.raises(RemoteError):
            dict(client.predict(CONFIG))
        assert len(fake.requests) == 1


def test_patience_ends_where_nothing_new_comes() -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        if not request.HasField("resume"):
            yield from honest_messages((16,))[:2]
        context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    with fake_server(predict) as fake, logah.connect(fake.address, patience=0.3) as client:
        with pytest.raises(RemoteError, match="gone"):
            dict(client.predict(CONFIG))
        assert set(offsets(fake)[1:]) == {16}
        assert len(fake.requests) > 2


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        if len(fake.requests) == 1:
            refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", retry_after=0.4)
        yield from honest_messages()

    with fake_server(predict) as fake, logah.connect(fake.address) as client:
        start = time.monotonic()
        assert list(dict(client.predict(CONFIG))) == ["a", "b", "c"]
        assert time.monotonic() - start >= 0.4
        assert len(fake.requests) == 2


def test_what_may_be_an_answer_is_believed_the_third_time() -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        context.abort(grpc.StatusCode.INTERNAL, "perhaps a proxy")

    with fake_server(predict) as fake, logah.connect(fake.address) as client:
        with pytest.raises(RemoteError, match="perhaps a proxy"):
            dict(client.predict(CONFIG))
        assert len(fake.requests) == 3


def _silent_once(release: threading.Event) -> Callable[..., Iterator[Response]]:
    """Sends 16 bytes and then nothing, without an end; the next time, the rest."""

    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        messages = honest_messages((16,), request.resume.offset)
        if request.HasField("resume"):
            yield from messages
            return
        yield from messages[:2]
        context.add_callback(release.set)
        release.wait()

    return predict


def test_a_stream_goes_on_after_silence_though_its_connection_stands() -> None:
    with fake_server(_silent_once(threading.Event())) as fake, logah.connect(fake.address, stall=0.3) as client:
        arrays = dict(client.predict(CONFIG))
        assert offsets(fake) == [0, 16]
    assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA


def test_a_stream_goes_on_where_a_proxy_passes_attempts_on_to_the_server_that_hangs() -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        messages = honest_messages((16,), request.resume.offset)
        if len(fake.requests) > 4:
            yield from messages
            return
        if len(fake.requests) == 1:
            yield from messages[:2]
        released = threading.Event()
        context.add_callback(released.set)
        released.wait()

    with fake_server(predict) as fake, logah.connect(fake.address, stall=0.6) as client:
        arrays = dict(client.predict(CONFIG))
        assert len(fake.requests) == 5
    assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA


def test_so_does_an_asyncio_stream_after_silence() -> None:
    async def run() -> None:
        with fake_server(_silent_once(threading.Event())) as fake:
            async with logah.aio.connect(fake.address, stall=0.3) as client:
                arrays = {name: array async for name, array in client.predict(CONFIG)}
            assert offsets(fake) == [0, 16]
            assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA

    asyncio.run(run())


def test_a_readers_own_slowness_is_no_silence() -> None:
    with fake_server(breaking_off([])) as fake, logah.connect(fake.address, stall=0.2) as client:
        for _ in client.predict(CONFIG):
            time.sleep(0.3)
        assert len(fake.requests) == 1


def test_of_two_servers_the_second_goes_on_where_the_first_has_gone() -> None:
    with fake_server(breaking_off([])) as second:
        with fake_server(breaking_off([24])) as first:
            with logah.connect([first.address, second.address]) as client:
                arrays = dict(client.predict(CONFIG))
                assert client.target == second.address
            assert offsets(first) == [0]
        assert offsets(second) == [24]
    assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA


def test_a_server_on_the_loopback_is_reached_round_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("grpc_proxy", "http://127.0.0.1:1")
    with fake_server(breaking_off([])) as fake, logah.connect(fake.address) as client:
        assert list(dict(client.predict(CONFIG))) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("127.0.0.1:1", True),
        ("localhost:1", True),
        ("dns:///localhost:1", True),
        ("[::1]:1", True),
        ("ipv4:127.0.0.1:1,127.0.0.2:2", True),
        ("ipv4:127.0.0.1:1,10.0.0.1:2", False),
        ("unix:/run/logah.sock", True),
        ("logah:50051", False),
        ("127.0.0.1.example.org:1", False),
        ("10.127.0.1:1", False),
        ("[2001:db8::1]:1", False),
    ],
)
def test_a_target_on_this_machine_is_known(target: str, expected: bool) -> None:
    assert is_loopback(target) is expected
