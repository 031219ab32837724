"""One rank asks for all: what a server answers to rank 0, on every rank."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

import torch.distributed as dist

from logah.client.architecture import Architecture
from logah.client.deadline import Deadline
from logah.client.module.predictions import Predictions
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent
from logah.client.wire.tensor_pieces import TensorPiece
from logah.errors import LogahError, RequestError

if TYPE_CHECKING:
    from logah.client._generated import logah_pb2

T = TypeVar("T")


class RankZero:
    """The answers to rank 0, broadcast over the default process group; errors of rank 0 are raised on every rank."""

    def __init__(self, client: Predictions) -> None:
        """Raises RequestError where there is no process group."""
        if not dist.is_initialized():
            raise RequestError('fetch is "rank0", which needs torch.distributed.init_process_group')
        self._client = client

    @property
    def target(self) -> str:
        """The address of the server."""
        return self._client.target

    def readable(self, architecture: Architecture, deadline: Deadline) -> Architecture:
        """The architecture itself, or its trace, which each rank makes of its own module."""
        trace = architecture.trace
        if trace is None:
            return architecture
        is_read = self._broadcast(lambda: self._client.readable(architecture, deadline) is architecture)
        return architecture if is_read else trace()

    def plan_request(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> Plan:
        """The plan of a request."""
        return self._broadcast(lambda: self._client.plan_request(request, timeout))

    def events(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> Generator[Event, None, None]:
        """The plan, and the data tensor by tensor."""
        plan, data = self._broadcast(lambda: _collected(self._client.events(request, timeout)))
        yield PlanEvent(plan)
        view = memoryview(data)
        for tensor in plan.sent:
            part = view[tensor.offset : tensor.end]
            yield DataEvent(tensor.offset, part, (TensorPiece(tensor, 0, part),))

    def expansion_layer(self, plan: Plan, timeout: float | None = None) -> ExpansionLayer | None:
        """The plan's expansion; None where it has none."""
        return self._broadcast(lambda: self._client.expansion_layer(plan, timeout))

    def _broadcast(self, ask: Callable[[], T]) -> T:
        answer: list[Any] = [None, None]
        if dist.get_rank() == 0:
            try:
                answer[0] = ask()
            except LogahError as error:
                answer[1] = error
        dist.broadcast_object_list(answer, src=0)
        if answer[1] is not None:
            raise answer[1]
        result: T = answer[0]
        return result


def _collected(events: Generator[Event, None, None]) -> tuple[Plan, bytes]:
    """A stream's plan, and all of its data, of which the last check has passed."""
    plan: Plan | None = None
    data = bytearray()
    for event in events:
        if isinstance(event, PlanEvent):
            plan = event.plan
        elif isinstance(event, DataEvent):
            data += event.data
    assert plan is not None, "a stream that ends without an error has begun with its plan"
    return plan, bytes(data)
