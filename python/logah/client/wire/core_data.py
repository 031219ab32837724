"""The bytes of a tensor that was sent as cores, read: what each of its blocks is computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logah.client.wire.element_type import ElementType
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.plan import CoreBlock, Expansion, TensorPlan


@dataclass(frozen=True)
class ElementData:
    """The elements [rows, columns] themselves, in the element type of the plan."""

    elements: NDArray[np.generic]


@dataclass(frozen=True)
class ConstantData:
    """One float32 that every element is."""

    value: float


@dataclass(frozen=True)
class ProductData:
    """The factors A [m, rank], with the scale in it, and B [n, rank], float32."""

    a: NDArray[np.float32]
    b: NDArray[np.float32]


BlockData = ElementData | ConstantData | ProductData


def block_data(
    tensor: TensorPlan,
    data: NDArray[np.uint8],
    element_type: ElementType,
    expansion: Expansion,
    layer: ExpansionLayer,
) -> Iterator[tuple[CoreBlock, BlockData]]:
    """Each block with what it is computed from; `data`: the bytes sent for the tensor, block after block.

    The factors depend on the block alone, not on what part of the tensor is wanted: every rank computes the same bits.
    """
    at = 0
    for block in tensor.core:
        end = at + block.bytes(expansion, element_type.bytes)
        yield block, _read(block, data[at:end].tobytes(), element_type, expansion, layer)
        at = end


def _read(
    block: CoreBlock, data: bytes, element_type: ElementType, expansion: Expansion, layer: ExpansionLayer
) -> BlockData:
    if block.layout == "elements":
        return ElementData(np.frombuffer(data, element_type.numpy).reshape(block.rows, block.columns))
    if block.layout == "constant":
        return ConstantData(float(np.frombuffer(data, "<f4")[0]))
    cores = np.frombuffer(data[8 if block.has_scale else 0 :], "<f4").reshape(-1, expansion.rank)
    split = expansion.core_rows(block.m)
    a = layer.factor(cores[:split], block.m)
    if block.has_scale:
        a = (a * np.frombuffer(data[:8], "<f8")[0]).astype(np.float32)
    return ProductData(a, layer.factor(cores[split:], block.n))
