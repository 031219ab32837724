"""Reads a prediction and prints the SHA-256 of its data: reader.py sync|asyncio STALL CONFIG PAUSE_AT ADDRESS...

When so many bytes have come it prints "paused", and goes on when it is sent a line.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

import logah
from logah.client import DataEvent, Event
from logah.client.architecture import Architecture
from logah.client.request import predict_request
from logah.client.source import read_source


class Reader:
    def __init__(self, pause_at: int) -> None:
        self._pause_at = pause_at
        self._received = 0
        self._digest = hashlib.sha256()

    def accept(self, event: Event) -> None:
        if not isinstance(event, DataEvent):
            return
        self._digest.update(event.data)
        before, self._received = self._received, self._received + len(event.data)
        if before < self._pause_at <= self._received:
            print("paused", flush=True)
            sys.stdin.readline()

    def report(self) -> None:
        print(self._digest.hexdigest(), flush=True)


def read(architecture: Architecture, reader: Reader, addresses: list[str], stall: float) -> None:
    with logah.connect(addresses, stall=stall) as client:
        for event in client.events(predict_request(architecture)):
            reader.accept(event)


async def read_asyncio(architecture: Architecture, reader: Reader, addresses: list[str], stall: float) -> None:
    async with logah.aio.connect(addresses, stall=stall) as client:
        async for event in client.events(predict_request(architecture)):
            reader.accept(event)


def main() -> None:
    kind, stall, config, pause_at, *addresses = sys.argv[1:]
    reader = Reader(int(pause_at))
    architecture = read_source(Path(config))
    if kind == "asyncio":
        asyncio.run(read_asyncio(architecture, reader, addresses, float(stall)))
    else:
        read(architecture, reader, addresses, float(stall))
    reader.report()


if __name__ == "__main__":
    main()
