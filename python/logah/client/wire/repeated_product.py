"""The product of two factors that repeats in both directions: what is repeated is copied, which is faster."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class RepeatedProduct:
    """Of left [m, rank] and right [n, rank], by NumPy's BLAS, repeated to a block of rows and columns.

    Rows that differ are multiplied in strips of `step`, whatever rows are asked for: a BLAS may sum the last rows of a
    product in another order than those before them, so that bits depend on what is multiplied together.
    """

    def __init__(
        self, left: NDArray[np.float32], right: NDArray[np.float32], rows: int, columns: int, step: int
    ) -> None:
        self._left, self._right = left[:rows], right[:columns].T
        self._columns = columns
        self._step = step
        #: The last strip that was not asked for as a whole, by its first row.
        self._kept: tuple[int, NDArray[np.float32]] | None = None

    def write(self, first: int, last: int, out: NDArray[Any]) -> None:
        """Rows `first` to `last` of the block to [rows, columns] of float32."""
        different = len(self._left)
        columns = slice(0, self._right.shape[1])
        row = first
        while row < last:
            start = row % different
            strip = start - start % self._step
            end = min(strip + self._step, different)
            count = min(end - start, last - row)
            part = out[row - first : row - first + count, columns]
            before = row - first - different
            if before >= 0:
                # What repeats rows that are here already.
                part[...] = out[before : before + count, columns]
            elif count == end - strip:
                np.matmul(self._left[strip:end], self._right, out=part)
            else:
                part[...] = self._strip(strip, end)[start - strip : start - strip + count]
            row += count
        self._repeat_columns(out)

    def _strip(self, first: int, last: int) -> NDArray[np.float32]:
        if self._kept is None or self._kept[0] != first:
            self._kept = first, np.matmul(self._left[first:last], self._right)
        return self._kept[1]

    def _repeat_columns(self, out: NDArray[Any]) -> None:
        different = self._right.shape[1]
        for start in range(different, self._columns, different):
            count = min(different, self._columns - start)
            out[:, start : start + count] = out[:, :count]
