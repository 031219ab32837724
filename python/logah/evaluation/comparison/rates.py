"""Which learning rate a run has: the best of the tries at the budget that its own is nearest to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def budget_of_tries(tried: Sequence[float], epochs: float) -> float:
    """The longest of the tried budgets that is no longer than `epochs`; the shortest where all are longer."""
    shorter = [budget for budget in tried if budget <= epochs]
    return max(shorter) if shorter else min(tried)


def rates_to_try(losses: Mapping[float, float | None], rates: Sequence[float], extensions: int) -> tuple[float, ...]:
    """The grid, and beyond an end of it where that is the best so far, since a still better one may lie there.

    losses: of what has been tried. extensions: at most so many are added, each by the factor between the last two,
    rounded to one digit. Nothing is added before all of the grid has been tried.
    """
    tried = sorted(rates)
    for _ in range(extensions):
        if len(tried) < 2 or not all(rate in losses for rate in tried):
            break
        best = best_rate({rate: losses[rate] for rate in tried}, tried)
        if best == tried[0]:
            tried.insert(0, _rounded(tried[0] * tried[0] / tried[1]))
        elif best == tried[-1]:
            tried.append(_rounded(tried[-1] * tried[-1] / tried[-2]))
        else:
            break
    return tuple(tried)


def _rounded(rate: float) -> float:
    return float(f"{rate:.0e}")


def best_rate(losses: Mapping[float, float | None], rates: Sequence[float]) -> float:
    """The rate with the least validation loss, None being infinite; the lowest of `rates` where all diverged."""
    finite = {rate: loss for rate, loss in losses.items() if loss is not None and math.isfinite(loss)}
    return min(finite, key=lambda rate: finite[rate]) if finite else min(rates)
