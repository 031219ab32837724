"""The messages of a blocking stream, which gRPC lets wait for ever on a server that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc

from logah.client.link.attempts import StallError


def watched(call: Any, seconds: float, target: str) -> Iterator[Any]:
    """The call's messages. Raises StallError, and cancels the call, where none comes for so many seconds while the
    reader waits for one; what the reader does between two of them does not count. Otherwise raises as the call does.
    """
    watch = _Watch(call, seconds)
    try:
        while True:
            watch.waiting_since = time.monotonic()
            try:
                message = next(call)
            except StopIteration:
                return
            except grpc.RpcError:
                if watch.fired:
                    raise StallError(target, seconds) from None
                raise
            watch.waiting_since = None
            yield message
    finally:
        watch.end()


class _Watch:
    """A thread that cancels the call."""

    def __init__(self, call: Any, seconds: float) -> None:
        self._call = call
        self._seconds = seconds
        self._ended = threading.Event()
        #: When the reader began to wait; None: it does not.
        self.waiting_since: float | None = None
        self.fired = False
        threading.Thread(target=self._run, name="logah-stall-watch", daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        pause = self._seconds
        while not self._ended.wait(pause):
            since = self.waiting_since
            # Its next wait can begin at any time; a quarter is how late its end may be noticed.
            left = self._seconds / 4 if since is None else since + self._seconds - time.monotonic()
            if left <= 0:
                self.fired = True
                self._call.cancel()
                return
            pause = left
