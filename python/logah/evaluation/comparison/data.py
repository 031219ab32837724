"""What comparisons are learned from, and the tasks that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from logah.errors import ConfigurationError
from logah.targets.families import FAMILIES
from logah.targets.mixture import Member
from logah.targets.task import Space, Task
from logah.training import tasks
from logah.training.configuration import read_data

#: As sentences have them.
TITLES: Mapping[str, str] = {
    "fashion-mnist": "Fashion-MNIST",
    "mnist": "MNIST",
    "kjv": "the King James Bible",
    "shakespeare": "six tragedies of Shakespeare",
}


def family_of(data: str | Mapping[str, Any], families: Mapping[str, object], where: str) -> str:
    """Which of a model's families learns the data. Raises ConfigurationError where none does."""
    if isinstance(data, str):
        able = [name for name in families if data in FAMILIES[name].prepared]
    else:
        able = [name for name in families if any(field in FAMILIES[name].kinds for field in data)]
    if not able:
        raise ConfigurationError(f"{where}: data: {data} is for none of {', '.join(families)}")
    return able[0]


def load_task(data: str | Mapping[str, Any], family: str, space: Space, cache: Path) -> Task:
    """The task of data. Raises ConfigurationError for what is none, and DataError where they cannot be read."""
    source = read_data(data, FAMILIES[family], "data")
    return tasks.load_task(Member(family=family, space=space, data=source, batch_size=1), cache)
