"""What each rule gives an element, by its index in its parameter, as the contract's `Initialization` has it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from logah.client.wire.draws.philox import StreamKey, philox
from logah.client.wire.draws.quantile import inverse_normal, log
from logah.client.wire.draws.space import NUMPY, Space

_LARGEST = 3.4028235677973366e38  # Halfway from float32's largest number to the next.
_TRANSFORMED = ("uniform_between", "log_uniform", "sequence")


@dataclass(frozen=True)
class FillRule:
    """A rule and its numbers, in units of the parameter."""

    #: Its name in the contract behind "RULE_", in lower case; "unknown": of a newer server.
    name: str
    standard_deviation: float = 0.0
    bound: float = 0.0
    mean: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    least: float = 0.0
    start: float = 0.0
    step: float = 0.0
    #: Behind "FUNCTION_", in lower case; "unspecified": none.
    function: str = "unspecified"

    def is_drawable(self, dimensions: int) -> bool:
        """Whether the elements of a parameter of so many dimensions can be computed from it."""
        numbers = (self.bound, self.mean, self.lower, self.upper, self.least, self.start, self.step)
        if not all(abs(number) < _LARGEST for number in numbers) or not 0 <= self.standard_deviation < math.inf:
            return False
        if self.function != "unspecified":
            known = self.name in _TRANSFORMED and self.function in ("log", "inverse_softplus")
            positive = self.start > 0 and self.step >= 0 if self.name == "sequence" else self.lower >= 0
            if not (known and positive):
                return False
        if self.name == "bounded_normal":
            return self.lower < self.upper and (self.standard_deviation > 0 or self.lower <= self.mean <= self.upper)
        if self.name == "uniform_between":
            return self.lower < self.upper
        if self.name == "log_uniform":
            return 0 < self.lower < self.upper and self.least >= 0
        if self.name == "identity":
            return dimensions >= 2
        return self.name in ("normal", "truncated_normal", "shifted_normal", "sequence") or (
            self.name == "uniform" and self.bound >= 0
        )


def drawn(space: Space, rule: FillRule, shape: tuple[int, ...], key: StreamKey, index: Any) -> Any:
    """float64 numbers for the elements at `index`, int64 [count], of a parameter of `shape`; `rule` is drawable."""
    if rule.name == "sequence":
        columns = shape[-1] if shape else 1
        return _transformed(space, rule, rule.start + rule.step * space.double(index % columns))
    if rule.name == "identity":
        return _identity(space, shape, index)
    if rule.name == "truncated_normal":
        return _truncated(space, rule.standard_deviation, key, index)
    if rule.name == "bounded_normal":
        return _bounded(space, rule, key, index)
    u, _ = _uniforms(space, key, index, 0)
    if rule.name in ("normal", "shifted_normal"):
        value = rule.standard_deviation * inverse_normal(space, u)
        return value if rule.name == "normal" else rule.mean + value
    if rule.name == "uniform":
        return rule.bound * (2 * u - 1)
    if rule.name == "uniform_between":
        return _transformed(space, rule, rule.lower + (rule.upper - rule.lower) * u)
    first, last = (float(bound) for bound in log(NUMPY, NUMPY.double([rule.lower, rule.upper])))
    value = space.xp.exp(first + (last - first) * u)
    value[value < rule.least] = rule.least
    return _transformed(space, rule, value)


def _uniforms(space: Space, key: StreamKey, index: Any, attempt: int) -> tuple[Any, Any]:
    """Two numbers in the open interval (0, 1) of 52 random bits for each index."""
    words = philox(key, index, attempt)
    first, second = (
        (space.double((high >> 6 << 26) + (low >> 6)) + 0.5) * 2.0**-52 for high, low in (words[:2], words[2:])
    )
    return first, second


def _accepted(space: Space, key: StreamKey, index: Any, attempt_at: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
    """By rejection: what the first attempt gives that is accepted; `attempt_at` makes values, and whether they are, of
    two uniform numbers."""
    values = space.doubles(index.shape)
    pending, attempt = space.integers(len(index)), 0
    while len(pending):
        tried, is_accepted = attempt_at(*_uniforms(space, key, index[pending], attempt))
        values[pending[is_accepted]] = tried[is_accepted]
        pending, attempt = pending[~is_accepted], attempt + 1
    return values


def _truncated(space: Space, deviation: float, key: StreamKey, index: Any) -> Any:
    def narrow(u: Any, v: Any) -> tuple[Any, Any]:
        value = deviation * inverse_normal(space, u)
        return value, abs(value) <= 2

    def wide(u: Any, v: Any) -> tuple[Any, Any]:
        # A wide normal is nearly flat within the interval.
        value = 4 * u - 2
        return value, v <= space.xp.exp(-0.5 * (value / deviation) ** 2)

    return _accepted(space, key, index, narrow if deviation < 1 else wide)


def _bounded(space: Space, rule: FillRule, key: StreamKey, index: Any) -> Any:
    mean, deviation = rule.mean, rule.standard_deviation
    if deviation == 0:
        return space.double(index) * 0 + mean
    lower, upper = (rule.lower - mean) / deviation, (rule.upper - mean) / deviation
    if upper < 0:
        value = -_standard_bounded(space, key, index, -upper, -lower)
    else:
        value = _standard_bounded(space, key, index, lower, upper)
    value = mean + deviation * value
    value[value < rule.lower] = rule.lower
    value[value > rule.upper] = rule.upper
    return value


def _standard_bounded(space: Space, key: StreamKey, index: Any, lower: float, upper: float) -> Any:
    """With a proposal that suits the interval (Robert, "Simulation of truncated normal variables", 1995)."""
    width, nearest = upper - lower, max(lower, 0.0)
    is_wide = width * max(lower, 1) > 2 if lower > 0 else width > 1.25
    rate = (nearest + math.sqrt(nearest * nearest + 4)) / 2

    def flat(u: Any, v: Any) -> tuple[Any, Any]:
        value = lower + width * u
        return value, v <= space.xp.exp((nearest * nearest - value * value) / 2)

    def tail(u: Any, v: Any) -> tuple[Any, Any]:
        value = lower - log(space, u) / rate
        return value, (value <= upper) & (v <= space.xp.exp(-((value - rate) ** 2) / 2))

    def whole(u: Any, v: Any) -> tuple[Any, Any]:
        value = inverse_normal(space, u)
        return value, (value >= lower) & (value <= upper)

    return _accepted(space, key, index, flat if not is_wide else tail if lower > 0 else whole)


def _transformed(space: Space, rule: FillRule, value: Any) -> Any:
    if rule.function == "log":
        return log(space, value)
    if rule.function == "inverse_softplus":
        return value + log(space, -space.xp.expm1(-value))
    return value


def _identity(space: Space, shape: tuple[int, ...], index: Any) -> Any:
    """1 where output and input are the same, in the middle of a kernel."""
    inputs, kernel = shape[1], shape[2:]
    size, middle = math.prod(kernel), 0
    for side in kernel:
        middle = middle * side + side // 2
    pair = index // size
    return space.double((index % size == middle) & (pair // inputs == pair % inputs))
