"""The asyncio client."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from client_servers import (
    SMALL_DATA,
    fake_server,
    honest_messages,
)
from streams import CONFIG, LIES, Response, answering, breaking_off, offsets

import logah
from logah.client import ProtocolError
from logah.client._generated import logah_pb2


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
