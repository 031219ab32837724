"""A plan with what it names: its networks, its hypernetworks and its data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from logah.evaluation.comparison.data import family_of, load_task
from logah.evaluation.comparison.plan import Plan
from logah.evaluation.comparison.records import RecordFile
from logah.evaluation.comparison.run import Comparison, Model
from logah.targets.own_network import ranges_of, read_network
from logah.targets.task import Space
from logah.training.configuration import read_configuration
from logah.training.trained_model import fingerprint, load_model


def prepared(plan: Plan, where: str, records: RecordFile, cache: Path) -> Comparison:
    """Loads the hypernetworks; data when they are needed. `where` stands in front of errors.

    Raises ConfigurationError, BundleError or CheckpointError.
    """
    family, space, configure, network = _networks(plan, where)
    named = {} if plan.model is None else {"": plan.model}
    models = {name: _model(Path(path), family, space) for name, path in {**named, **plan.models}.items()}
    return Comparison(plan, models, configure, lambda data: load_task(data, family, space, cache), records, network)


def _networks(plan: Plan, where: str) -> tuple[str, Space, Callable[..., dict[str, Any]], str | None]:
    """The family, the space, what makes a complete configuration of sizes, and the digest of one that a user gave."""
    if plan.network is not None:
        own = read_network(Path(plan.network))
        family_of(plan.data, {own.family: own}, where)
        # There is one network, whatever it is called.
        return own.family, own.space, lambda **_: own.config, own.digest
    assert plan.configuration is not None
    spaces = {member.family: member.space for member in read_configuration(Path(plan.configuration)).train.members}
    family = family_of(plan.data, spaces, where)
    return family, spaces[family], spaces[family].config, None


def _model(path: Path, family: str, space: Space) -> Model:
    loaded = load_model(path)
    hypernetwork = loaded.hypernetwork
    return Model(hypernetwork, loaded.name, fingerprint(hypernetwork), ranges_of(family, space, loaded.ranges))
