"""What the client makes of answers that are right, that lie, and that break off."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from client_servers import (
    SMALL_DATA,
    FakeServer,
    chunk_message,
    fake_server,
    honest_messages,
    plan_message,
    small_plan,
    summary_message,
)
from hypothesis import given
from hypothesis import strategies as st

import logah
from logah.client import LogahError, ProtocolError, RemoteError, RequestError, SourceError
from logah.client._generated import logah_pb2
from logah.client.safetensors_file import SafetensorsWriter
from logah.client.wire.prediction_stream import PlanEvent, PredictionStream, Summary
from logah.client.wire.tensor_assembly import TensorAssembly
from logah.errors import expect_equal

Response = logah_pb2.PredictResponse
CONFIG = {"model_type": "vit"}


def answering(messages: list[Response]) -> Callable[..., Iterator[Response]]:
    return lambda request, context: iter(messages)


def check(messages: list[Response], request: logah_pb2.PredictRequest | None = None) -> bytes:
    """Feeds the messages to the checks, without a server; returns the data of all tensors joined."""
    stream = PredictionStream(request or logah_pb2.PredictRequest())
    stream.next_request()
    assembly: TensorAssembly | None = None
    joined = b""
    for message in messages:
        event = stream.accept(message)
        if isinstance(event, PlanEvent):
            assembly = TensorAssembly(event.plan)
        elif event is not None and not isinstance(event, Summary):
            assert assembly is not None
            joined += b"".join(array.tobytes() for _, array in assembly.accept(event.pieces))
    stream.ended()
    return joined


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


def changed(**changes: object) -> list[Response]:
    """A plan with another value in a field of its first tensor, or of its own (`plan_` in front)."""
    plan = small_plan()
    for name, value in changes.items():
        target, field_name = (plan, name[5:]) if name.startswith("plan_") else (plan.tensors[0], name)
        if isinstance(value, tuple):
            del getattr(target, field_name)[:]
            getattr(target, field_name).extend(value)
        else:
            setattr(target, field_name, value)
    return [plan_message(plan), *honest_messages()[1:]]


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"plan_dtype": logah_pb2.DATA_TYPE_UNSPECIFIED}, "plan.dtype"),
        ({"plan_total_bytes": 81}, "plan.total_bytes"),
        ({"name": "b"}, 'plan: tensor name "b"'),
        ({"shape": (2, 0)}, 'plan: tensor "a": shape'),
        ({"shape": (2**40, 2**40)}, 'plan: tensor "a": shape'),
        ({"bytes": 23}, 'plan: tensor "a": bytes'),
        ({"offset": 1}, 'plan: tensor "a": offset'),
        ({"sent_start": (1, 0)}, 'plan: tensor "a": sent_start and sent_shape'),
        ({"sent_start": (0,)}, 'plan: tensor "a": sent_start and sent_shape'),
        ({"sent": False}, 'plan: tensor "a": bytes'),
        ({"predicted_elements": 5}, 'plan: tensor "a": sum of predicted_elements and initialized_elements'),
        ({"source": logah_pb2.SOURCE_TIED}, 'plan: tensor "a": sent'),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(changes: dict[str, object], subject: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        check(changed(**changes))
    assert caught.value.subject == subject


@pytest.mark.parametrize("holder", ["", "d", "nothing", "b"])
def test_a_tie_must_lead_to_a_tensor_of_the_same_shape(holder: str) -> None:
    plan = small_plan()
    plan.tensors[3].tied_to = holder
    with pytest.raises(ProtocolError, match="tied_to"):
        check([plan_message(plan)])


@pytest.mark.parametrize("count", ["parameters", "predicted", "tied"])
def test_coverage_must_add_up(count: str) -> None:
    plan = small_plan()
    setattr(plan.coverage, count, 7)
    with pytest.raises(ProtocolError, match="coverage"):
        check([plan_message(plan)])


def test_coverage_must_be_there() -> None:
    plan = small_plan()
    plan.ClearField("coverage")
    with pytest.raises(ProtocolError, match=r"plan\.coverage"):
        check([plan_message(plan)])


def test_a_chunk_larger_than_asked_for_is_refused() -> None:
    with pytest.raises(ProtocolError, match="size of the chunk at 16"):
        check(honest_messages(), logah_pb2.PredictRequest(chunk_bytes=31))


def test_a_sha256_that_was_asked_for_must_be_right() -> None:
    with pytest.raises(ProtocolError, match="SHA-256"):
        check(honest_messages(), logah_pb2.PredictRequest(sha256=True))


LIES: dict[str, tuple[list[Response], str]] = {
    "ends early": (honest_messages()[:-1], "end of the stream"),
    "ends before the plan": ([], "end of the stream"),
    "wrong offset": ([honest_messages()[0], chunk_message(4, SMALL_DATA[4:])], "chunk offset"),
    "repeated chunk": ([*honest_messages()[:2], honest_messages()[1]], "chunk offset"),
    "wrong digest": (
        [*honest_messages()[:-1], summary_message(small_plan(), bytes(80))],
        'CRC-32 of "a"',
    ),
    "wrong plan": (changed(bytes=20), 'plan: tensor "a": bytes'),
    "no plan": (honest_messages()[1:], "message"),
    "two plans": ([honest_messages()[0], honest_messages()[0]], "message"),
    "too much data": (
        [*honest_messages()[:-1], chunk_message(80, b"more")],
        "end of the last chunk",
    ),
    "message after the summary": ([*honest_messages(), honest_messages()[-1]], "message after the summary"),
    "empty message": ([honest_messages()[0], Response()], "message"),
    "empty chunk": ([honest_messages()[0], chunk_message(0, b"")], "size of the chunk at 0"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_is_caught_and_no_file_is_left(lie: str, tmp_path: Path) -> None:
    messages, subject = LIES[lie]
    with fake_server(answering(messages)) as fake, logah.connect(fake.address) as client:
        with pytest.raises(ProtocolError) as caught:
            client.save(CONFIG, tmp_path / "new" / "out")
        assert caught.value.subject == subject
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_files_of_before_alone(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"old weights")
    (tmp_path / "config.json").write_bytes(b"old config")
    messages, _ = LIES["wrong digest"]
    with fake_server(answering(messages)) as fake, logah.connect(fake.address) as client, pytest.raises(ProtocolError):
        client.save(CONFIG, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "model.safetensors": b"old weights",
        "config.json": b"old config",
    }


def test_arrays_come_in_order_with_their_shapes_and_are_the_callers_own() -> None:
    with fake_server(answering(honest_messages())) as fake, logah.connect(fake.address) as client:
        arrays = dict(client.predict(CONFIG))
    assert list(arrays) == ["a", "b", "c"]
    assert [array.shape for array in arrays.values()] == [(2, 3), (4,), (5, 2)]
    assert all(array.dtype == np.float32 and array.flags.writeable for array in arrays.values())


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


def breaking_off(ends: list[int]) -> Callable[..., Iterator[Response]]:
    """A server that is lost each time it has sent the bytes before the next of `ends`."""
    left = list(ends)

    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        offset = request.resume.offset
        end = left.pop(0) if left else None
        messages = honest_messages((16, 24, 32, 40, 48, 64), offset)
        for message in messages:
            if end is not None and message.WhichOneof("message") == "chunk" and message.chunk.offset >= end:
                context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
            yield message

    return predict


def offsets(fake: FakeServer) -> list[int]:
    return [request.resume.offset for request in fake.requests]


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


def test_attempts_that_bring_nothing_come_to_an_end() -> None:
    stream = PredictionStream(logah_pb2.PredictRequest())
    stream.next_request()
    messages = honest_messages((16, 32))
    lost = RemoteError("host:1", grpc.StatusCode.UNAVAILABLE, "gone")
    with pytest.raises(RemoteError):
        stream.broke_off(lost)  # Without a plan there is nothing to go on with.
    for message in messages[:2]:
        stream.accept(message)
    pauses = []
    for _ in range(3):
        pauses.append(stream.broke_off(lost))
        assert stream.next_request().resume.offset == 16
    # Progress begins the count anew.
    stream.accept(messages[0])
    stream.accept(messages[2])
    for _ in range(4):
        pauses.append(stream.broke_off(lost))
        assert stream.next_request().resume.offset == 32
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.1, 0.2, 0.4, 0.8])
    with pytest.raises(RemoteError):
        stream.broke_off(lost)


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


def test_asyncio_has_the_same_checks_and_resumes(tmp_path: Path) -> None:
    async def run() -> None:
        with fake_server(breaking_off([16, 48])) as fake:
            async with logah.aio.connect(fake.address) as client:
                arrays = {name: array async for name, array in client.predict(CONFIG)}
                assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA
                assert offsets(fake) == [0, 16, 48]
        with fake_server(answering(LIES["wrong digest"][0])) as fake:
            async with logah.aio.connect(fake.address) as client:
                with pytest.raises(ProtocolError, match="CRC-32"):
                    await client.save(CONFIG, tmp_path / "out")

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_an_asyncio_task_that_is_cancelled_leaves_no_file(tmp_path: Path) -> None:
    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        yield from honest_messages()[:2]
        while context.is_active():
            time.sleep(0.01)

    async def run() -> None:
        with fake_server(predict) as fake:
            async with logah.aio.connect(fake.address) as client:
                written = asyncio.Event()
                saving = asyncio.ensure_future(
                    client.save(CONFIG, tmp_path / "out", on_event=lambda event: written.set())
                )
                await written.wait()
                assert list(tmp_path.glob("out/*.partial"))
                saving.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await saving

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_a_header_is_that_of_the_format_with_the_names_in_the_plans_order() -> None:
    stream = PredictionStream(logah_pb2.PredictRequest())
    event = stream.accept(plan_message(small_plan()))
    assert isinstance(event, PlanEvent)
    file = io.BytesIO()
    SafetensorsWriter(file, 7).accept(event)
    content = file.getvalue()
    assert int.from_bytes(content[:8], "little") == len(content) - 8
    assert len(content) % 8 == 0
    header = json.loads(content[8:])
    assert header.pop("__metadata__") == {
        "format": "pt",
        "logah.model": "fake",
        "logah.fingerprint": "f00d",
        "logah.seed": "7",
    }
    assert header == {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "F32", "shape": [4], "data_offsets": [24, 40]},
        "c": {"dtype": "F32", "shape": [5, 2], "data_offsets": [40, 80]},
    }
    assert list(header) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({}, "neither a transformers config.json"),
        ({"nodes": [], "wrong": 1}, 'no field named "wrong"'),
        ({"nodes": 3}, "not an architecture graph"),
        ({"model_type": {1, 2}}, "cannot be written as JSON"),
        (3, "a int is no architecture"),
    ],
)
def test_what_is_no_architecture_is_refused_before_any_call(source: object, text: str) -> None:
    with logah.connect("127.0.0.1:1") as client, pytest.raises(SourceError, match=text):
        client.predict(source)  # type: ignore[arg-type]


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"\xff{")
    with logah.connect("127.0.0.1:1") as client:
        with pytest.raises(SourceError, match=r"config\.json is not JSON"):
            client.predict(path)
        with pytest.raises(FileNotFoundError):
            client.predict(tmp_path / "nothing.json")


@pytest.mark.parametrize("options", [{"seed": -1}, {"seed": 2**53}, {"dtype": "float64"}, {"shard": (-1, 2)}])
def test_arguments_that_no_request_can_carry_are_refused(options: dict[str, object]) -> None:
    with logah.connect("127.0.0.1:1") as client, pytest.raises(RequestError):
        client.predict(CONFIG, **options)  # type: ignore[arg-type]


def test_every_error_of_the_client_is_a_logah_error() -> None:
    assert all(issubclass(kind, LogahError) for kind in (ProtocolError, RemoteError, RequestError, SourceError))
    with pytest.raises(ProtocolError, match="x is 1, expected 2"):
        expect_equal("x", 1, 2)
