"""What is done to a predicted state before it is trained on: a lift is called with configuration, state, generator.

A new one is an entry in `LIFTS`; labels in plans then name it as `predicted+NAME=STRENGTH`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from logah.evaluation.closed_forms import TOKEN_TABLES
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
        start = _default_of(config, generator)
        return {name: t + strength * start[name] if is_matrix(t) else t for name, t in state.items()}

    return lift


def fill(strength: float) -> Lift:
    """Adds to each matrix whose deviation is below `strength` times the default start's as much of one as it lacks.

    So silent matrices begin as they would by default, and what is predicted elsewhere stays.
    """

    def lift(config: Mapping[str, Any], state: State, generator: torch.Generator) -> State:
        start = _default_of(config, generator)

        def filled(name: str, tensor: Tensor) -> Tensor:
            whole, own = float(start[name].std()), float(tensor.std())
            return tensor if own >= strength * whole else tensor + max(0, 1 - (own / whole) ** 2) ** 0.5 * start[name]

        return {name: filled(name, tensor) if is_matrix(tensor) else tensor for name, tensor in state.items()}

    return lift


def shrink(strength: float) -> Lift:
    """Multiplies each matrix by `strength`; with a base after it, shrink and perturb (arXiv 1910.08475)."""

    def lift(config: Mapping[str, Any], state: State, generator: torch.Generator) -> State:
        return {name: strength * tensor if is_matrix(tensor) else tensor for name, tensor in state.items()}

    return lift


def blend(strength: float) -> Lift:
    """A default start moved towards the prediction, as a request's `strength`, and a `base` of 1, have it.

    Each matrix is a default start's and `strength` times the predicted one; all else lies `strength` of the way from
    the default start's to the predicted one.
    """

    def lift(config: Mapping[str, Any], state: State, generator: torch.Generator) -> State:
        start = _default_of(config, generator)
        return {
            name: start[name] + strength * (tensor if is_matrix(tensor) else tensor - start[name])
            for name, tensor in state.items()
        }

    return lift


def table(strength: float) -> Lift:
    """Keeps `strength` times the table of tokens, and takes all else from a default start."""

    def lift(config: Mapping[str, Any], state: State, generator: torch.Generator) -> State:
        start = _default_of(config, generator)
        return {name: strength * tensor if name in TOKEN_TABLES else start[name] for name, tensor in state.items()}

    return lift


def _default_of(config: Mapping[str, Any], generator: torch.Generator) -> State:
    """Of a seed that the generator draws."""
    return default_state(config, int(torch.randint(2**31, (1,), generator=generator)))


def _with_noise(state: State, deviations: Mapping[str, float], generator: torch.Generator) -> State:
    def noisy(name: str, tensor: Tensor) -> Tensor:
        return tensor + deviations[name] * torch.randn(tensor.shape, generator=generator)

    return {name: noisy(name, tensor) if is_matrix(tensor) else tensor for name, tensor in state.items()}


#: By name: what makes a lift of a strength.
LIFTS: dict[str, Callable[[float], Lift]] = {
    "noise": noise,
    "default_noise": default_noise,
    "base": base,
    "fill": fill,
    "shrink": shrink,
    "blend": blend,
    "table": table,
}
