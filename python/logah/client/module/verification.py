"""Proof that a module holds what was predicted: elements computed anew, in float64, from the cores that were sent."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logah.client.wire.core_data import BlockData, ConstantData, CoreExpansion, ElementData, RuleData, block_data
from logah.client.wire.draws.noise import normals_at
from logah.client.wire.draws.rules import drawn
from logah.client.wire.draws.space import NUMPY
from logah.client.wire.plan import CoreBlock, TensorPlan

#: Elements of a tensor that are compared, at most.
SAMPLES = 64
#: What float32 products of any order of summation may differ by, in units of the sum of the magnitudes.
_TOLERANCE = 1e-5

_Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Verification:
    """What was compared, on this rank."""

    tensors: int
    elements: int
    #: The largest difference, as a share of what rounding allows; at most 1.
    worst: float


@dataclass(frozen=True)
class Sample:
    """Elements that came as they are: their places in this rank's part, an index array for each dimension."""

    places: list[_Indices]
    values: NDArray[np.float64]


class ExpectedElements:
    """Single elements of one tensor in float64, and by how much what is held may differ."""

    def __init__(self, tensor: TensorPlan, data: NDArray[np.uint8], expansion: CoreExpansion) -> None:
        """`data`: the bytes sent for the tensor."""
        self._tensor, self._type, self._layer = tensor, expansion.element_type, expansion.layer
        self._blocks = list(block_data(tensor, data, expansion.element_type, expansion.expansion))

    def at(self, flat: _Indices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The values at places [count] of the tensor, row-major, and their tolerances before rounding."""
        _, columns = self._tensor.matrix_view
        rows, columns_of = flat // columns, flat % columns
        values, tolerances = np.full(len(flat), np.nan), np.zeros(len(flat))
        for block, read in self._blocks:
            inside = (rows >= block.row) & (rows < block.row + block.rows)
            inside &= (columns_of >= block.column) & (columns_of < block.column + block.columns)
            if inside.any():
                values[inside], tolerances[inside] = self._block(
                    block, read, rows[inside] - block.row, columns_of[inside] - block.column, flat[inside]
                )
        return values, tolerances

    def _block(
        self, block: CoreBlock, read: BlockData, p: _Indices, q: _Indices, flat: _Indices
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if isinstance(read, ConstantData):
            return np.full(len(p), read.value), np.zeros(len(p))
        if isinstance(read, ElementData):
            elements = read.elements[p, q]
            if self._type.name == "bfloat16":
                elements = (elements.astype(np.uint32) << 16).view(np.float32)
            return elements.astype(np.float64), np.zeros(len(p))
        if isinstance(read, RuleData):
            return drawn(NUMPY, read.rule, self._tensor.shape, read.key, flat), np.zeros(len(p))
        rows_a, rows_b, value = _places(block, p, q)
        a = self._factor_rows(read.core_a, rows_a) * read.scale
        b = self._factor_rows(read.core_b, rows_b)
        products = a * b
        values = value(products.sum(1))
        tolerance = _TOLERANCE * (np.abs(products).sum(1) + np.abs(value(np.zeros(len(p)))))
        if read.noise is not None:
            values = values + read.noise.deviation * normals_at(NUMPY, read.noise.key, flat)
        return values, tolerance

    def _factor_rows(self, core: NDArray[np.float32], rows: _Indices) -> NDArray[np.float64]:
        """Rows of a factor [count, rank] from its core rows: each number has a row of the layer of its own."""
        count, rank = self._layer.weight.shape
        # Vectors have few rows in one of their factors.
        different, inverse = np.unique(rows, return_inverse=True)
        if count % rank != 0:
            places = different[:, None] * rank + np.arange(rank)
            weight = self._layer.weight[places % count].astype(np.float64)
            cores = core[places // count].astype(np.float64)
            made = np.einsum("sjr,sjr->sj", weight, cores) + self._layer.bias[places % count]
            return made[inverse]
        # A row of a factor is made of one core row, and of neighbouring rows of the layer.
        each, of_core = different % (count // rank), different // (count // rank)
        weight = self._layer.weight.reshape(-1, rank, rank)[each].astype(np.float64)
        made = (weight @ core[of_core].astype(np.float64)[:, :, None])[:, :, 0]
        made += self._layer.bias.reshape(-1, rank)[each]
        return made[inverse]


def _places(
    block: CoreBlock, p: _Indices, q: _Indices
) -> tuple[_Indices, _Indices, Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    """The rows of A and of B whose product an element is made of, and what is made of it; see `CoreLayout`."""
    m, n = block.m, block.n
    if block.layout == "matrix":
        return p % m, q % n, lambda x: x
    if block.layout == "matrix_transposed":
        return q % m, p % n, lambda x: x
    if block.layout == "kernel":
        h, w = block.height, block.width
        o, i = m // h, n // w
        return p % o * h + q // w % h, q // (h * w) % i * w + q % w, lambda x: x
    if block.layout == "positions":
        return p // m % m, q % (n // m) * m + p % m, lambda x: x
    flat = block.start + p % block.length * n
    squash: Callable[[NDArray[np.float64]], NDArray[np.float64]] = (
        (lambda x: 2 / (1 + np.exp(-0.5 * x))) if block.layout == "norm_weight" else (lambda x: np.tanh(0.2 * x))
    )
    return flat // n, flat % n, squash


def sampled_places(name: str, shape: tuple[int, ...], seed: int = 0, count: int = SAMPLES) -> list[_Indices]:
    """Indices [count] for each dimension of a box of this shape: the same for the same name and seed."""
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    size = math.prod(shape)
    flat = np.arange(size) if size <= count else random.integers(0, size, count)
    return list(np.unravel_index(flat, shape)) if shape else []


def differences(
    held: NDArray[np.float64], expected: NDArray[np.float64], tolerance: NDArray[np.float64], epsilon: float
) -> NDArray[np.float64]:
    """Differences as shares of what is allowed: the tolerance, and the rounding to a type of this epsilon."""
    allowed = tolerance + epsilon * np.abs(expected) + np.finfo(np.float32).tiny
    shares: NDArray[np.float64] = np.abs(held - expected) / allowed
    return np.where(np.isnan(shares), np.inf, shares)
