"""The health of a server, by `grpc.health.v1`.

Of its two messages only one field each is needed, so they are read and written here and no package has them.
"""

from __future__ import annotations

import grpc
from google.protobuf.wrappers_pb2 import StringValue, UInt32Value

from logah.client.link.channel import open_channel
from logah.client.wire.status_details import remote_error
from logah.errors import ProtocolError

#: `grpc.health.v1.HealthCheckResponse.ServingStatus`, by number.
_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


def health(
    target: str, service: str = "", *, credentials: grpc.ChannelCredentials | None = None, timeout: float | None = None
) -> str:
    """The status of a service of the server, empty: of the whole, such as "SERVING". `timeout` is in seconds.

    Raises RemoteError where the server does not say it, and ProtocolError for a status that there is not.
    """
    with open_channel(target, credentials) as channel:
        # Both messages have one field, number 1, a text and an enum; so do these two of protobuf's own.
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=StringValue.SerializeToString,
            response_deserializer=UInt32Value.FromString,
        )
        try:
            status = check(StringValue(value=service), timeout=timeout).value
        except grpc.RpcError as error:
            raise remote_error(target, error) from error
    if status >= len(_STATUSES):
        raise ProtocolError("health: status", status, f"0 to {len(_STATUSES) - 1}")
    return _STATUSES[status]
