"""The bytes of a tensor that was sent as cores, read: what each of its blocks is computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logah.client.wire.element_type import ElementType
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.plan import CoreBlock, Expansion, TensorPlan


@dataclass(frozen=True, eq=False)
class CoreExpansion:
    """What the cores of a plan are read and expanded with."""

    element_type: ElementType
    expansion: Expansion
    layer: ExpansionLayer


@dataclass(frozen=True)
class ElementData:
    """The elements [rows, columns] themselves, in the element type of the plan."""

    elements: NDArray[np.generic]


@dataclass(frozen=True)
class ConstantData:
    """One float32 that every element is."""

    value: float


@dataclass(frozen=True)
class CoreRows:
    """The core rows of the factors A [m, rank] and B [n, rank] of a block, each [X, rank], and the scale of A."""

    m: int
    n: int
    core_a: NDArray[np.float32]
    core_b: NDArray[np.float32]
    scale: float

    def factors(self, layer: ExpansionLayer) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A, with the scale in it, and B. They do not depend on what part of the tensor is wanted: every rank computes
        the same bits."""
        a = layer.factor(self.core_a, self.m)
        if self.scale != 1.0:
            a = (a * self.scale).astype(np.float32)
        return a, layer.factor(self.core_b, self.n)


BlockData = ElementData | ConstantData | CoreRows


def block_data(
    tensor: TensorPlan, data: NDArray[np.uint8], element_type: ElementType, expansion: Expansion
) -> Iterator[tuple[CoreBlock, BlockData]]:
    """Each block with what it is computed from; `data`: the bytes sent for the tensor, block after block."""
    at = 0
    for block in tensor.core:
        end = at + block.bytes(expansion, element_type.bytes)
        yield block, _read(block, data[at:end].tobytes(), element_type, expansion)
        at = end


def _read(block: CoreBlock, data: bytes, element_type: ElementType, expansion: Expansion) -> BlockData:
    if block.layout == "elements":
        return ElementData(np.frombuffer(data, element_type.numpy).reshape(block.rows, block.columns))
    if block.layout == "constant":
        return ConstantData(float(np.frombuffer(data, "<f4")[0]))
    cores = np.frombuffer(data[8 if block.has_scale else 0 :], "<f4").reshape(-1, expansion.rank)
    split = expansion.core_rows(block.m)
    scale = float(np.frombuffer(data[:8], "<f8")[0]) if block.has_scale else 1.0
    return CoreRows(block.m, block.n, cores[:split], cores[split:], scale)
