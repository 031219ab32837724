"""A file that appears under its name all at once and on disk, or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from logah.client.left_over import forget_partial, new_partial_path, remove_left_over
from logah.errors import RequestError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Opens `NAME.<who writes it>.partial` beside `path`; when the block ends it is put on disk and renamed.

    What killed processes have left of it is removed first. Where the block raises anything, Ctrl-C among it, the file
    is removed and what was at `path` stays.
    """
    remove_left_over(path)
    partial = new_partial_path(path)
    try:
        with open(partial, "xb", buffering=0) as file:
            yield file
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        forget_partial(partial)
    _sync_directory(path.parent)


@contextlib.contextmanager
def output_directory(path: Path) -> Iterator[None]:
    """Makes the directory and its parents; where the block raises, those that were made and are empty go again.

    Raises RequestError where the path, or one above it, is a file's.
    """
    nearest = next((directory for directory in (path, *path.parents) if directory.exists()), None)
    if nearest is not None and not nearest.is_dir():
        what = str(path) if nearest == path else f"{path} lies below {nearest}, which"
        raise RequestError(f"{what} is a file, expected a directory")
    missing = [directory for directory in (path, *path.parents) if not directory.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for directory in missing:
            # Not empty, or never made.
            with contextlib.suppress(OSError):
                directory.rmdir()
        raise


def write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Writes all of `data` to an unbuffered file. What OSError it raises names the file."""
    view = memoryview(data)
    try:
        while view:
            view = view[file.write(view) :]
    except OSError as error:
        error.filename = file.name
        raise


def _sync_directory(path: Path) -> None:
    """Puts the entries on disk, where the system can (Windows cannot); the file is in its place already."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
