"""A tensor from the cores that it was sent as; the formulas are those of `CoreLayout` in the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from logah.client.wire.core_data import BlockData, ConstantData, CoreRows, ElementData, RuleData, block_data
from logah.client.wire.draws.noise import normals
from logah.client.wire.draws.rules import drawn
from logah.client.wire.draws.space import NUMPY
from logah.client.wire.element_type import ElementType
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.factored_tensor import TILE_ELEMENTS, FactoredTensor
from logah.client.wire.plan import CoreBlock, Expansion, Plan, TensorPlan
from logah.client.wire.repeated_product import RepeatedProduct

#: Writes rows `first` to `last` of a block, counted in it, to [rows, columns] of the element type asked for.
_Fill = Callable[[int, int, NDArray[np.generic]], None]


class CoreTensor:
    """Computes with numpy's BLAS; agrees with the dense tensor as `FactoredTensor` does."""

    def __init__(
        self,
        tensor: TensorPlan,
        data: NDArray[np.uint8],
        element_type: ElementType,
        expansion: Expansion,
        layer: ExpansionLayer,
    ) -> None:
        """`data`: the bytes sent for the tensor, those of each of its blocks one after the other."""
        self._type, self._shape = element_type, tensor.shape
        self._rows, self._columns = tensor.matrix_view
        self._step = max(1, TILE_ELEMENTS // self._columns)
        self._products: list[tuple[CoreBlock, RepeatedProduct]] = []
        self._blocks: list[tuple[CoreBlock, _Fill]] = []
        for block, read in block_data(tensor, data, element_type, expansion):
            product = self._product(block, read, layer)
            if product is None:
                self._blocks.append((block, self._filling(block, read, layer)))
            else:
                self._products.append((block, product))

    def fill(self, array: NDArray[np.generic]) -> None:
        """Writes the tensor to its matrix view [rows, columns], in the element type asked for, as the tiles have it."""
        for block, product in self._products:
            columns = slice(block.column, block.column + block.columns)
            product.write(0, block.rows, array[block.row : block.row + block.rows, columns])
        if self._blocks:
            for row in range(0, self._rows, self._step):
                self._fill_rows(self._blocks, row, array[row : row + self._step])

    def tiles(self) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """Yields the first row and the values [rows, columns] of every tile, in the element type asked for. A tile's
        memory is used again for the next one."""
        step = self._step
        memory = np.empty((min(step, self._rows), self._columns), self._type.numpy)
        blocks = [*self._blocks, *((block, product.write) for block, product in self._products)]
        for row in range(0, self._rows, step):
            tile = memory[: min(step, self._rows - row)]
            self._fill_rows(blocks, row, tile)
            yield row, tile

    def _fill_rows(self, blocks: list[tuple[CoreBlock, _Fill]], row: int, tile: NDArray[np.generic]) -> None:
        for block, fill in blocks:
            first, last = max(row, block.row), min(row + len(tile), block.row + block.rows)
            if first < last:
                columns = slice(block.column, block.column + block.columns)
                fill(first - block.row, last - block.row, tile[first - row : last - row, columns])

    def _product(self, block: CoreBlock, data: BlockData, layer: ExpansionLayer) -> RepeatedProduct | None:
        """A block whose product can be written where it belongs: nothing is to be rounded or added."""
        if not isinstance(data, CoreRows) or data.noise is not None or self._type.name != "float32":
            return None
        if block.layout not in ("matrix", "matrix_transposed"):
            return None
        a, b = data.factors(layer)
        return _product_of(block, a, b, self._step)

    def _filling(self, block: CoreBlock, data: BlockData, layer: ExpansionLayer) -> _Fill:
        """What fills a block."""
        if isinstance(data, ElementData):
            elements = data.elements

            def copy(first: int, last: int, out: NDArray[np.generic]) -> None:
                out[...] = elements[first:last]

            return copy
        if isinstance(data, ConstantData):
            value = self._type.rounded(np.full((1, 1), data.value, np.float32))

            def repeat(first: int, last: int, out: NDArray[np.generic]) -> None:
                out[...] = value

            return repeat
        if isinstance(data, RuleData):
            return self._rounding(self._draws(block, data))
        return self._rounding(self._with_noise(block, data, _values(block, data, layer, self._step)))

    def _rounding(self, values: Callable[[int, int], NDArray[np.float32]]) -> _Fill:
        def fill(first: int, last: int, out: NDArray[np.generic]) -> None:
            self._type.round_into(values(first, last), out)

        return fill

    def _draws(self, block: CoreBlock, data: RuleData) -> Callable[[int, int], NDArray[np.float32]]:
        columns = np.arange(block.columns) + block.column

        def values(first: int, last: int) -> NDArray[np.float32]:
            index = (np.arange(first, last)[:, None] + block.row) * self._columns + columns
            numbers = drawn(NUMPY, data.rule, self._shape, data.key, index.reshape(-1))
            return np.asarray(numbers, np.float32).reshape(index.shape)

        return values

    def _with_noise(
        self, block: CoreBlock, data: CoreRows, values: Callable[[int, int], NDArray[np.float32]]
    ) -> Callable[[int, int], NDArray[np.float32]]:
        noise = data.noise
        if noise is None:
            return values

        def noisy(first: int, last: int) -> NDArray[np.float32]:
            element = (block.row + first) * self._columns + block.column
            numbers = normals(NUMPY, noise.key, element, last - first, block.columns, self._columns)
            return np.asarray(values(first, last) + noise.deviation * numbers, np.float32)

        return noisy


def _product_of(block: CoreBlock, a: NDArray[np.float32], b: NDArray[np.float32], step: int) -> RepeatedProduct:
    left, right = (a, b) if block.layout == "matrix" else (b, a)
    return RepeatedProduct(left, right, block.rows, block.columns, step)


def _values(
    block: CoreBlock, data: CoreRows, layer: ExpansionLayer, step: int
) -> Callable[[int, int], NDArray[np.float32]]:
    """Rows of the block in float32; `step`: those that are multiplied together."""
    if block.layout in ("matrix", "matrix_transposed"):
        a, b = data.factors(layer)
        product = _product_of(block, a, b, step)

        def matrix(first: int, last: int) -> NDArray[np.float32]:
            out = np.empty((last - first, block.columns), np.float32)
            product.write(first, last, out)
            return out

        return matrix
    a, b = data.factors(layer)
    m, n, columns = block.m, block.n, np.arange(block.columns)

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
    return {"kernel": kernel, "positions": positions}[block.layout]


def expand_into(
    array: NDArray[np.generic], tensor: TensorPlan, data: NDArray[np.uint8], plan: Plan, layer: ExpansionLayer | None
) -> None:
    """Writes a tensor sent as factors or cores to its matrix view, of the plan's type; cores need the layer."""
    if plan.expansion is not None and layer is not None and tensor.core:
        CoreTensor(tensor, data, plan.element_type, plan.expansion, layer).fill(array)
    else:
        FactoredTensor(tensor, data).fill(array, plan.element_type)


def expanded_tiles(
    tensor: TensorPlan, data: NDArray[np.uint8], plan: Plan, layer: ExpansionLayer | None
) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """The tiles, in the plan's element type, of a tensor sent as factors or cores; cores need the layer."""
    if plan.expansion is not None and layer is not None and tensor.core:
        yield from CoreTensor(tensor, data, plan.element_type, plan.expansion, layer).tiles()
        return
    for row, tile in FactoredTensor(tensor, data).tiles():
        yield row, plan.element_type.rounded(tile)
