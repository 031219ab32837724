"""Scales of predicted parameters. Source: `GHN3._normalize` in the LoGAH authors' code; arXiv 2405.16287, 3.3."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def fan_in_scale(shape: Sequence[int]) -> float:
    """The factor that a weight of this shape is multiplied with: sqrt(2 / fan_in), fan_in without dimension 0.

    sqrt(1 / fan_in) where no ReLU follows (depthwise and wide kernels); 1 for position embeddings.
    """
    if len(shape) > 2 and shape[0] == 1 and shape[2] >= 11:
        return 1.0
    linear = (len(shape) > 2 and shape[1] == 1) or (len(shape) > 3 and shape[2] < shape[3])
    return math.sqrt((1.0 if linear else 2.0) / math.prod(shape[1:]))


#: Keeps a constant block finite.
LEAST_DEVIATION = 1e-7


def scaled_weight(weight_G: Tensor, deviation: float | None) -> Tensor:
    """Weights [G, *shape], each scaled by its fan-in or, where `deviation` is given, to that standard deviation.

    The standard deviation is the unbiased one over the whole weight, repetitions included. Source of the latter:
    `GHN3_GPT._normalize` in the LoGAH authors' code since 27 August 2024.
    """
    if deviation is None:
        return weight_G * fan_in_scale(weight_G.shape[1:])
    found = weight_G.double().flatten(1).std(dim=1).to(weight_G.dtype)
    return weight_G * (deviation / (found + LEAST_DEVIATION)).view(-1, *[1] * (weight_G.dim() - 1))


def squash_norm_weight(vector: Tensor) -> Tensor:
    """A normalisation layer's weight lies in (0, 2)."""
    return 2 * torch.sigmoid(0.5 * vector)


def squash_bias(vector: Tensor) -> Tensor:
    """A bias lies in (-1, 1)."""
    return torch.tanh(0.2 * vector)
