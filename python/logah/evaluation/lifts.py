"""What is done to a predicted state before it is trained on: a lift is called with configuration, state, generator.

A new one is an entry in `LIFTS`; labels in plans then name it as `predicted+NAME=STRENGTH`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from logah.evaluation.default_state import default_state
from logah.targets.state_blocks import is_matrix

State = dict[str, Tensor]
Lift = Callable[[Mapping[str, Any], State, torch.Generator], State]


def noise(strength: float) -> Lift:
    """Adds to each matrix Gaussian noise of `strength` times its own standard deviation."""

    def lift(config: Mapping[str, Any], state: State, generator: torch.Generator) -> State:
        return _with_noise(state, {name: strength * float(t.std()) for name, t in state.items()}, generator)

    return lift


def default_noise(strength: float) -> Lift:
    """Adds to each matrix Gaussian noise of `strength` times the standard deviation of its default initialisation."""

    def lift(config: Mapping[str, Any], state: State, generator: torch.Generator) -> State:
        default = default_state(config, 0)
        return _with_noise(state, {name: strength * float(default[name].std()) for name in state}, generator)

    return lift


def base(strength: float) -> Lift:
    """Adds to each matrix `strength` times that of a default start, of a seed that the generator draws.

    What a hypernetwork that was trained with `base: default` predicts is a correction of such a start.
    """

    def lift(config: Mapping[str, Any], state: State, generator: torch.Generator) -> State:
        seed = int(torch.randint(2**31, (1,), generator=generator))
        start = default_state(config, seed)
        return {name: t + strength * start[name] if is_matrix(t) else t for name, t in state.items()}

    return lift


def _with_noise(state: State, deviations: Mapping[str, float], generator: torch.Generator) -> State:
    def noisy(name: str, tensor: Tensor) -> Tensor:
        return tensor + deviations[name] * torch.randn(tensor.shape, generator=generator)

    return {name: noisy(name, tensor) if is_matrix(tensor) else tensor for name, tensor in state.items()}


#: By name: what makes a lift of a strength.
LIFTS: dict[str, Callable[[float], Lift]] = {
    "noise": noise,
    "default_noise": default_noise,
    "base": base,
}
