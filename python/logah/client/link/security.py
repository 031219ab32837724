"""How a client's connections are secured, and how it says who it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import grpc

from logah.client.link.channel import is_loopback
from logah.errors import RequestError


@dataclass(frozen=True)
class Tls:
    """Files of PEM."""

    #: Authorities that are trusted; None: those of gRPC.
    ca: str | os.PathLike[str] | None = None
    #: The client's own certificate, where the server asks for one, and its key.
    cert: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None


#: TLS, and with what: True, the file of the authorities that are trusted, or all files. None or False: plain text.
TlsChoice: TypeAlias = "bool | str | os.PathLike[str] | Tls | None"

#: A bearer token, the path of its file, which is read at every call, or what gives one.
Token: TypeAlias = "str | os.PathLike[str] | Callable[[], str] | None"


def channel_credentials(tls: TlsChoice, credentials: grpc.ChannelCredentials | None) -> grpc.ChannelCredentials | None:
    """The credentials of a channel; None: plain text.

    Raises RequestError where they contradict each other or hold something else, and OSError where a file cannot be
    read.
    """
    if tls is None or tls is False:
        return credentials
    if credentials is not None:
        raise RequestError("tls and credentials are both given; give one of them")
    files = tls if isinstance(tls, Tls) else Tls() if tls is True else Tls(ca=tls)
    if (files.cert is None) != (files.key is None):
        raise RequestError("tls has a certificate without a key, or a key without a certificate; they go together")
    ca, key, cert = (None if path is None else Path(path).read_bytes() for path in (files.ca, files.key, files.cert))
    for name, path, pem, needed in (
        ("ca", files.ca, ca, b"CERTIFICATE"),
        ("cert", files.cert, cert, b"CERTIFICATE"),
        ("key", files.key, key, b"PRIVATE KEY"),
    ):
        # gRPC would say nothing until a connection fails, and then not why.
        if pem is not None and not re.search(rb"-----BEGIN [A-Z ]*" + needed + rb"-----", pem):
            raise RequestError(f"tls: {name} is {path}, which has no {needed.decode().lower()} in PEM")
    return grpc.ssl_channel_credentials(root_certificates=ca, private_key=key, certificate_chain=cert)


def token_source(targets: str | Sequence[str], is_secure: bool, token: Token) -> Callable[[], str] | None:
    """What gives the token for each call; None: there is none.

    Raises RequestError where it would leave this machine in plain text.
    """
    if token is None:
        return None
    names = [targets] if isinstance(targets, str) else list(targets)
    far = next((name for name in names if not is_loopback(name)), None)
    if far is not None and not is_secure:
        raise RequestError(
            f"the token is not sent to {far} in plain text, which others could read; connect with tls=True, or tls=FILE"
        )
    if isinstance(token, str):
        given = _checked(token)
        return lambda: given
    if callable(token):
        return lambda: _checked(token())
    path = Path(token)
    return lambda: _checked(path.read_text(encoding="utf-8").strip())


class WithToken:
    """A method of the service that shows the token of the moment at every call."""

    def __init__(self, method: Any, token: Callable[[], str]) -> None:
        self._method = method
        self._token = token

    def __call__(self, request: Any, *, metadata: Any = None, **options: Any) -> Any:
        """Raises as the token's source, before anything is sent."""
        return self._method(request, metadata=self._shown(metadata), **options)

    def future(self, request: Any, *, metadata: Any = None, **options: Any) -> Any:
        """The same for a blocking client's unary calls, without waiting."""
        return self._method.future(request, metadata=self._shown(metadata), **options)

    def _shown(self, metadata: Any) -> tuple[tuple[str, str], ...]:
        return (*(metadata or ()), ("authorization", f"Bearer {self._token()}"))


def _checked(token: str) -> str:
    """What is no token must not be shown in an error either."""
    if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]+", token):
        return token
    raise RequestError("the token is empty or has characters that no token has")
