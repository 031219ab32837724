"""How a file is refused, and how much of one is read."""

from __future__ import annotations

from typing import NoReturn

#: Bytes, of the content after decompression and of the tensors made from it. GHN-3 XL, the largest, has 2.6e9.
MAX_BYTES = 4 << 30


class JoblibError(ValueError):
    """A file that is not a state dict of joblib; the message says what came and what is allowed."""


def refuse(message: str) -> NoReturn:
    """Raises JoblibError."""
    raise JoblibError(message)
