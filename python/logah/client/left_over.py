"""Files under construction: what they are called, and which of them nobody will finish.

The names are those of the Node.js client, so that either clears away what the other has left.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import secrets
import socket
import time
from pathlib import Path

#: A file of another machine, whose processes cannot be seen, is left over when nobody has written to it for so long.
_ABANDONED_SECONDS = 24 * 3600
#: `<host>-<process>-<random>`, and of files that are written in order `-<boot>`.
_WRITER = re.compile(r"([0-9a-f]{8})-([0-9]{1,10})-[0-9a-f]{8}(?:-([0-9a-f]{8}))?\.partial")
_OLD_WRITER = re.compile(r"[0-9a-f]{8}\.partial")

#: Of this process, not finished yet.
_own: set[str] = set()


def new_partial_path(path: Path, *, in_order: bool = False) -> Path:
    """A name beside `path` that says who writes it, and whether in order, so that another may go on with it."""
    since = f"-{boot}" if in_order and (boot := _boot()) is not None else ""
    partial = path.with_name(f"{path.name}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}{since}.partial")
    _own.add(os.path.realpath(partial))
    return partial


def forget_partial(partial: Path) -> None:
    """The file is finished, or removed."""
    _own.discard(os.path.realpath(partial))


def interrupted_files(path: Path) -> list[Path]:
    """What killed processes of this machine and container had written of `path`, in order, the newest first.

    None of before it started: of those, what was not on disk yet may be missing in their middle.
    """
    found: list[tuple[float, Path]] = []
    for partial, writer in _left_over(path):
        match = _WRITER.fullmatch(writer)
        if match is not None and match[1] == _host() and match[3] is not None and match[3] == _boot():
            with contextlib.suppress(OSError):
                found.append((partial.stat().st_mtime, partial))
    return [partial for _, partial in sorted(found, reverse=True)]


def remove_left_over(path: Path) -> None:
    """Removes what was to become `path` and that no process writes any more. What cannot be removed stays."""
    for partial, _ in _left_over(path):
        with contextlib.suppress(OSError):
            partial.unlink()


def _left_over(path: Path) -> list[tuple[Path, str]]:
    """Files under construction that no process writes, and what their names say behind `NAME.`."""
    start = f"{path.name}."
    try:
        names = [name for name in os.listdir(path.parent) if name.startswith(start)]
    except OSError:
        return []
    found = [(path.with_name(name), name[len(start) :]) for name in names]
    return [(partial, writer) for partial, writer in found if _is_left_over(partial, writer)]


def _is_left_over(partial: Path, writer: str) -> bool:
    if os.path.realpath(partial) in _own:
        return False
    match = _WRITER.fullmatch(writer)
    if match is not None and match[1] == _host():
        # The process of that number is this one, which does not know the file, or none.
        return int(match[2]) == os.getpid() or not _is_alive(int(match[2]))
    if match is None and _OLD_WRITER.fullmatch(writer) is None:
        return False
    try:
        return time.time() - partial.stat().st_mtime > _ABANDONED_SECONDS
    except OSError:
        return False


def _host() -> str:
    """Tells machines, and containers, apart that share a file system."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


@functools.cache
def _boot() -> str | None:
    """Tells what was written since this machine started, by processes that can be seen from here.

    Those of another container may be at work though they cannot. None where the system does not say (other than Linux).
    """
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        text = f"{boot_id} {os.readlink('/proc/self/ns/pid')}"
    except (OSError, UnicodeDecodeError):
        return None
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        # There, signal 0 would end the process; what it has left goes by its age.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        # Not allowed to signal it, so it is there.
        return True
    return True
