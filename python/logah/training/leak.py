"""A ReLU that gradients pass where it is zero, so that what has died can wake.

The decoder's last ReLU is zero on all that a factor is made of for many nodes of trained models: such a factor is the
expansion's bias alone, whatever the node, and no gradient reaches the layers before it (docs/research-log.md, section
16). What is predicted, and so what is served, stays that of a plain ReLU.

Only gradients that raise what lies below zero should pass. One that lowers it changes nothing that is predicted, so it
never ends: what is below zero moves away for as long as training goes on, in the layers before it as well.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from logah.hypernet.hypernetwork import Hypernetwork
from logah.hypernet.low_rank_decoder import LowRankDecoder

#: up: descent along what passes raises the input; both: it may lower it as well.
LeakDirection = Literal["up", "both"]


class LeakingRelu(nn.Module):
    """max(0, x), whose gradient below 0 is taken for `leak` in place of 0, where its direction is one that passes."""

    def __init__(self, leak: float, direction: LeakDirection = "up") -> None:
        super().__init__()
        self.leak, self.direction = leak, direction

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        result: Tensor = _Leaking.apply(x, self.leak, self.direction)  # type: ignore[no-untyped-call]
        return result


class _Leaking(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, leak: float, direction: LeakDirection) -> Tensor:
        ctx.save_for_backward(x)
        ctx.leak, ctx.direction = leak, direction
        return x.relu()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,), (x,) = gradients, ctx.saved_tensors
        passing = gradient.clamp(max=0) if ctx.direction == "up" else gradient
        return torch.where(x > 0, gradient, ctx.leak * passing), None, None


def let_leak(model: Hypernetwork, leak: float, direction: LeakDirection = "up") -> None:
    """Gives the cores of the model's decoder a ReLU that leaks. Raises ValueError for a dense decoder."""
    if not isinstance(model.decoder, LowRankDecoder):
        raise ValueError(f"leak: the decoder is {model.config.decoder!r}, only low-rank ones have cores")
    model.decoder.core[-1] = LeakingRelu(leak, direction)
