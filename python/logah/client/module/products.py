"""Products of two factors, in tiles: each different tile is computed once, and copied to wherever it is repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from logah.client.module.matrix_view import MatrixView
from logah.client.module.torch_draws import add_noise
from logah.client.wire.core_data import NoiseData
from logah.client.wire.plan import CoreBlock

#: Rows and columns of a tile at most, unless a matrix has few columns: 1 MiB of float32, which stays in a core's cache.
TILE_ROWS, TILE_COLUMNS = 128, 2048
#: Rows of a tile of few columns, at most.
_MOST_ROWS = 1024
#: Elements that one job writes, about.
JOB_ELEMENTS = 1 << 21

#: Something that a thread can do by itself.
Job = Callable[[], None]


def product_jobs(
    block: CoreBlock, left: Tensor, right: Tensor, whole: MatrixView, columns: int, noise: NoiseData | None = None
) -> Iterator[Job]:
    """Writes what `whole` holds of a block: the product of left [m, rank] and right [n, rank], repeated both ways.

    Tiles have bounds that depend on the block alone and are computed whole, so an element has the same bits whatever
    part of the tensor is asked for. `columns`: of the tensor's matrix view; `noise` is added to each element.
    """
    product = _Product(block, left, right, whole, columns, noise)
    step = max(1, JOB_ELEMENTS // max(1, product.elements_of_a_row_of_tiles))
    rows = product.rows_of_tiles()
    for first in range(0, len(rows), step):
        yield lambda own=tuple(rows[first : first + step]): product.write(own)  # type: ignore[misc]


class _Product:
    def __init__(
        self,
        block: CoreBlock,
        left: Tensor,
        right: Tensor,
        whole: MatrixView,
        columns: int,
        noise: NoiseData | None,
    ) -> None:
        self._block, self._whole, self._columns, self._noise = block, whole, columns, noise
        # Repeated at these distances, and different within them.
        self._down, self._across = left.shape[0], right.shape[0]
        self._left, self._right = left[: block.rows], right[: block.columns].T
        different = self._right.shape[1]
        self._height = TILE_ROWS * max(1, min(_MOST_ROWS, TILE_ROWS * TILE_COLUMNS // different) // TILE_ROWS)
        height, width = whole.values.shape
        self._rows_held = (max(0, whole.row - block.row), min(block.rows, whole.row + height - block.row))
        self._columns_held = (
            max(0, whole.column - block.column),
            min(block.columns, whole.column + width - block.column),
        )

    @property
    def elements_of_a_row_of_tiles(self) -> int:
        """That are written, about."""
        first, last = self._rows_held
        repeated = max(1, (last - first) // self._down)
        return self._height * repeated * max(0, self._columns_held[1] - self._columns_held[0])

    def rows_of_tiles(self) -> list[int]:
        """The first rows of the tiles of which this process holds some."""
        if self._columns_held[0] >= self._columns_held[1]:
            return []
        return [first for first in range(0, self._left.shape[0], self._height) if self._places_down(first)]

    def write(self, rows_of_tiles: tuple[int, ...]) -> None:
        """Computes these rows of tiles and writes them wherever they are repeated."""
        scratch = torch.empty(0, dtype=torch.float32, device=self._left.device)
        for first in rows_of_tiles:
            left = self._left[first : first + self._height]
            down = self._places_down(first)
            for begin in range(0, self._right.shape[1], TILE_COLUMNS):
                right = self._right[:, begin : begin + TILE_COLUMNS]
                rows, columns = left.shape[0], right.shape[1]
                across = _places(begin, columns, self._across, *self._columns_held)
                places = [(row, column) for row in down for column in across]
                if not places:
                    continue
                source, done = self._in_place(left, right, places)
                if source is None:
                    if scratch.numel() == 0:
                        scratch = torch.empty(self._height * TILE_COLUMNS, dtype=torch.float32, device=left.device)
                    source = scratch[: rows * columns].view(rows, columns)
                    torch.mm(left, right, out=source)
                self._copy(source, [place for place in places if place != done])

    def _in_place(
        self, left: Tensor, right: Tensor, places: list[tuple[int, int]]
    ) -> tuple[Tensor | None, tuple[int, int] | None]:
        """The tile where it belongs, and which place that is; None where it fits into none as it is computed."""
        if self._noise is not None or self._whole.values.dtype != torch.float32 or left.shape[1] == 0:
            return None, None
        rows, columns = left.shape[0], right.shape[1]
        for row, column in places:
            if row + rows > self._block.rows or column + columns > self._block.columns:
                continue
            part = self._whole.part(self._block.row + row, rows, self._block.column + column, columns)
            if part is not None and part[0].shape == (rows, columns):
                torch.mm(left, right, out=part[0])
                return part[0], (row, column)
        return None, None

    def _copy(self, source: Tensor, places: list[tuple[int, int]]) -> None:
        rows, columns = source.shape
        block, is_rounded = self._block, source.dtype == self._whole.values.dtype
        for row, column in places:
            height, width = min(rows, block.rows - row), min(columns, block.columns - column)
            part = self._whole.part(block.row + row, height, block.column + column, width)
            if part is None:
                continue
            memory, tile_rows, tile_columns = part
            values = source[tile_rows, tile_columns]
            if self._noise is not None:
                first = (block.row + row + tile_rows.start) * self._columns + block.column + column
                values = values.clone()
                add_noise(values, self._noise, first + tile_columns.start, self._columns)
            memory.copy_(values)
            if not is_rounded and self._noise is None and memory.shape == source.shape:
                # From here on what is copied has been rounded already.
                source, is_rounded = memory, True

    def _places_down(self, first: int) -> list[int]:
        rows = min(self._height, self._left.shape[0] - first)
        return _places(first, rows, self._down, *self._rows_held)


def _places(first: int, size: int, period: int, low: int, high: int) -> list[int]:
    """Where what begins at `first` and is repeated at a period has something between `low` and `high`."""
    skipped = max(0, (low - first - size) // period + 1)
    return list(range(first + skipped * period, high, period))
