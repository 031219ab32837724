"""The messages of a blocking stream, which gRPC lets wait for ever on a server that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from logah.client.link.attempts import StallError


def watched(call: Any, seconds: Callable[[], float], target: str) -> Iterator[Any]:
    """The call's messages. Raises StallError, and cancels the call, where none comes for so many seconds while the
    reader waits for one; what the reader does between two of them does not count. Otherwise raises as the call does.
    """
    watch = _Watch(call, seconds())
    try:
        while True:
            watch.waits(seconds())
            try:
                message = next(call)
            except StopIteration:
                return
            except grpc.RpcError:
                if watch.fired:
                    raise StallError(target, seconds()) from None
                raise
            watch.works()
            yield message
    finally:
        watch.end()


class _Watch:
    """A thread that cancels the call."""

    def __init__(self, call: Any, seconds: float) -> None:
        self._call = call
        self._seconds = seconds
        self._ended = False
        #: Set where the thread has to look anew at how long it may sleep.
        self._changed = threading.Event()
        #: When the reader began to wait; None: it does not.
        self._waiting_since: float | None = None
        self.fired = False
        threading.Thread(target=self._run, name="logah-stall-watch", daemon=True).start()

    def waits(self, seconds: float) -> None:
        """The reader begins to wait, for so long at most."""
        self._waiting_since = time.monotonic()
        if seconds < self._seconds:
            self._seconds = seconds
            self._changed.set()

    def works(self) -> None:
        """The reader has a message."""
        self._waiting_since = None

    def end(self) -> None:
        """The reader wants no more."""
        self._ended = True
        self._changed.set()

    def _run(self) -> None:
        pause = self._seconds
        while True:
            self._changed.wait(pause)
            self._changed.clear()
            if self._ended:
                return
            since = self._waiting_since
            # Its next wait can begin at any time; a quarter is how late its end may be noticed.
            left = self._seconds / 4 if since is None else since + self._seconds - time.monotonic()
            if left <= 0:
                self.fired = True
                self._call.cancel()
                return
            pause = left
