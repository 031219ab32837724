"""The data sets that comparisons use, by name, and the tasks that they make."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from logah.training.gpt2_targets import Gpt2Task
from logah.training.targets import Task
from logah.training.vit_targets import VitTask

#: Name -> family, module and function that loads it from the cache directory.
DATA: Mapping[str, tuple[str, str, str]] = {
    "fashion-mnist": ("vit", "logah.training.fashion_mnist", "load_fashion_mnist"),
    "mnist": ("vit", "logah.training.mnist", "load_mnist"),
    "kjv": ("gpt2", "logah.training.kjv", "load_kjv"),
    "shakespeare": ("gpt2", "logah.training.shakespeare", "load_shakespeare"),
}
#: As sentences have them.
TITLES: Mapping[str, str] = {
    "fashion-mnist": "Fashion-MNIST",
    "mnist": "MNIST",
    "kjv": "the King James Bible",
    "shakespeare": "Shakespeare",
}


def load_task(name: str, cache: Path) -> Task:
    """The task of a data set. Raises DataError where it is not in the cache."""
    family, module, function = DATA[name]
    data = getattr(importlib.import_module(module), function)(cache)
    return VitTask(data) if family == "vit" else Gpt2Task(data)
