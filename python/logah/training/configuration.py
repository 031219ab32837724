"""Reads the YAML of a run: what to train, how, and what to measure afterwards."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from logah.hypernet.config import HypernetConfig
from logah.training.families import FAMILIES
from logah.training.train import TrainConfig


class ConfigurationError(ValueError):
    """A field that is missing, unknown or wrong; the message names it."""


@dataclass(frozen=True)
class ValidationConfig:
    """Networks whose mean loss on the first `limit` images or tokens of the validation split is to be small."""

    limit: int
    networks: list[dict[str, int]]


@dataclass(frozen=True)
class RunConfiguration:
    """A run: `evaluation` maps a group ("held_out") to the sizes of its architectures."""

    train: TrainConfig
    validation: ValidationConfig
    evaluation: dict[str, list[dict[str, int]]]


def read_configuration(path: Path) -> RunConfiguration:
    """Reads a YAML file such as those in `configs/`. Raises ConfigurationError."""
    value = yaml.safe_load(path.read_text())
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: expected a mapping, found {type(value).__name__}")
    evaluation = value.pop("evaluation", {})
    validation = value.pop("validation", None)
    _check(validation, ValidationConfig, f"{path}: validation")
    return RunConfiguration(train_configuration(value, str(path)), ValidationConfig(**validation), evaluation)


def train_configuration(value: dict[str, Any], where: str) -> TrainConfig:
    """The training part of a run; `where` stands in front of errors."""
    _check(value, TrainConfig, where)
    rest = {key: v for key, v in value.items() if key not in ("hypernet", "space", "cycles")}
    cycles = tuple((int(steps), float(rate)) for steps, rate in value["cycles"])
    if value["family"] not in FAMILIES:
        raise ConfigurationError(f"{where}: family: got {value['family']!r}, expected one of {', '.join(FAMILIES)}")
    space_type = FAMILIES[value["family"]].space
    _check(value["space"], space_type, f"{where}: space")
    defaults = HypernetConfig(hid=0, heads=0, layers=0, rank=0, ck=0, max_shape=(0, 0, 0, 0)).to_json()
    unknown = sorted(set(value["hypernet"]) - set(defaults))
    if unknown:
        raise ConfigurationError(f"{where}: hypernet: unknown fields: {', '.join(unknown)}")
    hypernet = HypernetConfig.from_json({**defaults, **value["hypernet"]})
    space: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in value["space"].items()}
    return TrainConfig(hypernet=hypernet, space=space_type(**space), cycles=cycles, **rest)


def _check(value: Any, kind: type, where: str) -> None:
    """Every field of the dataclass `kind`, and no other."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where}: expected a mapping, found {type(value).__name__}")
    names = {field.name for field in fields(kind)}
    missing, unknown = sorted(names - set(value)), sorted(set(value) - names)
    if missing:
        raise ConfigurationError(f"{where}: missing fields: {', '.join(missing)}")
    if unknown:
        raise ConfigurationError(f"{where}: unknown fields: {', '.join(unknown)}; known: {', '.join(sorted(names))}")
