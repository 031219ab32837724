"""Runs a file of Python as it stands, with a server of the tests behind every address of a plain connection.

python run_snippet.py FILE HOST:PORT
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

import grpc
import grpc.aio


def lead_to(address: str) -> None:
    """Has every channel without credentials connect to `address`."""
    for module in (grpc, grpc.aio):
        connect = module.insecure_channel

        def insecure_channel(target: str, *arguments: Any, connect: Any = connect, **options: Any) -> Any:
            return connect(address, *arguments, **options)

        module.insecure_channel = insecure_channel


if __name__ == "__main__":
    lead_to(sys.argv[2])
    runpy.run_path(sys.argv[1], run_name="__main__")
