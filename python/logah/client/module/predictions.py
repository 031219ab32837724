"""What filling a module needs of a client."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Protocol

from logah.client.architecture import Architecture
from logah.client.deadline import Deadline
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import Event

if TYPE_CHECKING:
    from logah.client._generated import logah_pb2


class Predictions(Protocol):
    """What filling needs of a client."""

    @property
    def target(self) -> str:
        """The address of the server."""
        ...

    def readable(self, architecture: Architecture, deadline: Deadline) -> Architecture:
        """The architecture in a form that the server reads."""
        ...

    def plan_request(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> Plan:
        """The plan of a request."""
        ...

    def events(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> Generator[Event, None, None]:
        """The checked events of a request."""
        ...

    def expansion_layer(self, plan: Plan, timeout: float | None = None) -> ExpansionLayer | None:
        """The plan's expansion; None where it has none."""
        ...
