"""What a run is: the hypernetwork, its target networks and how it trains, as the YAML of a run says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from logah.data.source import DataSource
from logah.hypernet.config import HypernetConfig
from logah.targets.base import Base
from logah.targets.mixture import Member, MixedSpace
from logah.targets.task import Space
from logah.training.leak import LeakDirection
from logah.training.lookahead import Lookahead
from logah.training.precision import Precision


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How a run trains.

    cycles: one after the other, each (steps, peak learning rate); the rate warms up to the peak and falls by a cosine.
    meta_batch: architectures of a step, on each rank, one backward pass each, whose gradients are averaged. accumulate:
    parts of an architecture's batch that go through its network one after the other; the gradients are those of the
    whole, in less memory. penalty: weight of the predicted parameters' norms in the loss. predicted_scale: see
    `spread_predictions`; None leaves torch's start values. start_from: a bundle or a checkpoint; its averaged
    weights are the start values.
    spread_directions: so many architectures of the space are drawn, by which `directions.spread_directions` gives the
    start values another form; 0: they stay.
    leak: of the gradient that passes the ReLU of the decoder's cores where it is zero, leak_direction: up for one that
    would raise what lies below zero alone, both for any (`leak`).
    smoothing: the share of a text's trigram in the targets, in place of the next token alone, whose noise it has not.
    base: what lies under predicted matrices, drawn anew at each step (`targets.base`).
    likeness: weight in the loss of how alike predicted matrices of equal shape are, silence: of how far they lie below
    the deviation of the default start, excess: of how far those that are no table lie above excess_from times it
    (`terms`). layer_drop: the probability with which each layer of a target is left
    out of a step (`layer_drop`).
    lookahead: the loss is measured after a few steps of the target. precision: of the target networks' forward pass.
    checkpoint_every: steps.
    """

    cycles: tuple[tuple[int, float], ...]
    meta_batch: int = 1
    accumulate: int = 1
    warmup_steps: int = 200
    weight_decay: float = 0.01
    clip_norm: float = 5.0
    penalty: float = 3.0e-5
    ema_decay: float = 0.998
    predicted_scale: float | None = None
    start_from: str | None = None
    spread_directions: int = 0
    leak: float = 0.0
    leak_direction: LeakDirection = "up"
    smoothing: float = 0.0
    base: Base = "none"
    likeness: float = 0.0
    silence: float = 0.0
    excess: float = 0.0
    excess_from: float = 10.0
    layer_drop: float = 0.0
    lookahead: Lookahead | None = None
    precision: Precision = "auto"
    seed: int = 1
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        """Raises ValueError for a number that makes no sense."""
        for name in ("meta_batch", "accumulate", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: got {getattr(self, name)}, expected at least 1")
        if self.spread_directions < 0:
            raise ValueError(f"spread_directions: got {self.spread_directions}, expected 0 or more")
        for name in ("likeness", "silence", "excess"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: got {getattr(self, name)}, expected 0 or more")
        if not 0 < self.excess_from < math.inf:
            raise ValueError(f"excess_from: got {self.excess_from}, expected more than 0")
        if not 0 <= self.leak <= 1:
            raise ValueError(f"leak: got {self.leak}, expected 0 to 1")
        if not 0 <= self.layer_drop < 1:
            raise ValueError(f"layer_drop: got {self.layer_drop}, expected 0 or more, and less than 1")
        if self.layer_drop and self.lookahead is not None and self.lookahead.gradient == "way":
            raise ValueError(
                "layer_drop: with lookahead's gradient of the way nothing descends the thinned network's loss"
            )
        if not 0 <= self.smoothing <= 1:
            raise ValueError(f"smoothing: got {self.smoothing}, expected 0 to 1")
        if not self.cycles or min(steps for steps, _ in self.cycles) < 1:
            raise ValueError(f"cycles: got {self.cycles}, expected at least one, each of at least 1 step")

    @property
    def steps(self) -> int:
        """Steps of all cycles together."""
        return sum(steps for steps, _ in self.cycles)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(TrainSettings):
    """A run: the hypernetwork, the target networks and what they learn from, and how it trains.

    batch_size: images or tokens for each architecture.
    """

    hypernet: HypernetConfig
    family: str
    space: Space
    data: DataSource
    batch_size: int

    @property
    def members(self) -> tuple[Member, ...]:
        """The one family."""
        return (Member(family=self.family, space=self.space, data=self.data, batch_size=self.batch_size),)

    def batch_size_of(self, architecture: Mapping[str, Any]) -> int:
        """Images or tokens for an architecture."""
        return self.batch_size


@dataclass(frozen=True, kw_only=True)
class MixedTrainConfig(TrainSettings):
    """A run whose target networks are of several families: as `TrainConfig`, with a member for each family."""

    hypernet: HypernetConfig
    members: tuple[Member, ...]

    def __post_init__(self) -> None:
        """Raises ValueError for what makes no sense with several families."""
        super().__post_init__()
        families = [member.family for member in self.members]
        if not families or len(set(families)) < len(families):
            # An architecture says its family, and so whose it is.
            raise ValueError(f"members: got the families {families}, expected at least one, each once")
        if self.lookahead is not None:
            raise ValueError("lookahead: its batch_size is of images or of tokens, so it goes with one family alone")

    @property
    def space(self) -> MixedSpace:
        """The architectures of all members."""
        return MixedSpace(self.members)

    def batch_size_of(self, architecture: Mapping[str, Any]) -> int:
        """Images or tokens for an architecture: its family's."""
        sizes = {name: member.batch_size for member in self.members for name in member.space.model_types}
        return sizes[architecture["model_type"]]


def learning_rate_at(config: TrainSettings, step: int) -> float:
    """In each cycle, linear warm-up and then a cosine to 1% of the peak (SGDR, arXiv 1608.03983)."""
    at = step
    cycles = iter(config.cycles)
    steps, peak = next(cycles)
    for following in cycles:
        if at < steps:
            break
        at -= steps
        steps, peak = following
    if at < config.warmup_steps:
        return peak * (at + 1) / config.warmup_steps
    progress = (at - config.warmup_steps) / max(1, steps - config.warmup_steps)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
