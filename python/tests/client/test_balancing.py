"""A target of several addresses, as a name has that resolves to every pod: calls take turns among them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
from client_servers import SMALL_DATA, FakeServer, fake_server, honest_messages
from streams import CONFIG, Response

import logah
from logah.client._generated import logah_pb2

SERVERS = 3


def answer(request: logah_pb2.PredictRequest, context: grpc.ServicerContext) -> Iterator[Response]:
    yield from honest_messages((24,))


@contextmanager
def fleet() -> Iterator[list[FakeServer]]:
    """Servers that all answer alike."""
    with ExitStack() as stack:
        yield [stack.enter_context(fake_server(answer)) for _ in range(SERVERS)]


def target(servers: list[FakeServer]) -> str:
    return f"ipv4:{','.join(server.address for server in servers)}"


def test_calls_take_turns_among_the_addresses() -> None:
    with fleet() as servers, logah.connect(target(servers)) as client:
        # Until all are connected to, those that are take the calls.
        while not all(server.requests for server in servers):
            arrays = dict(client.predict(CONFIG))
            assert b"".join(array.tobytes() for array in arrays.values()) == SMALL_DATA
        counts = [len(server.requests) for server in servers]
        for _ in range(2 * SERVERS):
            dict(client.predict(CONFIG))
        assert [len(server.requests) - before for server, before in zip(servers, counts, strict=True)] == [2, 2, 2]


def test_calls_of_the_asyncio_client_take_turns_too() -> None:
    async def ask(servers: list[FakeServer]) -> None:
        async with logah.aio.connect(target(servers)) as client:
            while not all(server.requests for server in servers):
                assert [name async for name, _ in client.predict(CONFIG)] == ["a", "b", "c"]

    with fleet() as servers:
        asyncio.run(ask(servers))
