"""What the data sets of `logah data` have in common: packages with a known digest, files that appear whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from logah.errors import DataError


def sha256_of(path: Path) -> str:
    """A file's digest in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_digest(package: Path, name: str, expected: str) -> None:
    """Raises DataError where the package is not the one that the results in this repository were measured with."""
    digest = sha256_of(package)
    if digest != expected:
        raise DataError(f"{package}: sha256 is {digest}; {name} has {expected}")


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Writes a file that nobody sees half written, whoever else writes it at the same time; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        write(file)
    return partial.replace(path)
