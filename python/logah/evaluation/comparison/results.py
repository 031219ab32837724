"""What a file of results says: scores by network, initialisation and budget, of the newest plan and its model."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from logah.evaluation.comparison.names import data_name, network_name
from logah.evaluation.comparison.rates import best_rate, budget_of_tries, rates_to_try
from logah.evaluation.initialisations import KINDS, parse_label
from logah.evaluation.zero_shot import LANGUAGE_FAMILIES

Record = Mapping[str, Any]
#: Step -> value, the mean over seeds.
Curve = dict[int, float]


@dataclass(frozen=True)
class Metric:
    """Accuracy in per cent, or perplexity; `sign` is 1 where more is better, else -1."""

    title: str
    sign: int
    value: Callable[[float | None, float], float]

    def better(self, value: float, than: float) -> bool:
        """Strictly."""
        return self.sign * value > self.sign * than

    def gain(self, value: float, over: float) -> float:
        """Percentage points of accuracy, or by how many per cent the perplexity is lower."""
        return value - over if self.sign > 0 else 100 * (1 - value / over)


ACCURACY = Metric("accuracy, %", 1, lambda loss, accuracy: 100 * accuracy)
PERPLEXITY = Metric("perplexity", -1, lambda loss, accuracy: math.inf if loss is None else math.exp(min(loss, 100.0)))


@dataclass(frozen=True)
class Network:
    """One row of the tables."""

    group: str
    name: str
    parameters: int


class Results:
    """The records of one file. Those of other hypernetworks than the newest plan's are left out."""

    def __init__(self, records: Sequence[Record]) -> None:
        """Raises ValueError where there is no plan."""
        plans = [record for record in records if record["kind"] == "plan"]
        if not plans:
            raise ValueError("no record of a plan")
        self.plan: Record = plans[-1]
        others = [model["hypernetwork"] for model in self.plan.get("models", {}).values()]
        allowed = (None, self.plan.get("hypernetwork"), *others)
        # The newest of equal keys.
        self._records = list({r["key"]: r for r in records if r.get("hypernetwork") in allowed and "key" in r}.values())
        # Runs whose rate is no longer the chosen one stay in the file: another plan may choose it.
        self._records = [r for r in self._records if r["kind"] != "run" or r["learning_rate"] == self._rate_of(r)]
        self.candidate: str = self.plan["candidate"]

    def _tried(self, run: Record) -> dict[float, float | None] | None:
        """The losses of the tries for a run of this kind, by rate; None where the plan has no such runs."""
        tuning, group = self.plan["tuning"], self.plan["groups"].get(run["group"])
        if group is None:
            return None
        name = group["rates_of"] or run["group"]
        label = "default" if run["initialisation"] == "compute" else run["initialisation"]
        wanted = {
            "network": network_name(self.plan["groups"][name]["representative"]),
            "data": data_name(self.plan["groups"][name]["data"] or self.plan["data"]),
            "initialisation": label,
            "epochs": budget_of_tries(tuning["epochs"], run["epochs"]),
            "seed": tuning["seed"],
        }
        tries = [r for r in self._records if r["kind"] == "try" and wanted.items() <= r.items()]
        losses = {r["learning_rate"]: r["final"]["loss"] for r in tries}
        rates = rates_to_try(losses, tuning["rates"], tuning.get("extensions", 0))
        return {rate: losses[rate] for rate in rates if rate in losses}

    def _rate_of(self, run: Record) -> float:
        """The learning rate that the tries choose for a run of this kind."""
        losses = self._tried(run)
        return math.nan if losses is None else best_rate(losses, self.plan["tuning"]["rates"])

    def has_rate_at_end(self, run: Record) -> bool:
        """Whether a run has the lowest or the highest rate that was tried, so that another may be better."""
        losses = self._tried(run)
        return not losses or run["learning_rate"] in (min(losses), max(losses))

    def of_kind(self, kind: str) -> list[Record]:
        """`run`, `try` or `untrained`."""
        return [record for record in self._records if record["kind"] == kind]

    @cached_property
    def family(self) -> str:
        """transformers' `model_type`."""
        return str(self._records[0]["family"]) if self._records else "vit"

    @property
    def metric(self) -> Metric:
        """Of the family."""
        return PERPLEXITY if self.family in LANGUAGE_FAMILIES else ACCURACY

    @property
    def main_groups(self) -> list[str]:
        """Of networks like those that the model was trained for."""
        return [name for name, group in self.plan["groups"].items() if not group["transfer"]]

    @property
    def other_groups(self) -> list[str]:
        """Of transfer."""
        return [name for name, group in self.plan["groups"].items() if group["transfer"]]

    def networks(self, groups: Sequence[str]) -> list[Network]:
        """Those of the plan that have results, in its order."""
        parameters = {(r["group"], r["network"]): r["parameters"] for r in self._records if r["kind"] != "try"}
        return [
            Network(group, name, parameters[group, name])
            for group in groups
            for name in map(network_name, self.plan["groups"][group]["networks"])
            if (group, name) in parameters
        ]

    @cached_property
    def labels(self) -> list[str]:
        """Every initialisation that has a result, the controls first."""
        order = list(KINDS)
        found = {r["initialisation"] for r in self._records}
        return sorted(found, key=lambda label: (order.index(parse_label(label).kind), label))

    @cached_property
    def budgets(self) -> list[float]:
        """In epochs, ascending."""
        return sorted({r["epochs"] for r in self.of_kind("run")})

    def full_epochs(self, network: Network) -> float:
        """The budget of default's that the others are to need less than."""
        own = self.plan["groups"][network.group]["full_epochs"]
        return float(self.plan["full_epochs"] if own is None else own)

    def value(self, score: Mapping[str, Any]) -> float:
        """A score as the family's metric."""
        return self.metric.value(score["loss"], score["accuracy"])

    def finals(self, network: Network, label: str, epochs: float) -> dict[int, float]:
        """Seed -> value after training."""
        return {r["seed"]: self.value(r["final"]) for r in self._runs(network, label, epochs)}

    def mean(self, network: Network, label: str, epochs: float) -> float | None:
        """Over seeds; None where there is no run."""
        values = self.finals(network, label, epochs).values()
        return statistics.fmean(values) if values else None

    def paired(self, network: Network, label: str, other: str, epochs: float) -> tuple[float, float] | None:
        """Means of two initialisations over the seeds that both have."""
        first, second = (self.finals(network, name, epochs) for name in (label, other))
        seeds = sorted(first.keys() & second.keys())
        if not seeds:
            return None
        return statistics.fmean(first[s] for s in seeds), statistics.fmean(second[s] for s in seeds)

    def curve(self, network: Network, label: str, epochs: float, seeds: Sequence[int] | None = None) -> Curve:
        """Mean over the seeds, at the steps that all of them have."""
        curves = [
            {int(step): self.metric.value(loss, accuracy) for step, loss, accuracy in r["curve"]}
            for r in self._runs(network, label, epochs)
            if seeds is None or r["seed"] in seeds
        ]
        if not curves:
            return {}
        steps = sorted(set.intersection(*(set(curve) for curve in curves)))
        return {step: statistics.fmean(curve[step] for curve in curves) for step in steps}

    def share_of_steps(self, network: Network, label: str) -> float | None:
        """Of the full budget's steps, at which the curve first is as good as default's mean curve at its end.

        Over the seeds that both have; infinite where it never is, None where one has no run.
        """
        epochs = self.full_epochs(network)
        seeds = sorted(self.finals(network, label, epochs).keys() & self.finals(network, "default", epochs).keys())
        target, curve = self.curve(network, "default", epochs, seeds), self.curve(network, label, epochs, seeds)
        if not seeds or not target or not curve:
            return None
        last = max(target)
        reached = [step for step, value in curve.items() if not self.metric.better(target[last], value)]
        return min(reached) / last if reached else math.inf

    def share_of_budget(self, network: Network, label: str) -> float | None:
        """The least budget, as a share of the full one, whose runs end as good as default's after the full budget.

        Over the seeds that both have; infinite where none does, None where no shorter budget was run.
        """
        full = self.full_epochs(network)
        default = self.finals(network, "default", full)
        shares = []
        tried = False
        for epochs in (b for b in self.budgets if b <= full):
            found = self.finals(network, label, epochs)
            seeds = found.keys() & default.keys()
            if not seeds:
                continue
            tried = tried or epochs < full
            means = [statistics.fmean(values[s] for s in seeds) for values in (found, default)]
            if not self.metric.better(means[1], means[0]):
                shares.append(epochs / full)
        if not tried:
            return None
        return min(shares) if shares else math.inf

    def untrained(self, network: Network, label: str) -> Record | None:
        """What was measured without training."""
        return next((r for r in self.of_kind("untrained") if _is_of(r, network, label)), None)

    def _runs(self, network: Network, label: str, epochs: float) -> list[Record]:
        return [r for r in self.of_kind("run") if _is_of(r, network, label) and r["epochs"] == epochs]


def _is_of(record: Record, network: Network, label: str) -> bool:
    return (record["group"], record["network"], record["initialisation"]) == (network.group, network.name, label)
