"""The data sets that comparisons use, by name, and the tasks that they make."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from logah.data.source import PREPARED_IMAGES, PREPARED_TEXTS
from logah.targets.gpt2 import Gpt2Task
from logah.targets.task import Task
from logah.targets.vit import VitTask

#: Those that `logah data` prepares.
DATA = (*PREPARED_IMAGES, *PREPARED_TEXTS)
#: As sentences have them.
TITLES: Mapping[str, str] = {
    "fashion-mnist": "Fashion-MNIST",
    "mnist": "MNIST",
    "kjv": "the King James Bible",
    "shakespeare": "six tragedies of Shakespeare",
}


def family_of(name: str) -> str:
    """The family of the networks that learn a data set."""
    return (VitTask if name in PREPARED_IMAGES else Gpt2Task).family


def load_task(name: str, cache: Path) -> Task:
    """The task of a data set. Raises DataError where it is not in the cache."""
    if name in PREPARED_IMAGES:
        return VitTask(PREPARED_IMAGES[name][0](cache))
    return Gpt2Task(PREPARED_TEXTS[name][0](cache))
