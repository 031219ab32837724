"""Reads the `google.rpc.Status` of the trailing metadata entry `grpc-status-details-bin`.

Field numbers are those of googleapis `google/rpc/status.proto` and `error_details.proto`. The messages live in a pool
of their own, so that they never collide with another package's.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, message_factory
from google.protobuf.message import DecodeError

from logah.errors import FieldViolation, RemoteError, StatusDetails

#: The metadata key that carries the encoded status.
STATUS_DETAILS_KEY = "grpc-status-details-bin"


def remote_error(target: str, error: grpc.RpcError) -> RemoteError:
    """What gRPC raised, of `grpc` or of `grpc.aio`."""
    metadata = error.trailing_metadata() or ()
    encoded = next((value for key, value in metadata if key == STATUS_DETAILS_KEY), None)
    details = decode_status_details(encoded) if isinstance(encoded, bytes) else None
    return RemoteError(target, error.code(), error.details() or "", details)


def decode_status_details(encoded: bytes) -> StatusDetails | None:
    """Details of types other than these three are skipped. None: not a Status."""
    try:
        details = {
            any_.type_url.rpartition("/google.rpc.")[2]: any_.value for any_ in _decode("Status", encoded).details
        }
        bad_request = _decode("BadRequest", details.get("BadRequest", b""))
        retry = _decode("RetryInfo", details.get("RetryInfo", b""))
        info = _decode("ErrorInfo", details.get("ErrorInfo", b""))
        delay = retry.retry_delay
        return StatusDetails(
            violations=tuple(FieldViolation(v.field, v.description) for v in bad_request.field_violations),
            retry_after=delay.seconds + delay.nanos / 1e9 if retry.HasField("retry_delay") else None,
            reason=info.reason or None,
            domain=info.domain or None,
        )
    except DecodeError:
        return None


_STRING, _INT32, _MESSAGE = 9, 5, 11
_MESSAGES: dict[str, tuple[tuple[str, int, bool, int, str], ...]] = {
    # name: (field, type, repeated, number, message type)
    "Status": (
        ("code", _INT32, False, 1, ""),
        ("message", _STRING, False, 2, ""),
        ("details", _MESSAGE, True, 3, ".google.protobuf.Any"),
    ),
    "FieldViolation": (("field", _STRING, False, 1, ""), ("description", _STRING, False, 2, "")),
    "BadRequest": (("field_violations", _MESSAGE, True, 1, ".google.rpc.FieldViolation"),),
    "RetryInfo": (("retry_delay", _MESSAGE, False, 1, ".google.protobuf.Duration"),),
    "ErrorInfo": (("reason", _STRING, False, 1, ""), ("domain", _STRING, False, 2, "")),
}


def _message_classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="logah/rpc_status.proto", package="google.rpc", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, kind, repeated, number, type_name in fields:
            label = 3 if repeated else 1
            message.field.add(name=field, type=kind, label=label, number=number, type_name=type_name or None)
    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
        file.dependency.append(known.DESCRIPTOR.name)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"google.rpc.{name}")) for name in _MESSAGES
    }


MESSAGE_CLASSES = _message_classes()


def _decode(name: str, encoded: bytes) -> Any:
    return MESSAGE_CLASSES[name].FromString(encoded)


def refuses_configuration(error: RemoteError) -> bool:
    """Whether a server answered that it does not read this configuration, or this class of the model."""
    refused = error.code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
    fields = [violation.field for violation in error.violations]
    return refused and bool(fields) and all(field.startswith("architecture.transformers_config") for field in fields)
