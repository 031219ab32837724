"""A tensor from the cores that it was sent as; the formulas are those of `CoreLayout` in the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from logah.client.wire.core_data import BlockData, ConstantData, ElementData, block_data
from logah.client.wire.element_type import ElementType
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.factored_tensor import TILE_ELEMENTS, FactoredTensor
from logah.client.wire.plan import CoreBlock, Expansion, Plan, TensorPlan

#: Rows `first` to `last` of a block, counted in it, as [rows, columns] in the element type asked for.
_Rows = Callable[[int, int], NDArray[np.generic]]


class CoreTensor:
    """Computes with numpy's BLAS, a tile of rows at a time; agrees with the dense tensor as `FactoredTensor` does."""

    def __init__(
        self,
        tensor: TensorPlan,
        data: NDArray[np.uint8],
        element_type: ElementType,
        expansion: Expansion,
        layer: ExpansionLayer,
    ) -> None:
        """`data`: the bytes sent for the tensor, those of each of its blocks one after the other."""
        self._type = element_type
        self._rows, self._columns = tensor.matrix_view
        self._blocks = [
            (block, self._rows_of(block, read, layer))
            for block, read in block_data(tensor, data, element_type, expansion)
        ]

    def tiles(self) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """Yields the first row and the values [rows, columns] of every tile, in the element type asked for. A tile's
        memory is used again for the next one."""
        step = max(1, TILE_ELEMENTS // self._columns)
        memory = np.empty((min(step, self._rows), self._columns), self._type.numpy)
        for row in range(0, self._rows, step):
            tile = memory[: min(step, self._rows - row)]
            for block, rows_of in self._blocks:
                first, last = max(row, block.row), min(row + len(tile), block.row + block.rows)
                if first < last:
                    columns = slice(block.column, block.column + block.columns)
                    tile[first - row : last - row, columns] = rows_of(first - block.row, last - block.row)
            yield row, tile

    def _rows_of(self, block: CoreBlock, data: BlockData, layer: ExpansionLayer) -> _Rows:
        if isinstance(data, ElementData):
            elements = data.elements
            return lambda first, last: elements[first:last]
        if isinstance(data, ConstantData):
            value = self._type.rounded(np.full((1, 1), data.value, np.float32))
            return lambda first, last: value
        values = _values(block, *data.factors(layer))
        return lambda first, last: self._type.rounded(values(first, last))


def _values(
    block: CoreBlock, a: NDArray[np.float32], b: NDArray[np.float32]
) -> Callable[[int, int], NDArray[np.float32]]:
    """Rows of the block in float32; `a` has the scale in it."""
    m, n, columns = block.m, block.n, np.arange(block.columns)

    def matrix(first: int, last: int) -> NDArray[np.float32]:
        return a[np.arange(first, last) % m] @ b[columns % n].T

    def transposed(first: int, last: int) -> NDArray[np.float32]:
        return b[np.arange(first, last) % n] @ a[columns % m].T

    def kernel(first: int, last: int) -> NDArray[np.float32]:
        h, w = block.height, block.width
        rows = (np.arange(first, last)[:, None] * h + np.arange(h)).reshape(-1) % m
        product = (a[rows] @ b.T).reshape(last - first, h, n // w, w)
        channels = np.arange(block.columns // (h * w)) % (n // w)
        return product[:, :, channels].transpose(0, 2, 1, 3).reshape(last - first, block.columns)

    def positions(first: int, last: int) -> NDArray[np.float32]:
        tokens = np.arange(first, last)
        square = np.arange(first // m, (last - 1) // m + 1)
        product = (a[square % m] @ b.T).reshape(len(square), n // m, m)
        return product[(tokens // m - first // m)[:, None], columns % (n // m), (tokens % m)[:, None]]

    def vector(first: int, last: int) -> NDArray[np.float32]:
        x = flat[block.start + (np.arange(first, last) % block.length) * n].astype(np.float64)
        squashed = 2 / (1 + np.exp(-0.5 * x)) if block.layout == "norm_weight" else np.tanh(0.2 * x)
        return squashed.astype(np.float32)[:, None]

    if block.layout in ("norm_weight", "bias"):
        flat = (a @ b.T).reshape(-1)
        return vector
    return {"matrix": matrix, "matrix_transposed": transposed, "kernel": kernel, "positions": positions}[block.layout]


def expanded_tiles(
    tensor: TensorPlan, data: NDArray[np.uint8], plan: Plan, layer: ExpansionLayer | None
) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """The tiles, in the plan's element type, of a tensor sent as factors or cores; cores need the layer."""
    if plan.expansion is not None and layer is not None and tensor.core:
        yield from CoreTensor(tensor, data, plan.element_type, plan.expansion, layer).tiles()
        return
    for row, tile in FactoredTensor(tensor, data).tiles():
        yield row, plan.element_type.rounded(tile)
