"""How the commands of the client are known to servers: flags and environment, those of the Node.js command line."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from logah.errors import RequestError

if TYPE_CHECKING:
    from logah.client import Tls

#: Destination, flag, environment variable, and what the file is.
_FILES = (
    ("ca", "--ca", "LOGAH_CA", "authorities in PEM that are trusted, and with them TLS (default: those of gRPC)"),
    ("cert", "--cert", "LOGAH_CERT", "certificate of the client in PEM, for servers that ask for one (default: none)"),
    ("key", "--key", "LOGAH_KEY", "private key of that certificate in PEM (default: none)"),
    (
        "token_file",
        "--token-file",
        "LOGAH_TOKEN_FILE",
        "file of the token that is sent with every call, over TLS or to this machine (default: none)",
    ),
)


class Security(TypedDict):
    """As `logah.client.connect` takes it."""

    tls: Tls | None
    token: Path | None


def add_security_flags(parser: argparse.ArgumentParser) -> None:
    """`--tls`, `--ca`, `--cert`, `--key` and `--token-file`."""
    parser.add_argument(
        "--tls",
        action="store_true",
        help="speak TLS with the server; true or false (default: plain text, env: LOGAH_TLS)",
    )
    for name, flag, variable, description in _FILES:
        parser.add_argument(flag, dest=name, metavar="FILE", help=f"{description[:-1]}, env: {variable})")


def security(arguments: argparse.Namespace) -> Security:
    """What the flags of `add_security_flags` and the environment come to; flags win.

    Raises RequestError where they contradict each other.
    """
    from logah.client import Tls

    tls = "true" if arguments.tls else os.environ.get("LOGAH_TLS", "")
    files = {name: _given(getattr(arguments, name), variable) for name, _, variable, _ in _FILES}
    ca, cert, key, token = (files[name] for name in ("ca", "cert", "key", "token_file"))
    if tls not in ("", "true", "false"):
        raise RequestError(f"LOGAH_TLS is {tls!r}; it must be true or false")
    if tls == "false" and (ca or cert):
        raise RequestError("LOGAH_TLS is false; there must be neither --ca nor --cert then")
    if (cert is None) != (key is None):
        raise RequestError("--cert and --key go together")
    is_secure = tls == "true" or ca is not None or cert is not None
    return {
        "tls": Tls(ca=ca, cert=cert, key=key) if is_secure else None,
        "token": None if token is None else Path(token),
    }


def _given(flag: str | None, variable: str) -> str | None:
    """An empty path is none."""
    return (os.environ.get(variable) if flag is None else flag) or None
