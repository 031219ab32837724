"""What init code makes of a tensor, as far as a few numbers say it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from logah.graph.architecture import Initialization, Rule

#: Standard deviations from the mean beyond which a bound cuts off nothing that a network's size of draws would have.
_NEVER_REACHED = 6.0

#: PyTorch's default bounds of a truncated normal distribution, which are those of the contract's RULE_TRUNCATED_NORMAL.
_TRUNCATION = 2.0


@dataclass(frozen=True)
class Constant:
    """Every element `value`."""

    value: float

    def times(self, factor: float) -> Constant:
        """Each element multiplied."""
        return Constant(self.value * factor)

    def plus(self, offset: float) -> Constant:
        """Each element with something added."""
        return Constant(self.value + offset)

    def rule(self) -> Initialization | None:
        """The contract's rule."""
        return constant_rule(self.value)


@dataclass(frozen=True)
class Uniform:
    """Each element drawn between `low` and `high`."""

    low: float
    high: float

    def times(self, factor: float) -> Uniform:
        """Each element multiplied."""
        ends = sorted((self.low * factor, self.high * factor))
        return Uniform(ends[0], ends[1])

    def plus(self, offset: float) -> Uniform:
        """Each element with something added."""
        return Uniform(self.low + offset, self.high + offset)

    def rule(self) -> Initialization | None:
        """The contract's rule."""
        if self.low == -self.high:
            return Initialization("RULE_UNIFORM", bound=self.high)
        return Initialization("RULE_UNIFORM_BETWEEN", lower=self.low, upper=self.high)


@dataclass(frozen=True)
class Normal:
    """Each element drawn of a normal distribution, and again while it lies outside `low` and `high`."""

    mean: float
    deviation: float
    low: float = -math.inf
    high: float = math.inf

    def times(self, factor: float) -> Normal:
        """Each element multiplied."""
        ends = sorted((self.low * factor, self.high * factor)) if factor else [0.0, 0.0]
        return Normal(self.mean * factor, self.deviation * abs(factor), ends[0], ends[1])

    def plus(self, offset: float) -> Normal:
        """Each element with something added."""
        return Normal(self.mean + offset, self.deviation, self.low + offset, self.high + offset)

    def within(self, low: float, high: float) -> Normal | None:
        """Each element clamped; None where that gathers some at the bounds."""
        cuts_low = low > self.low and self.mean - low < _NEVER_REACHED * self.deviation
        cuts_high = high < self.high and high - self.mean < _NEVER_REACHED * self.deviation
        near = math.isclose(low, self.low, rel_tol=1e-5) and math.isclose(high, self.high, rel_tol=1e-5)
        if (cuts_low or cuts_high) and not near:
            return None
        return replace(self, low=max(low, self.low), high=min(high, self.high))

    def rule(self) -> Initialization | None:
        """The contract's rule."""
        if self.mean == 0 and self.low == -_TRUNCATION and self.high == _TRUNCATION:
            return Initialization("RULE_TRUNCATED_NORMAL", self.deviation)
        reach = _NEVER_REACHED * self.deviation
        if self.low <= self.mean - reach and self.high >= self.mean + reach:
            rule: Rule = "RULE_SHIFTED_NORMAL" if self.mean else "RULE_NORMAL"
            return Initialization(rule, self.deviation, mean=self.mean)
        if math.isinf(self.low) or math.isinf(self.high):
            return None
        return Initialization("RULE_BOUNDED_NORMAL", self.deviation, mean=self.mean, lower=self.low, upper=self.high)


#: None: nothing that these can say.
Draw = Constant | Uniform | Normal | None


def constant_rule(value: float) -> Initialization:
    """Every element `value`."""
    if value == 0:
        return Initialization("RULE_ZEROS")
    return Initialization("RULE_ONES") if value == 1 else Initialization("RULE_CONSTANT", value=value)
