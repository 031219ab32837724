"""Servers that the client's tests talk to: the real one, as a process, and one that answers as a test says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import grpc
import pytest
from paths import REPOSITORY as REPOSITORY

from logah.client._generated import logah_pb2

CLI = Path(os.environ.get("LOGAH_CLI", REPOSITORY / "dist" / "cli" / "main.js"))
MODELS = REPOSITORY / "models"

SMALL_VIT = {
    "model_type": "vit",
    "hidden_size": 40,
    "intermediate_size": 52,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 7,
    "num_channels": 1,
    "num_labels": 10,
    "id2label": {str(index): f"LABEL_{index}" for index in range(10)},
}
SMALL_GPT2 = {
    "model_type": "gpt2",
    "n_embd": 24,
    "n_layer": 1,
    "n_head": 2,
    "n_positions": 16,
    "vocab_size": 50,
    "bos_token_id": 0,
    "eos_token_id": 0,
}


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a real server, which stops when the tests end, or die."""
    with serve(MODELS) as address:
        yield address


@contextmanager
def serve(models: Path, *flags: str) -> Iterator[str]:
    """A real server with these models and flags, by its address."""
    command = ["node", str(CLI), "serve", "--address", "127.0.0.1:0", "--models", str(models)]
    command += ["--execution-provider", "cpu", "--workers", "1", "--parent-watch", *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            entry = json.loads(line)
            if entry.get("msg") == "listening":
                try:
                    yield f"127.0.0.1:{entry['port']}"
                finally:
                    process.terminate()
                    # Whatever it still writes must not block it.
                    process.communicate(timeout=60)
                return
        pytest.fail(f"the server ended before it listened: {''.join(lines)}")


def run_node(*arguments: str) -> None:
    """The Node.js command line."""
    subprocess.run(["node", str(CLI), *arguments], check=True, timeout=60)


Predict = Callable[[logah_pb2.PredictRequest, grpc.ServicerContext], Iterator[logah_pb2.PredictResponse]]


@dataclass
class FakeServer:
    """What a scripted server was asked."""

    address: str = ""
    requests: list[logah_pb2.PredictRequest] = field(default_factory=list)


@contextmanager
def fake_server(predict: Predict) -> Iterator[FakeServer]:
    """A server on a port of its own whose `Predict` answers as `predict` does."""
    state = FakeServer()

    def handle(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[logah_pb2.PredictResponse]:
        state.requests.append(request)
        yield from predict(request, context)

    handler = grpc.unary_stream_rpc_method_handler(
        handle,
        request_deserializer=logah_pb2.PredictRequest.FromString,
        response_serializer=logah_pb2.PredictResponse.SerializeToString,
    )
    grpc_server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    grpc_server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("logah.v1.LogahService", {"Predict": handler}),)
    )
    state.address = f"127.0.0.1:{grpc_server.add_insecure_port('127.0.0.1:0')}"
    grpc_server.start()
    try:
        yield state
    finally:
        grpc_server.stop(None).wait()


def small_plan(fingerprint: str = "f00d") -> logah_pb2.Plan:
    """Tensors a [2, 3], b [4] and c [5, 2], and d tied to a: 80 bytes of float32."""
    plan = logah_pb2.Plan(model="fake", fingerprint=fingerprint, dtype=logah_pb2.DATA_TYPE_FLOAT32, total_bytes=80)
    offset = 0
    for name, shape, size in (("a", (2, 3), 6), ("b", (4,), 4), ("c", (5, 2), 10)):
        plan.tensors.add(
            name=name,
            shape=shape,
            source=logah_pb2.SOURCE_PREDICTED,
            bytes=4 * size,
            offset=offset,
            sent=True,
            predicted_elements=size,
            sent_start=[0] * len(shape),
            sent_shape=shape,
        )
        offset += 4 * size
    plan.tensors.add(name="d", shape=(2, 3), source=logah_pb2.SOURCE_TIED, tied_to="a")
    plan.coverage.CopyFrom(logah_pb2.Coverage(parameters=20, predicted=20, tied=6))
    return plan


SMALL_DATA = bytes(range(1, 81))


def plan_message(plan: logah_pb2.Plan) -> logah_pb2.PredictResponse:
    return logah_pb2.PredictResponse(plan=plan)


def chunk_message(offset: int, data: bytes) -> logah_pb2.PredictResponse:
    return logah_pb2.PredictResponse(chunk=logah_pb2.Chunk(offset=offset, data=data))


def summary_message(plan: logah_pb2.Plan, data: bytes, resumed_at: int = 0) -> logah_pb2.PredictResponse:
    """With the digests of the tensors that were not whole at `resumed_at`."""
    summary = logah_pb2.Summary(total_bytes=plan.total_bytes)
    for tensor in plan.tensors:
        if tensor.sent and tensor.offset + tensor.bytes > resumed_at:
            content = data[tensor.offset : tensor.offset + tensor.bytes]
            summary.digests.add(name=tensor.name, crc32=crc32(content))
    return logah_pb2.PredictResponse(summary=summary)


def honest_messages(cuts: Sequence[int] = (16, 48), resumed_at: int = 0) -> list[logah_pb2.PredictResponse]:
    """The plan, `SMALL_DATA` from `resumed_at` on cut at `cuts`, and the summary."""
    plan = small_plan()
    bounds = [resumed_at, *(cut for cut in cuts if resumed_at < cut < 80), 80]
    chunks = [chunk_message(start, SMALL_DATA[start:end]) for start, end in pairwise(bounds) if start < end]
    return [plan_message(plan), *chunks, summary_message(plan, SMALL_DATA, resumed_at)]
