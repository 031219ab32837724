"""What calls of this package can fail with. Errors of the file system are raised as Python raises them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import grpc


class LogahError(Exception):
    """Something that its reader can act on; the base of all errors of this package."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Processes hand errors to each other; the arguments of `__init__` are not kept.
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[LogahError], args: tuple[object, ...], state: dict[str, object]) -> LogahError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class SourceError(LogahError, ValueError):
    """The architecture cannot be read: no such file, not JSON, or neither a configuration nor a graph."""


class TraceError(SourceError):
    """A module whose forward pass cannot be followed; pass a configuration or a graph instead, or mend the module."""

    def __init__(self, message: str, submodule: str = "", operation: str = "") -> None:
        super().__init__(message)
        #: Where it stopped, by the module's own names; empty: the module itself, or before its forward pass.
        self.submodule = submodule
        #: The operation that it stopped at, such as "torch.Tensor.item"; empty: none.
        self.operation = operation


class RequestError(LogahError, ValueError):
    """An argument that no request can carry; the message names it, what came and what is allowed."""


class ProtocolError(LogahError):
    """The server's answer contradicts the contract or its own plan; what was received must not be used."""

    def __init__(self, subject: str, received: object, expected: object) -> None:
        super().__init__(f"bad answer from the server: {subject} is {received}, expected {expected}")
        #: What is wrong, such as "chunk offset".
        self.subject = subject
        self.received = str(received)
        self.expected = str(expected)


class CoverageError(LogahError):
    """Parameters of a module that would stay uninitialised, or do not fit the plan."""

    def __init__(self, message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        #: The parameters or buffers, by their names in the module.
        self.names = tuple(names)


class VerificationError(LogahError):
    """Parameters of a module that do not hold what was predicted."""

    def __init__(self, message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        #: The parameters, by their names in the plan.
        self.names = tuple(names)


class ShardingError(LogahError):
    """A DTensor whose local part is not a box of the whole tensor."""


@dataclass(frozen=True)
class FieldViolation:
    """One wrong field: its path in the request, and what came and what is allowed."""

    field: str
    description: str


@dataclass(frozen=True)
class StatusDetails:
    """What a status says beside its code and its text."""

    #: `google.rpc.BadRequest`.
    violations: tuple[FieldViolation, ...] = ()
    #: `google.rpc.RetryInfo`, in seconds; None: no advice.
    retry_after: float | None = None
    #: `google.rpc.ErrorInfo.reason`, such as "RESOURCE_EXHAUSTED".
    reason: str | None = None
    #: `google.rpc.ErrorInfo.domain`: who says so.
    domain: str | None = None


#: `ErrorInfo.domain` of the service's errors.
_DOMAIN = "logah"


class RemoteError(LogahError):
    """A gRPC status that the server, or the connection to it, answered with."""

    def __init__(self, target: str, code: grpc.StatusCode, text: str, details: StatusDetails | None = None) -> None:
        details = details or StatusDetails()
        super().__init__(_message(target, code, text))
        #: The server's address as given to `connect`.
        self.target = target
        #: The gRPC status code.
        self.code = code
        #: Wrong fields of the request, of `google.rpc.BadRequest`; empty: none.
        self.violations = details.violations
        #: Seconds after which trying again can help, of `google.rpc.RetryInfo`; None: no advice.
        self.retry_after = details.retry_after
        #: `google.rpc.ErrorInfo.reason`; None: the server gave none.
        self.reason = details.reason
        #: Whether the service itself says so, and not a proxy before it or gRPC: its errors have an `ErrorInfo` of its
        #: domain.
        self.of_service = details.domain == _DOMAIN


class GraphError(LogahError, ValueError):
    """An architecture graph that no hypernetwork can read; the message names the node or edge."""


class CheckpointError(LogahError, ValueError):
    """A checkpoint that is not one we can load; the message names the key, what came and what is expected."""


class BundleError(LogahError, ValueError):
    """A bundle that cannot be read, or written as asked."""


class ConfigurationError(LogahError, ValueError):
    """A field that is missing, unknown or wrong; the message names it."""


class DataError(LogahError, RuntimeError):
    """A data set that is not there or not the one that results were measured with; the message says what to do."""


class DeviceError(LogahError, RuntimeError):
    """The device that was asked for is not there."""


class ResumeError(LogahError, RuntimeError):
    """A checkpoint that this run cannot go on from."""


class TrainingDiverged(LogahError, RuntimeError):
    """The loss was not finite several times in a row."""


def _message(target: str, code: grpc.StatusCode, text: str) -> str:
    if code.name == "UNAVAILABLE":
        return f"server {target} is unavailable: {text or 'no connection'}"
    return text or f"server {target} answered {code.name}"


def expect_equal(subject: str, received: object, expected: object) -> None:
    """Raises ProtocolError unless `received` is `expected`."""
    if received != expected:
        raise ProtocolError(subject, received, expected)
