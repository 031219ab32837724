"""Every way to initialise a network that is compared, by a label such as `orthogonal` or `predicted+noise=0.05`.

All but `predicted` are controls. A label is one of `KINDS`, then `:NAME` where another hypernetwork than a comparison's
own is to predict (`predicted:ghn3`), then any number of lifts (`lifts.LIFTS`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from logah.evaluation.closed_forms import GAMMA, mup_orthogonal_state, small_state, torchtitan_state
from logah.evaluation.growth import hypercloned, net2wider
from logah.evaluation.impulse import impulse_state
from logah.evaluation.lifts import LIFTS, Lift
from logah.evaluation.matched_noise import moment_matched, random_rank, shuffled
from logah.evaluation.mimetic import mimetic_state
from logah.evaluation.narrow import trained_narrow
from logah.evaluation.widening import base_configuration, copies_needed, widened
from logah.graph import ArchitectureGraph, Prediction
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.state_blocks import is_matrix, map_predicted
from logah.targets.task import Task, predict_state

#: Of orthogonal matrices: keeps the variance of activations through a ReLU (He et al., arXiv 1502.01852).
GAIN = math.sqrt(2.0)


class InitialisationError(ValueError):
    """A label that names no initialisation; the message says which there are."""


@dataclass(frozen=True)
class Target:
    """One network: its complete transformers configuration, and what predicts it, if anything is to.

    ranges: sizes that the hypernetwork was trained on, name -> [least, most]; growth starts from one of them too.
    """

    task: Task
    config: Mapping[str, Any]
    hypernetwork: Hypernetwork | None = None
    ranges: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def predictor(self) -> Hypernetwork:
        """What predicts it. Raises InitialisationError where nothing does."""
        if self.hypernetwork is None:
            raise InitialisationError("no hypernetwork is given, which this initialisation needs")
        return self.hypernetwork

    @cached_property
    def graph(self) -> ArchitectureGraph:
        """Of this network."""
        return self.task.graph(self.config)

    @torch.no_grad()
    def predicted(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Predicted at the widest trained base and widened from there; `generator` draws what is not predicted."""
        copies = copies_needed(self.config, self.ranges)
        base = base_configuration(self.config, copies)
        state = predict_state(self.predictor, self.task.graph(base), generator)
        return state if copies == 1 else widened(base, state, copies)

    def default(self, seed: int) -> dict[str, Tensor]:
        """As transformers starts it."""
        return self.task.initialized(self.config, seed)


def _default(target: Target, seed: int) -> dict[str, Tensor]:
    return target.default(seed)


def _predicted(target: Target, seed: int) -> dict[str, Tensor]:
    return target.predicted(_generator(seed))


def _orthogonal(target: Target, seed: int) -> dict[str, Tensor]:
    """Orthogonal matrices (Saxe et al., arXiv 1312.6120), kernels as [out, the rest]; the rest as transformers has it.

    A tied token table is one of them, a table of positions is not.
    """
    generator = _generator(seed)

    def orthogonal(block: Tensor, origin: Prediction) -> Tensor:
        if not is_matrix(block) or origin.role == "ROLE_EMBEDDING":
            return block
        fresh = torch.empty(block.shape)
        torch.nn.init.orthogonal_(fresh, GAIN, generator=generator)
        return fresh

    return map_predicted(target.graph, target.default(seed), orthogonal)


def _mimetic(target: Target, seed: int) -> dict[str, Tensor]:
    return mimetic_state(target.config, target.default(seed), _generator(seed))


def _torchtitan(target: Target, seed: int) -> dict[str, Tensor]:
    return torchtitan_state(target.config, target.default(seed), _generator(seed))


def _small(target: Target, seed: int) -> dict[str, Tensor]:
    return small_state(target.graph, target.default(seed), GAMMA, _generator(seed))


def _mup_orthogonal(target: Target, seed: int) -> dict[str, Tensor]:
    return mup_orthogonal_state(target.graph, target.default(seed), _generator(seed))


def _impulse(target: Target, seed: int) -> dict[str, Tensor]:
    if target.task.family != "vit":
        raise InitialisationError(f"impulse: got a network of family {target.task.family!r}, expected 'vit'")
    return impulse_state(target.config, target.default(seed), _generator(seed))


def _moments(target: Target, seed: int) -> dict[str, Tensor]:
    generator = _generator(seed)
    return moment_matched(target.graph, target.predicted(generator), generator)


def _shuffled(target: Target, seed: int) -> dict[str, Tensor]:
    generator = _generator(seed)
    return shuffled(target.graph, target.predicted(generator), generator)


def _random_rank(target: Target, seed: int) -> dict[str, Tensor]:
    generator = _generator(seed)
    rank = target.predictor.config.rank
    return random_rank(target.graph, target.predicted(generator), rank, generator)


def _grown(grow: Callable[..., dict[str, Tensor]]) -> Callable[[Target, int], dict[str, Tensor]]:
    """A trained narrow network, made wider; where none is needed, one of the target's own size, trained."""

    def state(target: Target, seed: int) -> dict[str, Tensor]:
        if not target.ranges:
            raise InitialisationError("no hypernetwork is given, whose trained widths say how narrow a network grows")
        copies = copies_needed(target.config, target.ranges)
        base = base_configuration(target.config, copies)
        narrow = trained_narrow(target.task, base, seed)
        return narrow if copies == 1 else grow(base, narrow, copies, _generator(seed))

    return state


#: `compute` starts as `default` does; it is trained for longer.
KINDS: Mapping[str, Callable[[Target, int], dict[str, Tensor]]] = {
    "default": _default,
    "compute": _default,
    "orthogonal": _orthogonal,
    "mimetic": _mimetic,
    "torchtitan": _torchtitan,
    "small": _small,
    "mup_orthogonal": _mup_orthogonal,
    "impulse": _impulse,
    "copies": _grown(lambda config, state, copies, _: widened(config, state, copies)),
    "hypercloned": _grown(hypercloned),
    "net2wider": _grown(net2wider),
    "moments": _moments,
    "shuffled": _shuffled,
    "random_rank": _random_rank,
    "predicted": _predicted,
}
#: Those that begin with a narrower network; a hypernetwork's trained widths say how narrow.
GROWN = ("copies", "hypercloned", "net2wider")
#: Those that need no hypernetwork's prediction.
INDEPENDENT = (
    *("default", "compute", "orthogonal", "mimetic", "torchtitan", "small", "mup_orthogonal", "impulse"),
    *GROWN,
)


@dataclass(frozen=True)
class Label:
    """A label's parts. hypernetwork: the name of the one that predicts; empty: the comparison's own."""

    kind: str
    hypernetwork: str
    lifts: tuple[Lift, ...]

    @property
    def needs_hypernetwork(self) -> bool:
        """Whether another hypernetwork gives another state."""
        return self.kind not in INDEPENDENT

    @property
    def needs_ranges(self) -> bool:
        """Whether it has to be known which sizes a hypernetwork was trained on."""
        return self.kind in GROWN


def initial_state(label: str, target: Target, seed: int) -> dict[str, Tensor]:
    """Every parameter of the target that is not tied, float32. Raises InitialisationError for an unknown label."""
    parsed = parse_label(label)
    state = KINDS[parsed.kind](target, seed)
    # A stream of its own, so that what a lift draws does not depend on how much was drawn before.
    generator = _generator(seed + 1_000_003)
    for lift in parsed.lifts:
        state = lift(target.config, state, generator)
    return {name: tensor.float().contiguous() for name, tensor in state.items()}


def parse_label(label: str) -> Label:
    """`predicted:ghn3+noise=0.05` -> its parts; a lift's strength that is not said is 1. Raises InitialisationError."""
    start, *names = label.split("+")
    kind, colon, hypernetwork = start.partition(":")
    if kind not in KINDS:
        raise InitialisationError(f"{label}: got {kind!r}, expected one of {', '.join(KINDS)}")
    if colon and (kind in INDEPENDENT or not hypernetwork):
        predicted = ", ".join(name for name in KINDS if name not in INDEPENDENT)
        raise InitialisationError(f"{label}: a hypernetwork's name after the colon is for {predicted}")
    lifts = []
    for part in names:
        name, _, strength = part.partition("=")
        if name not in LIFTS:
            raise InitialisationError(f"{label}: got the lift {name!r}, expected one of {', '.join(LIFTS)}")
        try:
            lifts.append(LIFTS[name](float(strength or 1)))
        except ValueError as error:
            raise InitialisationError(f"{label}: {error}") from error
    return Label(kind, hypernetwork, tuple(lifts))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
