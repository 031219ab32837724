"""LoGAH: predict the initial weights of large networks from their architecture (arXiv 2405.16287)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from logah import errors
from logah.errors import (
    CoverageError,
    LogahError,
    ProtocolError,
    RemoteError,
    RequestError,
    ShardingError,
    SourceError,
    TraceError,
    VerificationError,
)

if TYPE_CHECKING:
    from logah import client, graph
    from logah.client import aio
    from logah.client.client import Client, connect

__version__ = "0.1.0"
__all__ = [
    "Client",
    "CoverageError",
    "LogahError",
    "ProtocolError",
    "RemoteError",
    "RequestError",
    "ShardingError",
    "SourceError",
    "TraceError",
    "VerificationError",
    "__version__",
    "aio",
    "client",
    "connect",
    "errors",
    "graph",
]

#: What `import logah` does not load yet, and the module that it is or that has it; grpc alone would take a tenth of a
#: second.
_MODULES = {"aio": "logah.client.aio", "client": "logah.client", "graph": "logah.graph"}
_MEMBERS = {"Client": "logah.client.client", "connect": "logah.client.client"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _MEMBERS:
        return getattr(import_module(_MEMBERS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
