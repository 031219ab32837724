"""Memory in which it shows whether anything was written."""

from __future__ import annotations

import torch
from torch import Tensor


def marked(tensor: Tensor) -> Tensor:
    """A tensor like this one, whole, on the CPU, in which nothing was written yet."""
    return torch.full(tensor.shape, _mark_of(tensor.dtype), dtype=tensor.dtype, device="cpu")


def is_marked(tensor: Tensor) -> bool:
    """Whether a part of it was never written; of truth values nobody can tell."""
    if tensor.is_floating_point() or tensor.is_complex():
        return bool(tensor.isnan().any())
    return tensor.dtype != torch.bool and bool((tensor == _mark_of(tensor.dtype)).any())


def _mark_of(dtype: torch.dtype) -> float | int | bool:
    if dtype.is_floating_point or dtype.is_complex:
        return float("nan")
    return False if dtype == torch.bool else torch.iinfo(dtype).min
