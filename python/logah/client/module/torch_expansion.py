"""Expands the cores of a tensor with torch, in place: into the parameter's own memory, on its own device.

The only tensor that is held beside the parameter is a tile, and the factors of the block that is being expanded.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from logah.client.module.local_box import LocalBox
from logah.client.module.torch_draws import add_noise, draw_into
from logah.client.wire.core_data import (
    ConstantData,
    CoreExpansion,
    CoreRows,
    ElementData,
    NoiseData,
    RuleData,
    block_data,
)
from logah.client.wire.plan import CoreBlock, TensorPlan

#: Rows and columns of a tile of a product: 1 MiB of float32, which stays in a core's cache where it is to be rounded.
TILE_ROWS, TILE_COLUMNS = 256, 1024
#: Elements of a tile of a kernel, which is cut by rows alone, at most, unless a single row has more.
_TILE_ELEMENTS = TILE_ROWS * TILE_COLUMNS


@dataclass(frozen=True)
class _View:
    """A part of a tensor's matrix view: the memory [rows, columns], and its first row and column."""

    values: Tensor
    row: int
    column: int

    def part(self, row: int, rows: int, column: int, columns: int) -> tuple[Tensor, slice, slice] | None:
        """What lies in here of a box of the matrix view: the memory, and its rows and columns in the box; or None."""
        first, last = max(row, self.row), min(row + rows, self.row + self.values.shape[0])
        left, right = max(column, self.column), min(column + columns, self.column + self.values.shape[1])
        if first >= last or left >= right:
            return None
        memory = self.values[first - self.row : last - self.row, left - self.column : right - self.column]
        return memory, slice(first - row, last - row), slice(left - column, right - column)


def fill_from_cores(
    local: Tensor, box: LocalBox, tensor: TensorPlan, data: NDArray[np.uint8], expansion: CoreExpansion
) -> None:
    """Writes the box of a tensor into `local`, which has its shape, on any device and of any floating-point type.

    `data`: the bytes sent for the tensor. Products are computed in float32
    and rounded once. Tiles have bounds that depend on the tensor alone and are computed whole, so an element has the
    same bits whatever part of the tensor is asked for, on one kind of device.
    """

    def fill(whole: _View) -> None:
        for block, read in block_data(tensor, data, expansion.element_type, expansion.expansion):
            if isinstance(read, RuleData):
                _draw(block, read, tensor, whole)
                continue
            noise = read.noise if isinstance(read, CoreRows) else None
            _copy_tiles(_tiles(block, read, expansion, local.device, whole), whole, tensor, noise)

    _fill(local, box, tensor, fill)


def fill_from_factors(local: Tensor, box: LocalBox, tensor: TensorPlan, data: NDArray[np.uint8]) -> None:
    """The same from factors, whose products have the same tiles."""
    values = torch.from_numpy(data).view(torch.float32)

    def fill(whole: _View) -> None:
        at = 0
        for place in tensor.factors:
            middle, end = at + place.m * place.rank, at + (place.m + place.n) * place.rank
            a = values[at:middle].view(place.m, place.rank).to(local.device)
            b = values[middle:end].view(place.n, place.rank).to(local.device)
            at = end
            block = CoreBlock(
                place.row, place.rows, place.column, place.columns, "matrix", place.m, place.n, 0, 0, 0, 0
            )
            _copy_tiles(_matrix(block, a, b, whole, in_place=True), whole, tensor)

    _fill(local, box, tensor, fill)


@contextlib.contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """Products of float32 in float32, whatever the caller has set for speed: TF32, bfloat16 parts, autocast."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


def _fill(local: Tensor, box: LocalBox, tensor: TensorPlan, fill: Callable[[_View], None]) -> None:
    rows, columns = tensor.matrix_view
    view = _view_of(local, box, tensor)
    with _full_precision(local.device):
        if view is not None:
            fill(view)
            return
        # A box that is no box of the matrix view, or memory in another order: through a copy of whole rows.
        whole = _View(torch.empty(rows, columns, dtype=local.dtype, device=local.device), 0, 0)
        fill(whole)
        cut = tuple(slice(start, start + size) for start, size in zip(box.start, box.shape, strict=True))
        local.copy_(whole.values.view(tensor.shape)[cut])


def _copy_tiles(
    tiles: Iterator[tuple[Tensor, int, int]], whole: _View, tensor: TensorPlan, noise: NoiseData | None = None
) -> None:
    """Puts tiles where they belong, rounded, with noise or without."""
    _, columns = tensor.matrix_view
    for tile, row, column in tiles:
        part = whole.part(row, tile.shape[0], column, tile.shape[1])
        if part is not None:
            memory, tile_rows, tile_columns = part
            values = tile[tile_rows, tile_columns]
            if noise is not None:
                first = (row + tile_rows.start) * columns + column + tile_columns.start
                add_noise(values, noise, first, columns)
            memory.copy_(values)


def _draw(block: CoreBlock, read: RuleData, tensor: TensorPlan, whole: _View) -> None:
    _, columns = tensor.matrix_view
    part = whole.part(block.row, block.rows, block.column, block.columns)
    if part is not None:
        memory, block_rows, block_columns = part
        first = (block.row + block_rows.start) * columns + block.column + block_columns.start
        draw_into(memory, read.rule, tensor.shape, read.key, first, columns)


def _view_of(local: Tensor, box: LocalBox, tensor: TensorPlan) -> _View | None:
    """`local` as a part of the tensor's matrix view; None where it is none."""
    if not local.is_contiguous():
        return None
    shape, (_, columns) = tensor.shape, tensor.matrix_view
    cut = [axis for axis, size in enumerate(shape) if box.shape[axis] != size]
    if not cut:
        return _View(local.view(-1, columns), 0, 0)
    # Of entries that lie close together: before the axis that is cut, there is one index; behind it, all.
    (axis, *others), inner = cut, math.prod(shape[cut[0] + 1 :])
    if others:
        return None
    if math.prod(shape[:axis]) == 1 and inner % columns == 0:
        return _View(local.view(-1, columns), box.start[axis] * inner // columns, 0)
    if math.prod(shape[axis:]) == columns:
        return _View(local.view(-1, box.shape[axis] * inner), 0, box.start[axis] * inner)
    return None


def _tiles(
    block: CoreBlock,
    read: ElementData | ConstantData | CoreRows,
    expansion: CoreExpansion,
    device: torch.device,
    whole: _View,
) -> Iterator[tuple[Tensor, int, int]]:
    """The tiles of a block that touch the view, each with its first row and column; those of matrices that need no
    rounding and lie in it are written where they belong and not given."""
    if isinstance(read, ConstantData):
        part = whole.part(block.row, block.rows, block.column, block.columns)
        if part is not None:
            part[0].fill_(read.value)
        return
    if isinstance(read, ElementData):
        elements = torch.from_numpy(np.ascontiguousarray(read.elements).copy())
        if expansion.element_type.name == "bfloat16":
            elements = elements.view(torch.bfloat16)
        yield elements.to(device), block.row, block.column
        return
    a, b = (factor.to(device) for factor in _factors(read, expansion))
    if block.layout in ("matrix", "matrix_transposed"):
        left, right = (a, b) if block.layout == "matrix" else (b, a)
        yield from _matrix(block, left, right, whole, in_place=read.noise is None)
        return
    if block.layout in ("norm_weight", "bias"):
        yield _vector(block, a, b), block.row, block.column
        return
    step = max(1, _TILE_ELEMENTS // block.columns)
    values = _kernel if block.layout == "kernel" else _positions
    for first in range(0, block.rows, step):
        last = min(first + step, block.rows)
        if whole.part(block.row + first, last - first, block.column, block.columns) is not None:
            yield values(block, a, b, first, last), block.row + first, block.column


def _factors(read: CoreRows, expansion: CoreExpansion) -> tuple[Tensor, Tensor]:
    """A, with the scale in it, and B; by torch, since the threads of NumPy's BLAS would stand in its way."""
    weight, bias = _layer(expansion)
    factors = []
    for core, rows in ((read.core_a, read.m), (read.core_b, read.n)):
        count, rank = rows * weight.shape[1], weight.shape[1]
        columns = min(count, len(weight))
        expanded = torch.addmm(bias[:columns], torch.tensor(core), weight[:columns].T)
        factors.append(expanded.view(-1)[:count].view(rows, rank))
    a, b = factors
    return (a if read.scale == 1.0 else (a.double() * read.scale).float()), b


def _layer(expansion: CoreExpansion) -> tuple[Tensor, Tensor]:
    """Weight and bias of the expansion as tensors, made once."""
    if expansion not in _LAYERS:
        _LAYERS[expansion] = (torch.tensor(expansion.layer.weight), torch.tensor(expansion.layer.bias))
    return _LAYERS[expansion]


_LAYERS: WeakKeyDictionary[CoreExpansion, tuple[Tensor, Tensor]] = WeakKeyDictionary()


def _matrix(block: CoreBlock, a: Tensor, b: Tensor, whole: _View, in_place: bool) -> Iterator[tuple[Tensor, int, int]]:
    rank = a.shape[1]
    bt = _repeated(b, 0, block.columns).T
    scratch = torch.empty(TILE_ROWS * TILE_COLUMNS, dtype=torch.float32, device=a.device)
    for first in range(0, block.rows, TILE_ROWS):
        rows = min(TILE_ROWS, block.rows - first)
        if whole.part(block.row + first, rows, block.column, block.columns) is None:
            continue
        left = _repeated(a, first, first + rows)
        for begin in range(0, block.columns, TILE_COLUMNS):
            columns = min(TILE_COLUMNS, block.columns - begin)
            part = whole.part(block.row + first, rows, block.column + begin, columns)
            if part is None:
                continue
            memory = part[0]
            right = bt[:, begin : begin + columns]
            fits = memory.shape == (rows, columns) and memory.dtype == torch.float32
            if fits and in_place and rank > 0:
                torch.mm(left, right, out=memory)
            else:
                tile = scratch[: rows * columns].view(rows, columns)
                torch.mm(left, right, out=tile)
                yield tile, block.row + first, block.column + begin


def _repeated(matrix: Tensor, first: int, last: int) -> Tensor:
    """Rows `first` to `last` of a matrix that repeats for ever."""
    if last <= len(matrix):
        return matrix[first:last]
    return matrix[torch.arange(first, last, device=matrix.device) % len(matrix)]


def _kernel(block: CoreBlock, a: Tensor, b: Tensor, first: int, last: int) -> Tensor:
    h, w = block.height, block.width
    o, i = block.m // h, block.n // w
    outputs = torch.arange(first, last, device=a.device) % o
    rows = (outputs[:, None] * h + torch.arange(h, device=a.device)).reshape(-1)
    product = (a[rows] @ b.T).view(last - first, h, i, w)
    channels = torch.arange(block.columns // (h * w), device=a.device) % i
    return product[:, :, channels].transpose(1, 2).reshape(last - first, block.columns)


def _positions(block: CoreBlock, a: Tensor, b: Tensor, first: int, last: int) -> Tensor:
    side, channels = block.m, block.n // block.m
    product = (a @ b.T).view(side, channels, side)
    tokens = torch.arange(first, last, device=a.device)
    columns = torch.arange(block.columns, device=a.device) % channels
    return product[(tokens // side % side)[:, None], columns, (tokens % side)[:, None]]


def _vector(block: CoreBlock, a: Tensor, b: Tensor) -> Tensor:
    flat = (a @ b.T).view(-1)
    places = block.start + (torch.arange(block.rows, device=a.device) % block.length) * block.n
    x = flat[places].double()
    squashed = 2 / (1 + torch.exp(-0.5 * x)) if block.layout == "norm_weight" else torch.tanh(0.2 * x)
    return squashed.float()[:, None]
