"""Reads the YAML of a run: what to train, how, and what to measure afterwards."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from logah.data.source import DataSource, PreparedData
from logah.errors import ConfigurationError
from logah.hypernet.config import HypernetConfig
from logah.targets.families import FAMILIES, Family
from logah.targets.gpt2 import Gpt2Space
from logah.targets.llama import LlamaSpace
from logah.targets.mixture import Member
from logah.targets.spaces import SPACES
from logah.targets.vit import VitSpace
from logah.training.fields import read_fields, refuse_unknown
from logah.training.settings import MixedTrainConfig, TrainConfig, TrainSettings
from logah.training.sizes import check_blocks, check_rows

#: Sizes of architectures, by family.
Networks = dict[str, list[dict[str, int]]]
#: What describes one family: of a run of its own, or of a member of several.
MEMBER_FIELDS = ("family", "space", "data", "batch_size")
#: Of a training part, of one family or of several.
TRAIN_FIELDS = (*(field.name for field in fields(TrainConfig)), "members")
#: Of a file.
RUN_FIELDS = (*TRAIN_FIELDS, "validation", "evaluation")


@dataclass(frozen=True)
class ValidationConfig:
    """Networks whose mean loss on the first images or tokens of the validation split is to be small.

    limits: how many images or tokens, by family.
    """

    limits: dict[str, int]
    networks: Networks


@dataclass(frozen=True)
class RunConfiguration:
    """A run: `evaluation` maps a group ("held_out") to the sizes of its architectures."""

    train: TrainConfig | MixedTrainConfig
    validation: ValidationConfig | None
    evaluation: dict[str, Networks]


@dataclass(frozen=True)
class _MemberValue:
    """A member as the YAML has it; what its space and data are, its family says."""

    family: str
    space: Any
    batch_size: int
    data: Any = None
    weight: float = 1.0


@dataclass(frozen=True)
class _ValidationValue:
    """`validation` as the YAML has it."""

    limit: Any
    networks: Any


def read_configuration(path: Path) -> RunConfiguration:
    """Reads a YAML file such as those in `configs/`. Raises ConfigurationError."""
    try:
        value = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not YAML: {error}") from error
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: expected a mapping, found {type(value).__name__}")
    # First: a field with a slip in its name is not missing.
    refuse_unknown(value, RUN_FIELDS, str(path))
    evaluation = value.pop("evaluation", {})
    validation = value.pop("validation", None)
    train = run_configuration(value, str(path))
    if not isinstance(evaluation, Mapping):
        raise ConfigurationError(f"{path}: evaluation: expected a mapping, found {type(evaluation).__name__}")
    return RunConfiguration(
        train,
        None if validation is None else read_validation(validation, train.members, f"{path}: validation"),
        {
            group: read_networks(networks, train.members, f"{path}: evaluation: {group}")
            for group, networks in evaluation.items()
        },
    )


def run_configuration(value: dict[str, Any], where: str) -> TrainConfig | MixedTrainConfig:
    """The training part of a run: of one family, or with `members` of several; `where` stands in front of errors."""
    refuse_unknown(value, TRAIN_FIELDS, where)
    if "members" not in value:
        return train_configuration(value, where)
    both = [name for name in MEMBER_FIELDS if name in value]
    if both:
        raise ConfigurationError(f"{where}: {', '.join(both)}: with members, each member has its own")
    hypernet, settings = _read_settings(value, ("members",), where)
    members = value["members"]
    if not isinstance(members, list):
        raise ConfigurationError(f"{where}: members: expected a list, found {type(members).__name__}")
    read = tuple(read_member(member, f"{where}: members[{number}]") for number, member in enumerate(members))
    check_blocks(hypernet, read, f"{where}: hypernet")
    try:
        return MixedTrainConfig(hypernet=hypernet, members=read, **settings)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def train_configuration(value: dict[str, Any], where: str) -> TrainConfig:
    """The training part of a run of one family; `where` stands in front of errors."""
    refuse_unknown(value, TRAIN_FIELDS, where)
    missing = [name for name in ("hypernet", "family", "space", "batch_size") if name not in value]
    if "family" in missing:
        # Nor are there members, if this is the YAML of a run.
        missing[missing.index("family")] = "family (or members)"
    if missing:
        raise ConfigurationError(f"{where}: missing fields: {', '.join(missing)}")
    hypernet, settings = _read_settings(value, MEMBER_FIELDS, where)
    member = read_member({name: value[name] for name in MEMBER_FIELDS if name in value}, where)
    check_blocks(hypernet, [member], f"{where}: hypernet")
    own = {name: getattr(member, name) for name in MEMBER_FIELDS}
    return TrainConfig(hypernet=hypernet, **own, **settings)


def _read_settings(value: dict[str, Any], own: Sequence[str], where: str) -> tuple[HypernetConfig, dict[str, Any]]:
    """The hypernetwork and the fields of `TrainSettings`; whatever else there is has to be one of the kind's `own`."""
    if "hypernet" not in value:
        raise ConfigurationError(f"{where}: missing fields: hypernet")
    rest = {name: v for name, v in value.items() if name not in ("hypernet", *own)}
    settings = read_fields(rest, TrainSettings, where)
    hypernet = read_fields(value["hypernet"], HypernetConfig, f"{where}: hypernet")
    check_rows(hypernet, f"{where}: hypernet")
    return hypernet, {field.name: getattr(settings, field.name) for field in fields(TrainSettings)}


def read_member(value: Any, where: str) -> Member:
    """A family with its architectures and its data."""
    given = read_fields(value, _MemberValue, where)
    if given.family not in FAMILIES:
        raise ConfigurationError(f"{where}: family: got {given.family!r}, expected one of {', '.join(FAMILIES)}")
    family = FAMILIES[given.family]
    space = read_space(given.space, family, f"{where}: space")
    data = read_data(given.data, family, f"{where}: data")
    try:
        return Member(family=given.family, space=space, data=data, batch_size=given.batch_size, weight=given.weight)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def read_validation(value: Any, members: Sequence[Member], where: str) -> ValidationConfig:
    """`limit`, a number or one for each family, and `networks`, of each family at least one."""
    read = read_fields(value, _ValidationValue, where)
    families = [member.family for member in members]
    networks = read_networks(read.networks, members, f"{where}: networks")
    for family in families:
        if family not in networks:
            raise ConfigurationError(f"{where}: networks: there is none of family {family}")
    limits = read.limit if isinstance(read.limit, dict) else dict.fromkeys(families, read.limit)
    if set(limits) != set(families):
        raise ConfigurationError(f"{where}: limit: got {limits}, expected one for each of {', '.join(families)}")
    for family, limit in limits.items():
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ConfigurationError(f"{where}: limit: got {limit!r} for {family}, expected a positive whole number")
    return ValidationConfig(limits, networks)


def read_networks(value: Any, members: Sequence[Member], where: str) -> Networks:
    """A list of sizes; where the run has several families, each has a `family` beside them."""
    if not isinstance(value, list):
        raise ConfigurationError(f"{where}: got {value!r}, expected a list")
    spaces = {member.family: member.space for member in members}
    networks: Networks = {}
    for number, network in enumerate(value):
        here = f"{where}[{number}]"
        if not isinstance(network, dict):
            raise ConfigurationError(f"{here}: got {network!r}, expected a mapping")
        family = network.get("family", members[0].family if len(members) == 1 else None)
        if family not in spaces:
            raise ConfigurationError(f"{here}: family: got {family!r}, expected one of {', '.join(spaces)}")
        sizes = {name: size for name, size in network.items() if name != "family"}
        for name, size in sizes.items():
            if not isinstance(size, int) or isinstance(size, bool):
                raise ConfigurationError(f"{here}: {name}: got {size!r}, expected a whole number")
        config = spaces[family].config
        refuse_unknown(sizes, inspect.signature(config).parameters, here)
        try:
            config(**sizes)
        except TypeError as error:
            raise ConfigurationError(f"{here}: {error}") from None
        networks.setdefault(family, []).append(sizes)
    return networks


def read_space(value: Any, family: Family, where: str) -> VitSpace | Gpt2Space | LlamaSpace:
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
