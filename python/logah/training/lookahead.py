"""An objective that looks past step 0: how good predicted parameters are after the first steps of training.

Parameters that are only good where they are may lose what they know within a few steps, since the first updates of Adam
are as large as its rate in every element, whatever the gradient. So the target takes a few such steps, and its loss
afterwards is what the hypernetwork shall lower. The gradient there is used as that of the prediction (first-order
MAML: Finn et al., arXiv 1703.03400, section 5.2), or the way that the target went is, so that the prediction moves to
where training takes it (Reptile: Nichol et al., arXiv 1803.02999).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

#: Adam's, as torch has them by default.
BETAS = (0.9, 0.999)
EPSILON = 1e-8


@dataclass(frozen=True)
class Lookahead:
    """Settings. steps: of the target, one of these drawn for each architecture; 0 is the loss of the prediction itself.

    rates: smallest and largest learning rate, drawn log-uniformly. batch_size: images or tokens of each step.
    gradient: that of the loss at the end, or the way there (the prediction less the end).
    """

    steps: tuple[int, ...]
    rates: tuple[float, float]
    batch_size: int
    gradient: Literal["end", "way"] = "end"

    def __post_init__(self) -> None:
        """Raises ValueError where there is no way."""
        if self.gradient == "way" and min(self.steps, default=1) < 1:
            raise ValueError(f"steps: got {list(self.steps)}, expected at least 1 each, since 0 steps are no way")

    def draw(self, rng: random.Random) -> tuple[int, float]:
        """The steps and the rate of one architecture."""
        low, high = (math.log(rate) for rate in self.rates)
        return rng.choice(self.steps), math.exp(rng.uniform(low, high))


def look_ahead(
    state: Mapping[str, Tensor], loss: Callable[[Mapping[str, Tensor]], Tensor], steps: int, rate: float
) -> dict[str, Tensor]:
    """The parameters after `steps` steps of Adam from `state`, detached: the gradient there stands for that at `state`.

    `loss` draws a batch at each call and gives the loss of the parameters that it is handed.
    """
    names = list(state)
    with torch.enable_grad():
        parameters = [tensor.detach().clone().requires_grad_() for tensor in state.values()]
        first = [torch.zeros_like(parameter) for parameter in parameters]
        second = [torch.zeros_like(parameter) for parameter in parameters]
        for step in range(1, steps + 1):
            value = loss(dict(zip(names, parameters, strict=True)))
            gradients = torch.autograd.grad(value, parameters, allow_unused=True)
            present = [i for i, gradient in enumerate(gradients) if gradient is not None]
            _adam(
                [parameters[i] for i in present],
                [gradient for gradient in gradients if gradient is not None],
                [first[i] for i in present],
                [second[i] for i in present],
                step,
                rate,
            )
    return {name: parameter.detach() for name, parameter in zip(names, parameters, strict=True)}


@torch.no_grad()
def _adam(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    first: Sequence[Tensor],
    second: Sequence[Tensor],
    step: int,
    rate: float,
) -> None:
    """One step of Adam in place (Kingma and Ba, arXiv 1412.6980, algorithm 1)."""
    torch._foreach_lerp_(list(first), list(gradients), 1 - BETAS[0])
    torch._foreach_mul_(list(second), BETAS[1])
    torch._foreach_addcmul_(list(second), list(gradients), list(gradients), 1 - BETAS[1])
    denominators = torch._foreach_sqrt(list(second))
    torch._foreach_div_(denominators, math.sqrt(1 - BETAS[1] ** step))
    torch._foreach_add_(denominators, EPSILON)
    torch._foreach_addcdiv_(list(parameters), list(first), denominators, -rate / (1 - BETAS[0] ** step))
