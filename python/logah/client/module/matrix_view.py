"""What a process holds of a tensor, as a part of the matrix that blocks see the tensor as."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from logah.client.module.local_box import LocalBox
from logah.client.wire.plan import TensorPlan


@dataclass(frozen=True)
class MatrixView:
    """A part of a tensor's matrix view: the memory [rows, columns], and its first row and column."""

    values: Tensor
    row: int
    column: int

    def part(self, row: int, rows: int, column: int, columns: int) -> tuple[Tensor, slice, slice] | None:
        """What lies in here of a box of the matrix view: the memory, and its rows and columns in the box; or None."""
        height, width = self.values.shape
        first, last = max(row, self.row), min(row + rows, self.row + height)
        left, right = max(column, self.column), min(column + columns, self.column + width)
        if first >= last or left >= right:
            return None
        memory = self.values[first - self.row : last - self.row, left - self.column : right - self.column]
        return memory, slice(first - row, last - row), slice(left - column, right - column)


def matrix_view_of(local: Tensor, box: LocalBox, tensor: TensorPlan) -> MatrixView | None:
    """`local`, which is a box of the tensor, as a part of the tensor's matrix view; None where it is none."""
    if not local.is_contiguous():
        return None
    shape, (_, columns) = tensor.shape, tensor.matrix_view
    cut = [axis for axis, size in enumerate(shape) if box.shape[axis] != size]
    if not cut:
        return MatrixView(local.view(-1, columns), 0, 0)
    # Of entries that lie close together: before the axis that is cut, there is one index; behind it, all.
    (axis, *others), inner = cut, math.prod(shape[cut[0] + 1 :])
    if others:
        return None
    if math.prod(shape[:axis]) == 1 and inner % columns == 0:
        return MatrixView(local.view(-1, columns), box.start[axis] * inner // columns, 0)
    if math.prod(shape[axis:]) == columns:
        return MatrixView(local.view(-1, box.shape[axis] * inner), 0, box.start[axis] * inner)
    return None
