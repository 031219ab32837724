"""Names TLS where one side speaks it and the other does not, which gRPC calls a lost connection."""

from __future__ import annotations

import re
import socket
import ssl

import grpc

from logah.errors import RemoteError

#: Seconds that a server may take to begin with TLS.
_HANDSHAKE = 1.0

#: What BoringSSL says of an answer that is no TLS.
_NO_TLS = re.compile(r"WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|PACKET_LENGTH_TOO_LONG")

_LOST = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})


def explained(error: RemoteError, is_secure: bool) -> RemoteError | None:
    """What a connection that could not be had is explained by, if TLS is the reason."""
    if error.of_service or error.code not in _LOST:
        return None
    if is_secure:
        if _NO_TLS.search(str(error)):
            return _of_tls(error.target, "does not speak TLS, or not on this port; this client does")
        return None
    if _speaks_tls(error.target):
        return _of_tls(error.target, "speaks TLS on this port; this client does not (tls=True or FILE; logah: --tls)")
    return None


def _of_tls(target: str, how: str) -> RemoteError:
    return RemoteError(target, grpc.StatusCode.FAILED_PRECONDITION, f"server {target} {how}")


def _speaks_tls(target: str) -> bool:
    """Whether a port answers the beginning of TLS with TLS; nothing else is sent."""
    match = re.fullmatch(r"(?:dns:(?://[^/]*/)?)?(?:\[([0-9a-fA-F:.]+)\]|([^:/,\s]+)):(\d{1,5})", target)
    if match is None:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection((match[1] or match[2], int(match[3])), timeout=_HANDSHAKE) as raw:
            with context.wrap_socket(raw):
                return True
    except ssl.SSLError as error:
        # An alert is TLS too.
        return "alert" in str(error).lower()
    except OSError:
        return False
