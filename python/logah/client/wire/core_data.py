"""The bytes of a tensor that was sent as cores, read: what each of its blocks is computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logah.client.wire.draws.philox import StreamKey
from logah.client.wire.draws.rules import FillRule
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
class RuleData:
    """The key of the stream that the block's rule draws from."""

    rule: FillRule
    key: StreamKey


@dataclass(frozen=True)
class NoiseData:
    """What is added to each element: normal noise of this standard deviation, from the stream of this key."""

    deviation: float
    key: StreamKey


@dataclass(frozen=True)
class CoreRows:
    """The core rows of the factors A [m, rank] and B [n, rank] of a block, each [X, rank], the scale of A, and the
    noise that is added to the product."""

    m: int
    n: int
    core_a: NDArray[np.float32]
    core_b: NDArray[np.float32]
    scale: float
    noise: NoiseData | None

    def factors(self, layer: ExpansionLayer) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A, with the scale in it, and B. They do not depend on what part of the tensor is wanted: every rank computes
        the same bits."""
        a, b = layer.factors((self.core_a, self.m), (self.core_b, self.n))
        if self.scale != 1.0:
            a = (a * self.scale).astype(np.float32)
        return a, b


BlockData = ElementData | ConstantData | RuleData | CoreRows


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
    if block.layout == "rule":
        assert block.rule is not None, "a plan that was checked has the rule"
        return RuleData(block.rule, _key(data, 0))
    cores = np.frombuffer(data, "<f4", offset=block.leading_bytes).reshape(-1, expansion.rank)
    split = expansion.core_rows(block.m)
    scale = float(np.frombuffer(data, "<f8", 1)[0]) if block.has_scale else 1.0
    noise = NoiseData(float(np.frombuffer(data, "<f8", 1, 8)[0]), _key(data, 16)) if block.lifted else None
    return CoreRows(block.m, block.n, cores[:split], cores[split:], scale, noise)


def _key(data: bytes, at: int) -> StreamKey:
    first, second = np.frombuffer(data, "<u4", 2, at)
    return int(first), int(second)
