"""How an asyncio client calls: `logah.client.link.calling`, which has the reasons, with `await`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any

import grpc

from logah.client.deadline import Deadline
from logah.client.link.attempts import Attempts, Persistence, StallError
from logah.client.link.calling import Method, silence
from logah.client.link.receiver import Item, Receiver
from logah.client.link.replicas import Replicas
from logah.client.wire.status_details import remote_error
from logah.errors import LogahError


class AioCalling:
    """See `Calling`."""

    def __init__(self, replicas: Replicas, persistence: Persistence) -> None:
        self._replicas = replicas
        self._persistence = persistence

    async def answer(self, method: Method, request: object, deadline: Deadline) -> Any:
        """As `Calling.answer`."""
        attempts = Attempts(self._replicas, self._persistence, deadline)
        while True:
            replica = attempts.replica
            failure: LogahError
            try:
                call = method(replica.calls)(request, timeout=deadline.remaining())
                answer = await asyncio.wait_for(call, attempts.stall)
            except asyncio.TimeoutError:
                failure = StallError(replica.target, attempts.stall)
            except grpc.RpcError as error:
                failure = remote_error(replica.target, error)
            else:
                attempts.progress()
                return answer
            await asyncio.sleep(attempts.after(failure, replica, begun=False))

    async def stream(self, method: Method, receiver: Receiver[Item], deadline: Deadline) -> AsyncGenerator[Item, None]:
        """As `Calling.stream`."""
        attempts = Attempts(self._replicas, self._persistence, deadline)
        while not receiver.complete:
            replica = attempts.replica
            failure: LogahError | None
            call = method(replica.calls)(receiver.next_request(), timeout=deadline.remaining())
            try:
                async for message in _watched(call, partial(silence, attempts.stall, receiver), replica.target):
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
                await asyncio.sleep(attempts.after(failure, replica, receiver.begun))


async def _watched(call: Any, seconds: Callable[[], float], target: str) -> AsyncGenerator[Any, None]:
    """The call's messages. Raises StallError where none comes for so many seconds while one is waited for; what is done
    between two of them does not count. Otherwise raises as the call does.
    """
    while True:
        try:
            message = await asyncio.wait_for(call.read(), seconds())
        except asyncio.TimeoutError:
            raise StallError(target, seconds()) from None
        if message is grpc.aio.EOF:
            return
        yield message
