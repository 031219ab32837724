"""What the Node.js command line prints."""

from __future__ import annotations

import subprocess

from client_servers import CLI


def node_output(*arguments: str) -> str:
    """The standard output of a command that does not fail."""
    ended = subprocess.run(["node", str(CLI), *arguments], check=True, capture_output=True, text=True, timeout=60)
    return ended.stdout
