"""Reads the YAML of a run: what to train, how, and what to measure afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from logah.hypernet.config import HypernetConfig
from logah.training.data_source import DataSource, PreparedData
from logah.training.families import FAMILIES, Family
from logah.training.fields import ConfigurationError as ConfigurationError
from logah.training.fields import read_fields
from logah.training.gpt2_targets import Gpt2Space
from logah.training.spaces import SPACES
from logah.training.train import TrainConfig, TrainSettings
from logah.training.vit_targets import VitSpace


@dataclass(frozen=True)
class ValidationConfig:
    """Networks whose mean loss on the first `limit` images or tokens of the validation split is to be small."""

    limit: int
    networks: list[dict[str, int]]


@dataclass(frozen=True)
class RunConfiguration:
    """A run: `evaluation` maps a group ("held_out") to the sizes of its architectures."""

    train: TrainConfig
    validation: ValidationConfig | None
    evaluation: dict[str, list[dict[str, int]]]


def read_configuration(path: Path) -> RunConfiguration:
    """Reads a YAML file such as those in `configs/`. Raises ConfigurationError."""
    value = yaml.safe_load(path.read_text())
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: expected a mapping, found {type(value).__name__}")
    evaluation = value.pop("evaluation", {})
    validation = value.pop("validation", None)
    return RunConfiguration(
        train_configuration(value, str(path)),
        None if validation is None else read_fields(validation, ValidationConfig, f"{path}: validation"),
        evaluation,
    )


def train_configuration(value: dict[str, Any], where: str) -> TrainConfig:
    """The training part of a run; `where` stands in front of errors."""
    own = ("hypernet", "family", "space", "data")
    missing = [name for name in own[:3] if name not in value]
    if missing:
        raise ConfigurationError(f"{where}: missing fields: {', '.join(missing)}")
    if value["family"] not in FAMILIES:
        raise ConfigurationError(f"{where}: family: got {value['family']!r}, expected one of {', '.join(FAMILIES)}")
    family = FAMILIES[value["family"]]
    known = {field.name for field in fields(TrainConfig)}
    unknown = sorted(str(name) for name in set(value) - known)
    if unknown:
        raise ConfigurationError(f"{where}: unknown fields: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    settings = read_fields({name: v for name, v in value.items() if name not in own}, TrainSettings, where)
    return TrainConfig(
        hypernet=read_fields(value["hypernet"], HypernetConfig, f"{where}: hypernet"),
        family=value["family"],
        space=read_space(value["space"], family, f"{where}: space"),
        data=read_data(value.get("data"), family, f"{where}: data"),
        **{field.name: getattr(settings, field.name) for field in fields(TrainSettings)},
    )


def read_space(value: Any, family: Family, where: str) -> VitSpace | Gpt2Space:
    """A preset's name, the fields of a space, or a preset and the fields in which it differs (`preset: NAME`)."""
    rest = {"preset": value} if isinstance(value, str) else value
    if not isinstance(rest, dict) or "preset" not in rest:
        return read_fields(rest, family.space, where)
    allowed = [name for name, space in SPACES.items() if isinstance(space, family.space)]
    if rest["preset"] not in allowed:
        raise ConfigurationError(f"{where}: preset: got {rest['preset']!r}, expected {' or '.join(allowed)}")
    preset = asdict(SPACES[rest["preset"]])
    return read_fields({**preset, **{k: v for k, v in rest.items() if k != "preset"}}, family.space, where)


def read_data(value: Any, family: Family, where: str) -> DataSource:
    """What the networks learn from: a name of `logah data`, or a mapping with the field of one kind."""
    if value is None:
        return PreparedData(family.default_data)
    if isinstance(value, str):
        if value not in family.prepared:
            raise ConfigurationError(f"{where}: got {value!r}, expected {_allowed(family)}")
        return PreparedData(value)
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}: got {value!r}, expected {_allowed(family)}")
    kinds = [name for name in family.kinds if name in value]
    # A column of `datasets` may be called text.
    name = "datasets" if "datasets" in kinds else kinds[0] if len(kinds) == 1 else None
    if name is None:
        raise ConfigurationError(f"{where}: got {sorted(map(str, value))}, expected {_allowed(family)}")
    return read_fields(dict(value), family.kinds[name], where)


def _allowed(family: Family) -> str:
    return f"{', '.join(family.prepared)}, or a mapping with one of {', '.join(family.kinds)}"
