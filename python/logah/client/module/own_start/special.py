"""Starts that mean something: what a layer's default would not give, and a prediction would wipe out."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from logah.client.module.local_box import local_tensor
from logah.client.module.own_start.draw import Constant, Draw, Normal, Uniform
from logah.client.module.own_start.evidence import constant_of, moments, sample_of

#: What a parameter is for. A table is one of learned positions, which many networks start at 0 for want of better.
Purpose = Literal["matrix", "table", "norm", "bias"]

#: Of the default deviation of a layer's weights: what starts below this was meant to start as nothing.
_NEARLY_NOTHING = 2e-3
#: Of the entries: a weight with as many zeros is an identity, a shift, a filter.
_MOSTLY_ZEROS = 0.5
#: Correlation of neighbouring rows, which of drawn values is 0 and of sines nearly 1.
_SMOOTH = 0.5
#: Standard errors of that correlation.
_CHANCE = 6.0
#: A predicted bias lies between -1 and 1.
_BIAS_RANGE = 1.0
_FEW = 2048
#: Of a table: rows that are compared, entries of each, and how many it must have to be compared.
_NEIGHBOURS, _CHANNELS, _NARROWEST = 9, 64, 8


def is_special(purpose: Purpose, tensor: Tensor, default: float) -> bool:
    """Whether values are a start that means something. `default`: what such a norm's weight holds by default."""
    if local_tensor(tensor).numel() == 0:
        return False
    constant = constant_of(tensor)
    if constant is not None and (local_tensor(tensor).numel() > 1 or constant == 0 or purpose == "norm"):
        return is_special_draw(purpose, tensor.shape, Constant(constant), default)
    if purpose == "norm":
        return False
    values = sample_of(tensor, _FEW)
    if purpose == "bias":
        return bool(values.abs().max() >= _BIAS_RANGE)
    if float((values == 0).double().mean()) > _MOSTLY_ZEROS or _are_rows_alike(tensor):
        return True
    return purpose == "matrix" and _is_nearly_nothing(float(values.square().mean().sqrt()), tensor.shape)


def is_special_draw(purpose: Purpose, shape: torch.Size, draw: Draw, default: float) -> bool:
    """The same of what init code draws."""
    if isinstance(draw, Constant):
        usual = {"norm": default, "bias": 0.0, "table": 0.0}.get(purpose)
        return usual is None or not math.isclose(draw.value, usual, rel_tol=1e-3, abs_tol=1e-12)
    if not isinstance(draw, Uniform | Normal):
        return False
    mean, deviation = moments(draw)
    if purpose == "bias":
        return abs(mean) + deviation >= _BIAS_RANGE
    return purpose == "matrix" and _is_nearly_nothing(math.hypot(mean, deviation), shape)


def norm_default(module: nn.Module, draw: Draw) -> float:
    """What the weight of a norm layer holds by default: 1, but for classes of others whose own code says another."""
    is_foreign = not type(module).__module__.startswith("torch.nn.")
    return draw.value if is_foreign and isinstance(draw, Constant) else 1.0


def _is_nearly_nothing(size: float, shape: torch.Size) -> bool:
    fan_in = math.prod(shape[1:]) or 1
    return size < _NEARLY_NOTHING / math.sqrt(3 * fan_in)


def _are_rows_alike(tensor: Tensor) -> bool:
    local = local_tensor(tensor)
    if local.dim() < 2 or local.shape[-1] < _NARROWEST:
        return False
    table = local.view(-1, local.shape[-1]) if local.is_contiguous() else local.flatten(0, -2)
    # An odd step, so that it hits sines and cosines where these take turns.
    table = table[:_NEIGHBOURS, :: (table.shape[1] // _CHANNELS) | 1].to("cpu", torch.float32)
    if len(table) < _NEIGHBOURS // 2:
        return False
    table = table - table.mean(1, keepdim=True)
    norms = table.norm(dim=1)
    if bool((norms == 0).any()):
        return False
    rows = table / norms[:, None]
    products = (rows[1:] * rows[:-1]).sum(1)
    return float(products.mean()) > max(_SMOOTH, _CHANCE / math.sqrt(rows.numel()))
