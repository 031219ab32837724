"""The stream that a module is filled from, opened: one call brings the plan, and what is sent behind it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from logah.client.architecture import Architecture
from logah.client.deadline import Deadline
from logah.client.module.predictions import Predictions
from logah.client.request import Representation
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import Event, PlanEvent
from logah.client.wire.status_details import refuses_configuration
from logah.errors import RemoteError

if TYPE_CHECKING:
    from logah.client._generated import logah_pb2

#: Makes the request for an architecture in a representation.
RequestOf: TypeAlias = Callable[[Architecture, Representation], "logah_pb2.PredictRequest"]


@dataclass(frozen=True)
class Opened:
    """What is known when the plan has come."""

    #: In the form that the server reads.
    architecture: Architecture
    plan: Plan
    #: What comes behind the plan; None: elements are to be asked for, by a request of their own.
    events: Generator[Event, None, None] | None


def opened(
    client: Predictions,
    architecture: Architecture,
    request_of: RequestOf,
    representation: Representation | Literal["auto"],
    deadline: Deadline,
) -> Opened:
    """Cores or factors come by the stream that brought the plan; "auto" is "dense" where weights are no products, since
    whole tensors to every rank would be worse than each rank's own part."""
    if representation == "dense":
        architecture = client.readable(architecture, deadline)
        return Opened(architecture, client.plan_request(request_of(architecture, "dense"), deadline.remaining()), None)
    sent_as: Representation = "core" if representation == "auto" else representation

    def begun(architecture: Architecture) -> Opened:
        events = client.events(request_of(architecture, sent_as), deadline.remaining())
        return Opened(architecture, plan_of(events), events)

    trace = architecture.trace
    try:
        stream = begun(architecture)
    except RemoteError as error:
        if trace is None or not refuses_configuration(error):
            raise
        stream = begun(trace())
    else:
        if trace is not None and not architecture.is_network_of(stream.plan):
            _close(stream)
            stream = begun(trace())
    if representation == "auto" and not any(tensor.core or tensor.factors for tensor in stream.plan.sent):
        _close(stream)
        request = request_of(stream.architecture, "dense")
        return Opened(stream.architecture, client.plan_request(request, deadline.remaining()), None)
    return stream


def plan_of(events: Generator[Event, None, None]) -> Plan:
    """The first event."""
    first = next(events)
    assert isinstance(first, PlanEvent), "every stream begins with its plan"
    return first.plan


def _close(stream: Opened) -> None:
    if stream.events is not None:
        stream.events.close()
