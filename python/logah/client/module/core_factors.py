"""The factors of many blocks from their cores, by torch, with few products."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from logah.client.wire.core_data import CoreExpansion, CoreRows

#: Of the factors that are made at a time.
_GROUP_BYTES = 8 << 20
#: A factor that needs less than this share of the layer's rows is made by itself.
_SMALL_SHARE = 8


def rows_of_a_group(expansion: CoreExpansion) -> int:
    """How many core rows to make factors of at a time: the layer is read once for all of them."""
    return max(2, _GROUP_BYTES // (4 * max(1, len(expansion.layer.weight))))


def factors_of(reads: Sequence[CoreRows], expansion: CoreExpansion) -> list[tuple[Tensor, Tensor]]:
    """A, with the scale in it, and B of each block, on the CPU. By torch, since the threads of NumPy's BLAS would stand
    in its way. An element's bits may depend on what else is in `reads`, as a product's do."""
    weight, bias = _layer(expansion)
    rank = weight.shape[1]
    wanted = [(core, rows) for read in reads for core, rows in ((read.core_a, read.m), (read.core_b, read.n))]
    large = [number for number, (_, rows) in enumerate(wanted) if rows * rank * _SMALL_SHARE > len(weight)]
    factors: dict[int, Tensor] = {}
    if large:
        together = torch.addmm(bias, torch.cat([_tensor(wanted[number][0]) for number in large]), weight.T)
        at = 0
        for number in large:
            core, rows = wanted[number]
            factors[number] = together[at : at + len(core)].view(-1)[: rows * rank].view(rows, rank)
            at += len(core)
    for number, (core, rows) in enumerate(wanted):
        if number not in factors:
            count = rows * rank
            made = torch.addmm(bias[:count], _tensor(core), weight[:count].T)
            factors[number] = made.view(-1)[:count].view(rows, rank)
    pairs = [(factors[2 * number], factors[2 * number + 1]) for number in range(len(reads))]
    return [
        (a if read.scale == 1.0 else (a.double() * read.scale).float(), b)
        for read, (a, b) in zip(reads, pairs, strict=True)
    ]


def _tensor(array: NDArray[np.float32]) -> Tensor:
    """On the CPU, whatever torch's default device is."""
    return torch.tensor(array, device="cpu")


def _layer(expansion: CoreExpansion) -> tuple[Tensor, Tensor]:
    """Weight and bias of the expansion as tensors, made once."""
    if expansion not in _LAYERS:
        _LAYERS[expansion] = (_tensor(expansion.layer.weight), _tensor(expansion.layer.bias))
    return _LAYERS[expansion]


_LAYERS: WeakKeyDictionary[CoreExpansion, tuple[Tensor, Tensor]] = WeakKeyDictionary()
