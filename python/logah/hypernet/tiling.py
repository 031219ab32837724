"""Repetition of a decoded block up to the size of its parameter."""

from __future__ import annotations

import torch
from torch import Tensor


def tile(tensor: Tensor, dim: int, length: int) -> Tensor:
    """Repeats a dimension from its beginning until it has `length` entries; cuts a longer one."""
    have = tensor.shape[dim]
    if have >= length:
        return tensor.narrow(dim, 0, length)
    return tensor.index_select(dim, torch.arange(length, device=tensor.device) % have)
