"""LoGAH: predict the initial weights of large networks from their architecture (arXiv 2405.16287)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logah.client import aio
    from logah.client.client import Client, connect

__version__ = "0.1.0"
__all__ = ["Client", "__version__", "aio", "connect"]

#: What `import logah` does not load yet, and the module that has it; grpc alone would take a tenth of a second.
_LAZY = {"Client": "logah.client.client", "connect": "logah.client.client"}


def __getattr__(name: str) -> Any:
    if name == "aio":
        return import_module("logah.client.aio")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
