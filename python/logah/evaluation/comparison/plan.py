"""Reads the YAML of a comparison: which networks are trained from which initialisations, how long, in what order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from logah.data.source import PREPARED_IMAGES, PREPARED_TEXTS
from logah.errors import ConfigurationError
from logah.evaluation.comparison.bars import MEASURES
from logah.evaluation.comparison.names import Sizes, network_name
from logah.evaluation.initialisations import InitialisationError, parse_label
from logah.training.fields import read_fields


@dataclass(frozen=True)
class Tuning:
    """How the learning rate of each initialisation is chosen: the one of `rates` with the least validation loss.

    epochs: the budgets that are tried; a run has the rate of the longest that is no longer than its own, since what is
    best for few steps is too low for many. limit: validation images or tokens. extensions: how many rates beyond the
    ends of `rates` are tried at most, while the best of them lies at an end (`rates_to_try`).
    """

    epochs: list[float]
    rates: list[float]
    limit: int
    seed: int
    extensions: int = 2


@dataclass(frozen=True)
class Group:
    """Networks that share learning rates: those tuned on `representative`, or those of the group `rates_of`.

    data: what they learn, as a plan's; null is the plan's own. full_epochs: in place of the plan's.
    transfer: whether the networks are others than the model was trained for, by their sizes or their data.
    """

    networks: list[Sizes]
    representative: Sizes | None = None
    rates_of: str | None = None
    data: Any = None
    full_epochs: float | None = None
    transfer: bool = False


@dataclass(frozen=True)
class Stage:
    """Runs of equal importance: every combination. `networks` are names as `network_name` gives them; empty is all."""

    groups: list[str]
    initialisations: list[str]
    seeds: list[int]
    epochs: list[float]
    networks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bar:
    """What was hoped for: `measure` (`bars.MEASURES`) of the candidate over the networks of a group."""

    measure: str
    group: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """configuration: the YAML that the model was trained with, whose space the networks are taken from; or
    network: the config.json of the one network that all groups train.

    model: a bundle or a checkpoint; none where no initialisation needs one. models: others by name, for
    `predicted:NAME`. data: a name of `logah data`, or a mapping as in the YAML of a run. candidate: the initialisation
    that is judged. batch_size, epoch_size, curve_limit and final_limit count images or tokens; an epoch is that many
    examples drawn from the training split. curve_every: steps between points of a curve. full_epochs: the budget whose
    final score by default the others are to reach. compute_factor: how many times a budget `compute` trains.
    """

    configuration: str | None = None
    network: str | None = None
    model: str | None = None
    models: dict[str, str] = field(default_factory=dict)
    data: Any
    candidate: str
    batch_size: int
    epoch_size: int
    full_epochs: float
    compute_factor: int
    curve_every: int
    curve_limit: int
    final_limit: int
    tuning: Tuning
    groups: dict[str, Group]
    stages: list[Stage]
    bars: list[Bar]

    def steps(self, epochs: float) -> int:
        """Of a budget; at least one."""
        return max(1, round(epochs * self.epoch_size / self.batch_size))

    def data_of(self, group: str) -> Any:
        """What a group's networks learn, as the plan has it."""
        return self.groups[group].data or self.data


def read_plan(path: Path) -> Plan:
    """Reads a file such as `configs/compare-vit.yaml`. Raises ConfigurationError, which names the field."""
    try:
        value = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return plan_from(value, str(path))


def plan_from(value: Any, where: str) -> Plan:
    """A plan from its mapping; `where` stands in front of errors."""
    plan = read_fields(value, Plan, where)
    _check_names(plan, where)
    return plan


def _check_names(plan: Plan, where: str) -> None:
    if (plan.configuration is None) == (plan.network is None):
        raise ConfigurationError(f"{where}: expected one of configuration and network")
    for name, values in (("epochs", plan.tuning.epochs), ("rates", plan.tuning.rates)):
        if not values:
            raise ConfigurationError(f"{where}: tuning: {name}: got none, expected at least one")
    for name, group in plan.groups.items():
        here = f"{where}: groups: {name}"
        if (group.representative is None) == (group.rates_of is None):
            raise ConfigurationError(f"{here}: expected one of representative and rates_of")
        if group.rates_of is not None and getattr(plan.groups.get(group.rates_of), "representative", None) is None:
            raise ConfigurationError(f"{here}: rates_of: {group.rates_of!r} is no group with a representative")
        _check_data(plan.data_of(name), f"{here}: data")
    for number, stage in enumerate(plan.stages):
        here = f"{where}: stages[{number}]"
        for name in stage.groups:
            _one_of(name, plan.groups, f"{here}: groups")
        known = {network_name(sizes) for name in stage.groups for sizes in plan.groups[name].networks}
        for name in stage.networks:
            _one_of(name, known, f"{here}: networks")
        for label in stage.initialisations:
            _check_label(label, plan, f"{here}: initialisations")
    _check_label(plan.candidate, plan, f"{where}: candidate")
    for number, bar in enumerate(plan.bars):
        _one_of(bar.measure, MEASURES, f"{where}: bars[{number}]: measure")
        _one_of(bar.group, plan.groups, f"{where}: bars[{number}]: group")
        if (bar.at_least is None) == (bar.at_most is None):
            raise ConfigurationError(f"{where}: bars[{number}]: expected one of at_least and at_most")


def _check_label(label: str, plan: Plan, where: str) -> None:
    try:
        parsed = parse_label(label)
    except InitialisationError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if parsed.hypernetwork:
        _one_of(parsed.hypernetwork, plan.models, f"{where}: {label}")
    elif (parsed.needs_hypernetwork or parsed.needs_ranges) and plan.model is None:
        raise ConfigurationError(f"{where}: {label} needs a hypernetwork; the field model names one")


def _check_data(data: Any, where: str) -> None:
    if isinstance(data, str):
        _one_of(data, (*PREPARED_IMAGES, *PREPARED_TEXTS), where)
    elif not isinstance(data, dict):
        raise ConfigurationError(f"{where}: got {data!r}, expected a name or a mapping")


def _one_of(name: str, known: Any, where: str) -> None:
    if name not in known:
        raise ConfigurationError(f"{where}: got {name!r}, expected one of {', '.join(sorted(known))}")
