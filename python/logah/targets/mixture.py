"""Several families of target networks in one run: what each learns, how often its turn comes, and who answers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from logah.data.source import DataSource
from logah.graph import ArchitectureGraph
from logah.targets.task import Space, SplitName, Task


@dataclass(frozen=True, kw_only=True)
class Member:
    """A family of a run: its architectures, and what they learn from.

    batch_size: images or tokens for each architecture. weight: how often its turn comes, relative to other members.
    """

    family: str
    space: Space
    data: DataSource
    batch_size: int
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Raises ValueError for a number that makes no sense."""
        if self.batch_size < 1:
            raise ValueError(f"batch_size: got {self.batch_size}, expected at least 1")
        if not (self.weight > 0 and math.isfinite(self.weight)):
            raise ValueError(f"weight: got {self.weight}, expected a finite number above 0")


@dataclass(frozen=True)
class MixedSpace:
    """The architectures of all members."""

    members: tuple[Member, ...]

    def sample(self, rng: random.Random) -> dict[str, Any]:
        """A member drawn by weight, with one number, and then an architecture as its own space draws it."""
        (member,) = rng.choices(self.members, [member.weight for member in self.members])
        return member.space.sample(rng)


class MixedTask:
    """The tasks of several families; each architecture is its own family's."""

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        """`tasks` by family, all on one device."""
        self.tasks = tasks
        self._by_type = {name: task for task in tasks.values() for name in task.model_types}
        self.model_types = tuple(self._by_type)
        self.family = "+".join(tasks)
        (self.device,) = {task.device for task in tasks.values()}

    def graph(self, config: Mapping[str, Any]) -> ArchitectureGraph:
        """As the family's own task."""
        return self._task(config).graph(config)

    def module(self, config: Mapping[str, Any]) -> nn.Module:
        """As the family's own task."""
        return self._task(config).module(config)

    def initialized(self, config: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
        """As the family's own task."""
        return self._task(config).initialized(config, seed)

    def logits(self, module: nn.Module, state: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """As the family's own task; a module of transformers has its configuration."""
        return self._by_type[cast(Any, module).config.model_type].logits(module, state, inputs)

    def references(self) -> dict[str, float]:
        """Those of all families."""
        return {name: value for task in self.tasks.values() for name, value in task.references().items()}

    def batch(self, config: Mapping[str, Any], size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """As the family's own task."""
        return self._task(config).batch(config, size, generator)

    def batches(
        self, config: Mapping[str, Any], split: SplitName, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """As the family's own task."""
        return self._task(config).batches(config, split, limit)

    def _task(self, config: Mapping[str, Any]) -> Task:
        return self._by_type[config["model_type"]]


def joined(tasks: Mapping[str, Task]) -> Task:
    """One task for all families: of a single one its own."""
    if len(tasks) == 1:
        return next(iter(tasks.values()))
    return MixedTask(tasks)
