"""The product of two factors that repeats in both directions: what is repeated is copied, which is faster."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class RepeatedProduct:
    """Of left [m, rank] and right [n, rank], by NumPy's BLAS, as wide as a block."""

    def __init__(self, left: NDArray[np.float32], right: NDArray[np.float32], columns: int) -> None:
        self._left, self._right = left, right[:columns].T
        self._columns = columns

    def write(self, first: int, last: int, out: NDArray[Any]) -> None:
        """Rows `first` to `last` to [rows, columns] of float32."""
        different = self._right.shape[1]
        np.matmul(repeated(self._left, first, last), self._right, out=out[:, :different])
        self._repeat_columns(out)

    def write_all(self, out: NDArray[Any], step: int) -> None:
        """All rows, `step` at a time. Rows that repeat earlier ones have their bits."""
        rows, different = len(out), min(len(out), len(self._left))
        for first in range(0, different, step):
            last = min(first + step, different)
            self.write(first, last, out[first:last])
        for first in range(different, rows, different):
            count = min(different, rows - first)
            out[first : first + count] = out[:count]

    def _repeat_columns(self, out: NDArray[Any]) -> None:
        different = self._right.shape[1]
        for start in range(different, self._columns, different):
            count = min(different, self._columns - start)
            out[:, start : start + count] = out[:, :count]


def repeated(matrix: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """Rows `first` to `last` of a matrix that repeats for ever."""
    return matrix[first:last] if last <= len(matrix) else matrix[np.arange(first, last) % len(matrix)]
