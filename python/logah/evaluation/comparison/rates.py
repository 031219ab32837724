"""Which learning rate a run has: the best of the tries at the budget that its own is nearest to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def budget_of_tries(tried: Sequence[float], epochs: float) -> float:
    """The longest of the tried budgets that is no longer than `epochs`; the shortest where all are longer."""
    shorter = [budget for budget in tried if budget <= epochs]
    return max(shorter) if shorter else min(tried)


def best_rate(losses: Mapping[float, float | None], rates: Sequence[float]) -> float:
    """The rate with the least validation loss, None being infinite; the lowest of `rates` where all diverged."""
    finite = {rate: loss for rate, loss in losses.items() if loss is not None and math.isfinite(loss)}
    return min(finite, key=lambda rate: finite[rate]) if finite else min(rates)
