"""A tensor that is seen as a matrix, from the low-rank factors that it was sent as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logah.client.wire.element_type import ElementType
from logah.client.wire.plan import FactorBlock, TensorPlan
from logah.client.wire.repeated_product import RepeatedProduct

#: Elements that are multiplied at a time, at most, unless a single row has more: 4 MiB.
TILE_ELEMENTS = 1 << 20


@dataclass(frozen=True)
class _Block:
    place: FactorBlock
    product: RepeatedProduct

    @property
    def columns(self) -> slice:
        """Of the tensor's matrix view."""
        return slice(self.place.column, self.place.column + self.place.columns)


class FactoredTensor:
    """Multiplies with numpy's BLAS, a tile of rows at a time.

    Tiles, and the strips that are multiplied together, have bounds that depend on the tensor's shape alone, so an
    element has the same bits whatever part is asked for. They agree with those of the dense prediction, which another
    kernel computes, to 1e-6 of the tensor's largest element.
    """

    def __init__(self, tensor: TensorPlan, data: NDArray[np.uint8]) -> None:
        """`data`: the bytes sent for the tensor, A then B of each of its blocks, aligned for float32."""
        values = data.view("<f4")
        self._blocks: list[_Block] = []
        self._shape = tensor.matrix_view
        self._step = max(1, TILE_ELEMENTS // self._shape[1])
        at = 0
        for place in tensor.factors:
            parts = []
            for rows in (place.m, place.n):
                parts.append(values[at : at + rows * place.rank].reshape(rows, place.rank))
                at += rows * place.rank
            a, b = parts
            self._blocks.append(_Block(place, RepeatedProduct(a, b, place.rows, place.columns, self._step)))

    def tiles(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yields the first row and the values [rows, columns] of every tile that holds some of the rows `first` to
        `last` (all), in order. A tile's memory is used again for the next one."""
        rows, columns = self._shape
        last = rows if last is None else last
        step = self._step
        memory = np.empty((min(step, rows), columns), np.float32)
        for row in range(first - first % step, last, step):
            tile = memory[: min(step, rows - row)]
            self._multiply(row, tile)
            yield row, tile

    def fill(self, array: NDArray[np.generic], element_type: ElementType) -> None:
        """Writes the tensor to its matrix view [rows, columns], of this type."""
        if element_type.name == "float32":
            for block in self._blocks:
                first, rows = block.place.row, block.place.rows
                block.product.write(0, rows, array[first : first + rows, block.columns])
            return
        for row, tile in self.tiles():
            element_type.round_into(tile, array[row : row + len(tile)])

    def _multiply(self, row: int, tile: NDArray[Any]) -> None:
        """Fills [count, columns] with the rows from `row` on."""
        for block in self._blocks:
            place = block.place
            first, last = max(row, place.row), min(row + len(tile), place.row + place.rows)
            if first < last:
                part = tile[first - row : last - row, block.columns]
                block.product.write(first - place.row, last - place.row, part)
