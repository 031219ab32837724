"""Predictions as what they are made of, for array libraries that compile: each tensor is a function of a few arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from logah.client.deadline import Deadline
from logah.client.request import predict_request
from logah.client.source import Source, read_source
from logah.client.wire.core_data import BlockData, ConstantData, CoreRows, ElementData, block_data
from logah.client.wire.draws.rules import drawn
from logah.client.wire.draws.space import NUMPY
from logah.client.wire.plan import CoreBlock, Plan
from logah.client.wire.tensor_assembly import TensorBytes
from logah.errors import RequestError

if TYPE_CHECKING:
    from logah.client.module.predictions import Predictions

#: Arrays of NumPy, or of the library that computes: what `jax.jit` traces, too.
Arrays = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Recipe:
    """How a tensor is computed of its arrays. Hashable, and equal for tensors that are computed alike: a compiler can
    take it as a static argument, and compiles once for all layers of a network."""

    shape: tuple[int, ...]
    #: Rows and columns of the matrix that `blocks` are parts of.
    matrix: tuple[int, int]
    blocks: tuple[CoreBlock, ...]

    def expand(self, arrays: Arrays, layer: tuple[Any, Any], xp: Any = np) -> Any:
        """The tensor in float32, of `TensorCores.arrays` and `Cores.layer`, by NumPy or by `xp` (`jax.numpy`).

        Pure and without control flow on values, so that it can be compiled; where a compiler is told how the result is
        sharded, each device computes its own part. Products are in float32 throughout.
        """
        parts = [self._block(block, own, layer, xp) for block, own in zip(self.blocks, arrays, strict=True)]
        return _joined(self.blocks, parts, self.matrix, xp).reshape(self.shape)

    def _block(self, block: CoreBlock, arrays: tuple[Any, ...], layer: tuple[Any, Any], xp: Any) -> Any:
        if block.layout in ("elements", "rule"):
            return arrays[0]
        if block.layout == "constant":
            return xp.full((block.rows, block.columns), arrays[0], np.float32)
        matmul = _matmul(xp)
        core_a, core_b, scale = arrays
        a = _factor(core_a, block.m, layer, matmul) * scale
        b = _factor(core_b, block.n, layer, matmul)
        if block.layout in ("matrix", "matrix_transposed"):
            left, right = (a, b) if block.layout == "matrix" else (b, a)
            return matmul(_repeated(left, block.rows), _repeated(right, block.columns).T)
        return {"kernel": _kernel, "positions": _positions}.get(block.layout, _vector)(block, a, b, xp)


class TensorCores:
    """One tensor, as what it is made of: a few kilobytes, whatever its size."""

    def __init__(self, name: str, recipe: Recipe, blocks: tuple[BlockData, ...]) -> None:
        self.name = name
        self.recipe = recipe
        self._blocks = blocks

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""
        return self.recipe.shape

    @cached_property
    def arrays(self) -> Arrays:
        """Of each block the cores of its factors, [X, rank] each, and its scale; of what is no product, its elements,
        which are drawn here where a rule gives them. float32."""
        return tuple(self._arrays(block, data) for block, data in zip(self.recipe.blocks, self._blocks, strict=True))

    def _arrays(self, block: CoreBlock, data: BlockData) -> tuple[NDArray[np.float32], ...]:
        if isinstance(data, CoreRows):
            return data.core_a, data.core_b, np.asarray(data.scale, np.float32)
        if isinstance(data, ElementData):
            return (np.asarray(data.elements, np.float32),)
        if isinstance(data, ConstantData):
            return (np.asarray(data.value, np.float32),)
        rows, columns = np.arange(block.rows) + block.row, np.arange(block.columns) + block.column
        index = (rows[:, None] * self.recipe.matrix[1] + columns).reshape(-1)
        numbers = drawn(NUMPY, data.rule, self.shape, data.key, index)
        return (np.asarray(numbers, np.float32).reshape(block.rows, block.columns),)


@dataclass(frozen=True)
class Cores:
    """All of a network's tensors as what they are made of, checked."""

    plan: Plan
    #: The model's last layer, which makes factors of cores: weight [rows, rank] and bias [rows], float32.
    layer: tuple[NDArray[np.float32], NDArray[np.float32]]
    #: By name, in the plan's order; tied tensors are the object of their holder.
    tensors: Mapping[str, TensorCores]


def fetch_cores(
    client: Predictions, source: Source, seed: int, model: str, copies: int, timeout: float | None
) -> Cores:
    """See `Client.cores`."""
    deadline = Deadline(timeout, client.target)
    architecture = client.readable(read_source(source), deadline)
    request = predict_request(architecture, seed=seed, model=model, copies=copies, representation="core")
    with contextlib.closing(client.events(request, deadline.remaining())) as events:
        plan, came = TensorBytes.collect(events)
    expansion, layer = plan.expansion, client.expansion_layer(plan, deadline.remaining())
    if expansion is None or layer is None:
        raise RequestError(
            f'what model "{plan.model}" predicts for this network has no cores; '
            "`predict` and `state_dict` give its tensors"
        )
    own: dict[str, TensorCores] = {}
    for tensor in plan.sent:
        data = came.get(tensor.name, np.empty(0, np.uint8))
        if tensor.core:
            pairs = list(block_data(tensor, data, plan.element_type, expansion))
        else:
            rows, columns = tensor.matrix_view
            block = CoreBlock(0, rows, 0, columns, "elements", 0, 0, 0, 0, 0, 0)
            pairs = [(block, ElementData(data.view(np.float32).reshape(rows, columns)))]
        recipe = Recipe(tensor.shape, tensor.matrix_view, tuple(block for block, _ in pairs))
        own[tensor.name] = TensorCores(tensor.name, recipe, tuple(read for _, read in pairs))
    holders = {tensor.name: tensor.tied_to or tensor.name for tensor in plan.tensors}
    tensors = {name: own[holder] for name, holder in holders.items() if holder in own}
    return Cores(plan, (layer.weight, layer.bias), tensors)


def _matmul(xp: Any) -> Callable[[Any, Any], Any]:
    """JAX multiplies in fewer bits by default, where that is faster."""
    matmul: Callable[..., Any] = xp.matmul
    return partial(matmul, precision="highest") if xp.__name__ == "jax.numpy" else matmul


def _factor(core: Any, rows: int, layer: tuple[Any, Any], matmul: Callable[[Any, Any], Any]) -> Any:
    weight, bias = layer
    count, rank = rows * weight.shape[1], weight.shape[1]
    width = min(count, len(weight))
    return (matmul(core, weight[:width].T) + bias[:width]).reshape(-1)[:count].reshape(rows, rank)


def _repeated(matrix: Any, rows: int) -> Any:
    return matrix[:rows] if rows <= len(matrix) else matrix[np.arange(rows) % len(matrix)]


def _kernel(block: CoreBlock, a: Any, b: Any, xp: Any) -> Any:
    h, w = block.height, block.width
    rows = (np.arange(block.rows)[:, None] * h + np.arange(h)).reshape(-1) % block.m
    product = _matmul(xp)(a[rows], b.T).reshape(block.rows, h, block.n // w, w)
    channels = np.arange(block.columns // (h * w)) % (block.n // w)
    return product[:, :, channels].transpose(0, 2, 1, 3).reshape(block.rows, block.columns)


def _positions(block: CoreBlock, a: Any, b: Any, xp: Any) -> Any:
    side, channels = block.m, block.n // block.m
    product = _matmul(xp)(a, b.T).reshape(side, channels, side)
    tokens, columns = np.arange(block.rows), np.arange(block.columns) % channels
    return product[(tokens // side % side)[:, None], columns, (tokens % side)[:, None]]


def _vector(block: CoreBlock, a: Any, b: Any, xp: Any) -> Any:
    flat = _matmul(xp)(a, b.T).reshape(-1)
    x = flat[block.start + (np.arange(block.rows) % block.length) * block.n]
    squashed = 2 / (1 + xp.exp(-0.5 * x)) if block.layout == "norm_weight" else xp.tanh(0.2 * x)
    return squashed[:, None]


def _joined(blocks: tuple[CoreBlock, ...], parts: list[Any], matrix: tuple[int, int], xp: Any) -> Any:
    if len(parts) == 1:
        return parts[0]
    for axis, others in ((0, [block.columns for block in blocks]), (1, [block.rows for block in blocks])):
        if all(size == matrix[1 - axis] for size in others):
            order = sorted(range(len(blocks)), key=lambda number: (blocks[number].row, blocks[number].column))
            return xp.concatenate([parts[number] for number in order], axis=axis)
    # Blocks do not overlap.
    rows, columns = matrix
    return sum(
        xp.pad(
            part,
            (
                (block.row, rows - block.row - block.rows),
                (block.column, columns - block.column - block.columns),
            ),
        )
        for block, part in zip(blocks, parts, strict=True)
    )
