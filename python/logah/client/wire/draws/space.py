"""Where numbers are computed: NumPy's arrays, or torch's tensors on a device."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np


class Space:
    """Makes arrays; everything else that is done to them is called the same in NumPy and in torch."""

    def __init__(self, xp: ModuleType, **place: Any) -> None:
        """`xp`: numpy or torch; `place`: what makers of arrays take to make them there (`device`)."""
        self.xp: Any = xp
        self._place = place

    def integers(self, count: int, first: int = 0) -> Any:
        """int64 from `first` on, [count]."""
        return self.xp.arange(first, first + count, dtype=self.xp.int64, **self._place)

    def doubles(self, shape: Sequence[int]) -> Any:
        """float64 of no particular value."""
        return self.xp.empty(tuple(shape), dtype=self.xp.float64, **self._place)

    def double(self, values: Any) -> Any:
        """The same numbers as float64."""
        return self.xp.asarray(values, dtype=self.xp.float64)


NUMPY = Space(np)
