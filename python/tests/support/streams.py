"""Answers to a prediction, honest, lying and breaking off, and the checks fed with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
from client_servers import (
    SMALL_DATA,
    FakeServer,
    chunk_message,
    honest_messages,
    plan_message,
    small_plan,
    summary_message,
)

from logah.client._generated import logah_pb2
from logah.client.wire.prediction_stream import PlanEvent, PredictionStream, Summary
from logah.client.wire.tensor_assembly import TensorAssembly

Response = logah_pb2.PredictResponse


CONFIG = {"model_type": "vit"}


def answering(messages: list[Response]) -> Callable[..., Iterator[Response]]:
    """The messages; where the stream is to go on, the plan alone: all the rest came before."""
    return lambda request, context: iter(messages[:1] if request.HasField("resume") else messages)


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
    early = stream.ended()
    if early is not None:
        raise early
    return joined


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


def breaking_off(
    ends: list[int], code: grpc.StatusCode | None = grpc.StatusCode.UNAVAILABLE
) -> Callable[..., Iterator[Response]]:
    """A server that is lost each time it has sent the bytes before the next of `ends`."""
    left = list(ends)

    def predict(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
        offset = request.resume.offset
        end = left.pop(0) if left else None
        messages = honest_messages((16, 24, 32, 40, 48, 64), offset)
        for message in messages:
            if end is not None and message.WhichOneof("message") == "chunk" and message.chunk.offset >= end:
                if code is None:
                    return
                context.abort(code, "going away")
            yield message

    return predict


def offsets(fake: FakeServer) -> list[int]:
    return [request.resume.offset for request in fake.requests]
