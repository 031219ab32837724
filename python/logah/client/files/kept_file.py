"""A file of a prediction that another run can go on with where this one had to stop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from logah.client.left_over import forget_partial, interrupted_files, new_partial_path, remove_left_over
from logah.client.partial_file import write_all
from logah.client.wire.plan import Plan
from logah.errors import ProtocolError


class KeptFile:
    """A safetensors file under construction, with what an earlier run kept of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._header_bytes: int | None = None

    def begin(self, plan: Plan, header: bytes) -> int:
        """Bytes of data that are there: whole tensors of this very plan. What follows is to be written behind them."""
        held = os.fstat(self.file.fileno()).st_size - len(header)
        self.file.seek(0)
        start = 0
        if held > 0 and self._read(len(header)) == header:
            start = max((tensor.end for tensor in plan.sent if tensor.end <= held), default=0)
        self.file.truncate(len(header) + start if start > 0 else 0)
        self.file.seek(0)
        if start == 0:
            write_all(self.file, header)
        self.file.seek(len(header) + start)
        self._header_bytes = len(header)
        return start

    @property
    def has_data(self) -> bool:
        """Whether there is anything to be kept."""
        return self._header_bytes is not None and os.fstat(self.file.fileno()).st_size > self._header_bytes

    def _read(self, length: int) -> bytes:
        parts = []
        while length > 0 and (part := self.file.read(length)):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


@contextlib.contextmanager
def kept_file(path: Path) -> Iterator[KeptFile]:
    """Opens what an earlier run kept as `NAME.partial`, or had written when it was killed (on Linux), or a new file.

    When the block ends it becomes `path`.

    Where the block raises anything, Ctrl-C among it, what came is put on disk and kept as `NAME.partial`; nothing is
    kept of an answer that was wrong (ProtocolError).
    """
    kept = path.with_name(f"{path.name}.partial")
    partial = new_partial_path(path, in_order=True)
    has_data = False
    try:
        mode: Literal["r+b", "x+b"] = "x+b"
        for earlier in (kept, *interrupted_files(path)):
            # One run alone can have it.
            with contextlib.suppress(FileNotFoundError):
                os.replace(earlier, partial)
                mode = "r+b"
                break
        remove_left_over(path)
        with open(partial, mode, buffering=0) as file:
            target = KeptFile(file)
            try:
                yield target
            finally:
                has_data = target.has_data
                os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException as error:
        if has_data and not isinstance(error, ProtocolError):
            os.replace(partial, kept)
        else:
            partial.unlink(missing_ok=True)
        raise
    finally:
        forget_partial(partial)
