"""Expands the cores of a tensor with torch, in place: into the parameter's own memory, on its own device."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from logah.client.module.core_factors import factors_of
from logah.client.module.local_box import LocalBox
from logah.client.module.matrix_view import MatrixView, matrix_view_of
from logah.client.module.products import JOB_ELEMENTS, TILE_COLUMNS, TILE_ROWS, Job, product_jobs
from logah.client.module.torch_draws import add_noise, draw_into
from logah.client.wire.core_data import (
    BlockData,
    ConstantData,
    CoreExpansion,
    CoreRows,
    ElementData,
    RuleData,
    block_data,
)
from logah.client.wire.plan import CoreBlock, TensorPlan

#: Elements of a tile of a kernel, which is cut by rows alone, at most, unless a single row has more.
_TILE_ELEMENTS = TILE_ROWS * TILE_COLUMNS

#: A block, what it is computed from, and the factors of it, where these are cores.
Ready = tuple[CoreBlock, BlockData, tuple[Tensor, Tensor] | None]


def fill_from_cores(
    local: Tensor, box: LocalBox, tensor: TensorPlan, data: NDArray[np.uint8], expansion: CoreExpansion
) -> None:
    """Writes the box of a tensor into `local`, which has its shape, on any device and of any floating-point type.

    `data`: the bytes sent for the tensor. Products are computed in float32
    and rounded once. Tiles have bounds that depend on the tensor alone and are computed whole, so an element has the
    same bits whatever part of the tensor is asked for, on one kind of device.
    """
    blocks = list(block_data(tensor, data, expansion.element_type, expansion.expansion))
    with full_precision():
        factors = iter(factors_of([read for _, read in blocks if isinstance(read, CoreRows)], expansion))
        ready = [(block, read, next(factors) if isinstance(read, CoreRows) else None) for block, read in blocks]
        target = Memory(local, box, tensor)
        for job in core_jobs(target.view, tensor, ready, expansion):
            job()
        target.finish()


class Memory:
    """Where a box of a tensor is written: in place, or, where it is no box of the matrix view or its memory has another
    order, through a copy of the whole tensor."""

    def __init__(self, local: Tensor, box: LocalBox, tensor: TensorPlan) -> None:
        self._local, self._box, self._shape = local, box, tensor.shape
        view = matrix_view_of(local, box, tensor)
        #: Whether it has no memory of its own.
        self.is_in_place = view is not None
        if view is None:
            view = MatrixView(torch.empty(tensor.matrix_view, dtype=local.dtype, device=local.device), 0, 0)
        self.view = view

    def finish(self) -> None:
        """To be called when it has been written."""
        if not self.is_in_place:
            box = self._box
            cut = tuple(slice(start, start + size) for start, size in zip(box.start, box.shape, strict=True))
            self._local.copy_(self.view.values.view(self._shape)[cut])


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Products of float32 in float32, whatever the caller has set for speed: TF32, bfloat16 parts, autocast."""
    precision = torch.get_float32_matmul_precision()
    accelerator = torch.accelerator.current_accelerator()
    kinds = ["cpu"] if accelerator is None else ["cpu", accelerator.type]
    torch.set_float32_matmul_precision("highest")
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            for kind in kinds:
                stack.enter_context(torch.autocast(kind, enabled=False))
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


def core_jobs(whole: MatrixView, tensor: TensorPlan, ready: Sequence[Ready], expansion: CoreExpansion) -> Iterator[Job]:
    """What writes the blocks of a tensor, as far as they lie in the view; in any order, and side by side."""
    _, columns = tensor.matrix_view
    device = whole.values.device
    for block, read, factors in ready:
        if whole.part(block.row, block.rows, block.column, block.columns) is None:
            continue
        if isinstance(read, RuleData):
            yield from _draws(block, read, tensor, whole)
        elif isinstance(read, CoreRows):
            assert factors is not None, "made of the cores before"
            a, b = (factor.to(device) for factor in factors)
            if block.layout in ("matrix", "matrix_transposed"):
                left, right = (a, b) if block.layout == "matrix" else (b, a)
                yield from product_jobs(block, left, right, whole, columns, read.noise)
            else:
                yield from _other_layouts(block, read, a, b, whole, columns)
        else:
            yield _copies(block, read, expansion, whole)


def factor_jobs(whole: MatrixView, tensor: TensorPlan, data: NDArray[np.uint8]) -> Iterator[Job]:
    """The same from factors, whose products have the same tiles."""
    values = torch.from_numpy(data).view(torch.float32)
    device, at = whole.values.device, 0
    for place in tensor.factors:
        middle, end = at + place.m * place.rank, at + (place.m + place.n) * place.rank
        a = values[at:middle].view(place.m, place.rank).to(device)
        b = values[middle:end].view(place.n, place.rank).to(device)
        at = end
        block = CoreBlock(place.row, place.rows, place.column, place.columns, "matrix", place.m, place.n, 0, 0, 0, 0)
        yield from product_jobs(block, a, b, whole, tensor.matrix_view[1])


def _draws(block: CoreBlock, read: RuleData, tensor: TensorPlan, whole: MatrixView) -> Iterator[Job]:
    _, columns = tensor.matrix_view
    step = max(1, JOB_ELEMENTS // 8 // max(1, block.columns))
    for first in range(block.row, block.row + block.rows, step):
        rows = min(step, block.row + block.rows - first)
        part = whole.part(first, rows, block.column, block.columns)
        if part is not None:
            memory, block_rows, block_columns = part
            index = (first + block_rows.start) * columns + block.column + block_columns.start
            yield lambda memory=memory, index=index: draw_into(  # type: ignore[misc]
                memory, read.rule, tensor.shape, read.key, index, columns
            )


def _copies(block: CoreBlock, read: ConstantData | ElementData, expansion: CoreExpansion, whole: MatrixView) -> Job:
    """What are no products: elements that came, or one number."""

    def copy() -> None:
        part = whole.part(block.row, block.rows, block.column, block.columns)
        if part is None:
            return
        memory, rows, columns = part
        if isinstance(read, ConstantData):
            memory.fill_(read.value)
            return
        elements = torch.from_numpy(np.ascontiguousarray(read.elements).copy())
        if expansion.element_type.name == "bfloat16":
            elements = elements.view(torch.bfloat16)
        memory.copy_(elements[rows, columns])

    return copy


def _other_layouts(
    block: CoreBlock, read: CoreRows, a: Tensor, b: Tensor, whole: MatrixView, columns: int
) -> Iterator[Job]:
    """Vectors, kernels and positions: by tiles of rows, which depend on the block alone."""
    if block.layout in ("norm_weight", "bias"):
        step = block.rows
    else:
        step = max(1, _TILE_ELEMENTS // block.columns)

    def write(first: int, last: int) -> None:
        part = whole.part(block.row + first, last - first, block.column, block.columns)
        assert part is not None, "looked for before"
        memory, rows, columns_held = part
        if block.layout in ("norm_weight", "bias"):
            tile = _vector(block, a, b)
        else:
            tile = (_kernel if block.layout == "kernel" else _positions)(block, a, b, first, last)
        values = tile[rows, columns_held]
        if read.noise is not None:
            index = (block.row + first + rows.start) * columns + block.column + columns_held.start
            add_noise(values, read.noise, index, columns)
        memory.copy_(values)

    for first in range(0, block.rows, step):
        last = min(first + step, block.rows)
        if whole.part(block.row + first, last - first, block.column, block.columns) is not None:
            yield lambda first=first, last=last: write(first, last)  # type: ignore[misc]


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
    x = flat[_vector_places(block.start, block.rows, block.length, block.n, a.device)].double()
    squashed = 2 / (1 + torch.exp(-0.5 * x)) if block.layout == "norm_weight" else torch.tanh(0.2 * x)
    return squashed.float()[:, None]


@lru_cache(maxsize=16)
def _vector_places(start: int, rows: int, length: int, step: int, device: torch.device) -> Tensor:
    """Where the elements of a vector lie in its product; networks have many vectors of few sizes."""
    return start + (torch.arange(rows, device=device) % length) * step
