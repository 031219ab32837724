"""What the values of a tensor say: whether they are values at all, and whether a rule explains them.

All of it looks at samples of what this process holds, so it costs the same for a tensor of any size; only whether a
tensor is constant is asked of all of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from logah.client.module.local_box import local_tensor
from logah.client.module.own_start.draw import Constant, Draw, Normal, Uniform

_SAMPLE = 16_384
_BLOCKS = 8
_ORTHOGONAL, _ALIKE = 0.02, 9.0
_VOTERS = 256
_ROWS = 32
_LENGTH = 8_192

#: Of Kolmogorov's statistic times the root of the sample's size: exceeded once in three million.
_FARTHEST = 2.8
#: Standard errors that a mean or a deviation of a block may be off: exceeded once in some hundred millions.
_ERRORS = 6.0
#: What rounding to 8 bits moves of a distribution function.
_ROUNDING = {torch.bfloat16: 0.01, torch.float16: 0.002}

#: Of values that a network starts with: beyond lies what bits of something else look like.
_LARGEST = 1e6


def sample_of(tensor: Tensor, size: int = _SAMPLE) -> Tensor:
    """Up to `size` of the elements that this process holds, from all over the tensor; float64, on the CPU."""
    flat = _flat(local_tensor(tensor))
    # An odd step does not always hit the same column.
    step = max(1, flat.numel() // size) | 1
    return flat[::step][:size].to("cpu", torch.float64)


def constant_of(tensor: Tensor) -> float | None:
    """The value that every element has; None where they differ, or where there are none."""
    flat = _flat(local_tensor(tensor))
    if flat.numel() == 0:
        return None
    few = flat[:: max(1, flat.numel() // 8)].tolist()
    if any(value != few[0] for value in few) or not bool((flat == few[0]).all()):
        return None
    return float(few[0])


def is_explained(draw: Draw, tensor: Tensor) -> bool:
    """Whether the values could be drawn so, each by itself; False where `draw` says nothing."""
    local = local_tensor(tensor)
    if local.numel() == 0:
        return True
    if isinstance(draw, Constant):
        return constant_of(tensor) == torch.tensor(draw.value, dtype=tensor.dtype, device="cpu").item()
    if draw is None or (constant_of(tensor) is not None and (local.numel() > 1 or constant_of(tensor) == 0)):
        return False
    values = sample_of(tensor)
    if not bool(values.isfinite().all()):
        return False
    rounding = _ROUNDING.get(tensor.dtype, 1e-4)
    return _fits(draw, values, rounding) and _is_even(draw, values, rounding) and is_noise(tensor)


def is_noise(tensor: Tensor) -> bool:
    """Whether rows, and columns, have as much to do with one another as independent ones do, no more and no less.

    Those of orthogonal matrices have less, those of sines, of repetitions and of ramps more.
    """
    local = local_tensor(tensor)
    if local.dim() < 2 or local.numel() == 0:
        return True
    matrix = local.flatten(1) if local.shape[0] > 1 else local.flatten(0, -2)
    return all(_are_independent(part) for part in (matrix, matrix.T))


def _are_independent(rows: Tensor) -> bool:
    first = rows[:_ROWS, :_LENGTH].to("cpu", torch.float64)
    if min(first.shape) < 4:
        return True
    # What all rows have in common is no dependence of one on another.
    return _dependence(first) > _ORTHOGONAL and _dependence(first - first.mean(1, keepdim=True)) < _ALIKE


def _dependence(rows: Tensor) -> float:
    """The mean square of the cosine between two rows, as a multiple of what independent ones have."""
    norms = rows.norm(dim=1, keepdim=True)
    if bool((norms == 0).any()):
        return 1.0
    cosines = (rows / norms) @ (rows / norms).T
    return float(cosines[~torch.eye(len(rows), dtype=torch.bool, device=rows.device)].square().mean()) * rows.shape[1]


def _fits(draw: Uniform | Normal, values: Tensor, rounding: float) -> bool:
    """Kolmogorov's test."""
    ordered = values.sort().values
    expected = _distribution(draw, ordered)
    count = len(ordered)
    steps = torch.arange(count + 1, dtype=torch.float64, device=values.device) / count
    farthest = max(float((expected - steps[:-1]).max()), float((steps[1:] - expected).max()))
    return farthest * math.sqrt(count) < _FARTHEST + rounding * math.sqrt(count)


def _distribution(draw: Uniform | Normal, values: Tensor) -> Tensor:
    if isinstance(draw, Uniform):
        return ((values - draw.low) / max(draw.high - draw.low, 1e-300)).clamp(0, 1)
    ends = torch.tensor([draw.low, draw.high], dtype=torch.float64, device=values.device)
    low, high = torch.special.ndtr((ends - draw.mean) / draw.deviation)
    return ((torch.special.ndtr((values - draw.mean) / draw.deviation) - low) / (high - low)).clamp(0, 1)


def _is_even(draw: Uniform | Normal, values: Tensor, rounding: float) -> bool:
    """Whether every stretch of the tensor has the mean and the deviation of the whole."""
    mean, deviation = moments(draw)
    for block in values.chunk(_BLOCKS):
        count = len(block)
        if abs(float(block.mean()) - mean) > _ERRORS * deviation / math.sqrt(count) + rounding * deviation:
            return False
        if count >= 32 and abs(float(block.std()) / deviation - 1) > _ERRORS / math.sqrt(2 * count) + rounding:
            return False
    return True


def moments(draw: Uniform | Normal) -> tuple[float, float]:
    """Mean and standard deviation."""
    if isinstance(draw, Uniform):
        return (draw.low + draw.high) / 2, (draw.high - draw.low) / math.sqrt(12)
    low, high = (draw.low - draw.mean) / draw.deviation, (draw.high - draw.mean) / draw.deviation
    inside = _cumulative(high) - _cumulative(low)
    shift = (_density(low) - _density(high)) / inside
    tails = (_times(low, _density(low)) - _times(high, _density(high))) / inside
    return draw.mean + draw.deviation * shift, draw.deviation * math.sqrt(max(1 + tails - shift * shift, 1e-300))


def _times(bound: float, density: float) -> float:
    return 0.0 if math.isinf(bound) else bound * density


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _cumulative(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def hold_values(tensors: Sequence[Tensor], draw_of: Callable[[int], Draw]) -> bool:
    """Whether tensors were filled, or are memory as `to_empty` leaves it.

    A tensor that was written to after it was made counts as filled. Where none was, as in copies and in weights that
    were loaded, no more than a third of some may look like other memory; `draw_of` says by their numbers what init code
    draws. Not half: what a freed network left looks like values here and there.
    """
    if not tensors or any(map(_was_written, tensors)):
        return True
    # An odd step meets weights and biases alike.
    step = max(1, len(tensors) // _VOTERS) | 1
    votes = [
        vote
        for number in range(0, len(tensors), step)
        if (vote := _looks_filled(tensors[number], draw_of(number))) is not None
    ]
    return not votes or 3 * votes.count(False) <= len(votes)


def _was_written(tensor: Tensor) -> bool:
    local = tensor.to_local() if isinstance(tensor, DTensor) else tensor
    return bool(local.is_inference() or local._version > 0)


def _looks_filled(tensor: Tensor, draw: Draw) -> bool | None:
    """None where nothing can be said: zeros that are due, or that a vector may well start with, and tensors of which
    this process has no part."""
    values = sample_of(tensor, 4096)
    if len(values) == 0:
        return None
    if bool((values == 0).all()):
        return None if draw is None or draw == Constant(0.0) or tensor.dim() < 2 else False
    size = values.abs()
    smallest = torch.finfo(tensor.dtype).tiny
    has_odd_bits = bool(((size > 0) & (size < smallest)).any())
    return bool(values.isfinite().all()) and float(size.max()) < _LARGEST and not has_odd_bits


def _flat(tensor: Tensor) -> Tensor:
    if tensor.is_contiguous():
        return tensor.view(-1)
    # A transposed matrix is read in the order in which it lies.
    order = sorted(range(tensor.dim()), key=lambda d: tensor.stride(d), reverse=True)
    return tensor.permute(order).reshape(-1)
