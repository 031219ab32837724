"""What was hoped for, and whether it was reached."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logah.evaluation.comparison.results import Network, Results

#: Initialisations in closed form that a prediction has to be better than.
CLOSED_FORMS = ("orthogonal", "mimetic")


@dataclass(frozen=True)
class Measured:
    """A value over the networks of a group; `count` of them were measured, `failed` of them never got there."""

    value: float
    count: int
    failed: int = 0


Measure = Callable[[Results, Sequence[Network]], Measured | None]


def steps_ratio(results: Results, networks: Sequence[Network]) -> Measured | None:
    """Steps until default's final score, over default's steps, in runs of the same budget."""
    return _mean([results.share_of_steps(network, results.candidate) for network in networks])


def shorter_budget_ratio(results: Results, networks: Sequence[Network]) -> Measured | None:
    """The shortest own budget that ends as good as default's full one, over the full one."""
    return _mean([results.share_of_budget(network, results.candidate) for network in networks])


def better_than_closed_forms(results: Results, networks: Sequence[Network]) -> Measured | None:
    """Share of networks on which the candidate is better than orthogonal and than mimetic after one epoch."""
    shares = []
    for network in networks:
        pairs = [results.paired(network, results.candidate, form, 1) for form in CLOSED_FORMS]
        if all(pair is not None for pair in pairs):
            shares.append(float(all(results.metric.better(*pair) for pair in pairs if pair is not None)))
    return _mean(shares)


def final_gain(results: Results, networks: Sequence[Network]) -> Measured | None:
    """Over default after the longest budget of both: points of accuracy, or per cent less perplexity."""
    return _gain(results, networks, results.budgets[::-1])


def first_epoch_gain(results: Results, networks: Sequence[Network]) -> Measured | None:
    """Over default after one epoch: points of accuracy, or per cent less perplexity."""
    return _gain(results, networks, [1])


def diversity_ratio(results: Results, networks: Sequence[Network]) -> Measured | None:
    """How much more alike the matrices of a network are than default's: the ratio of mean absolute cosines."""
    ratios = []
    for network in networks:
        pair = [results.untrained(network, label) for label in (results.candidate, "default")]
        found = [record["mean_absolute_cosine"] for record in pair if record is not None]
        if len(found) == 2 and found[1] > 0:
            ratios.append(found[0] / found[1])
    return _mean(ratios)


MEASURES: Mapping[str, Measure] = {
    "steps_ratio": steps_ratio,
    "shorter_budget_ratio": shorter_budget_ratio,
    "better_than_closed_forms": better_than_closed_forms,
    "final_gain": final_gain,
    "first_epoch_gain": first_epoch_gain,
    "diversity_ratio": diversity_ratio,
}


def is_reached(bar: Mapping[str, Any], measured: Measured) -> bool:
    """A mean over networks of which some never get there is infinite, and so misses a bar of `at_most`."""
    if bar["at_most"] is not None:
        return bool(measured.value <= bar["at_most"])
    return bool(measured.value >= bar["at_least"])


def _gain(results: Results, networks: Sequence[Network], budgets: Sequence[float]) -> Measured | None:
    gains = []
    for network in networks:
        pairs = (results.paired(network, results.candidate, "default", epochs) for epochs in budgets)
        pair = next((pair for pair in pairs if pair is not None), None)
        if pair is not None:
            gains.append(results.metric.gain(*pair))
    return _mean(gains)


def _mean(values: Sequence[float | None]) -> Measured | None:
    found = [value for value in values if value is not None]
    if not found:
        return None
    failed = sum(math.isinf(value) for value in found)
    return Measured(statistics.fmean(found), len(found), failed)
