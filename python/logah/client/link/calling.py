"""How a blocking client calls: again where an attempt fails, until the answer is whole or there is no point in more."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import grpc

from logah.client.deadline import Deadline
from logah.client.link.attempts import Attempts, Persistence, StallError
from logah.client.link.channel import Calls
from logah.client.link.receiver import Item, Receiver
from logah.client.link.replicas import Replicas
from logah.client.link.stall_watch import watched
from logah.client.wire.status_details import remote_error
from logah.errors import LogahError

#: What a server is waited for behind the last message, where it does not end its stream.
_LAST_WORDS_SECONDS = 1.0

#: One of the service's methods.
Method = Callable[[Calls], Any]


def silence(stall: float, receiver: Receiver[Any]) -> float:
    """Seconds that a stream may be silent for: behind its last message there is nothing but a status to wait for."""
    return min(stall, _LAST_WORDS_SECONDS) if receiver.complete else stall


class Calling:
    """`logah.client.link.aio_calling` is the same for asyncio."""

    def __init__(self, replicas: Replicas, persistence: Persistence) -> None:
        self._replicas = replicas
        self._persistence = persistence

    def answer(self, method: Method, request: object, deadline: Deadline) -> Any:
        """The answer to a unary call."""
        attempts = Attempts(self._replicas, self._persistence, deadline)
        while True:
            replica = attempts.replica
            failure: LogahError
            call = method(replica.calls).future(request, timeout=deadline.remaining())
            try:
                answer = call.result(timeout=attempts.stall)
            except grpc.FutureTimeoutError:
                failure = StallError(replica.target, attempts.stall)
            except grpc.RpcError as error:
                failure = remote_error(replica.target, error)
            else:
                attempts.progress()
                return answer
            finally:
                call.cancel()
            time.sleep(attempts.after(failure, replica, begun=False))

    def stream(self, method: Method, receiver: Receiver[Item], deadline: Deadline) -> Generator[Item, None, None]:
        """What the receiver makes of a stream, and of those that go on where it broke off.

        Closing the generator cancels the call.
        """
        attempts = Attempts(self._replicas, self._persistence, deadline)
        while not receiver.complete:
            replica = attempts.replica
            failure: LogahError | None
            call = method(replica.calls)(receiver.next_request(), timeout=deadline.remaining())
            try:
                for message in watched(call, partial(silence, attempts.stall, receiver), replica.target):
                    item = receiver.accept(message)
                    if item is not None:
                        attempts.progress()
                        yield item
                failure = receiver.ended()
            except grpc.RpcError as error:
                failure = remote_error(replica.target, error)
            except StallError as error:
                failure = error
            finally:
                call.cancel()
            if failure is not None and not receiver.complete:
                time.sleep(attempts.after(failure, replica, receiver.begun))
