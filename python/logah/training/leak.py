"""A ReLU that gradients pass where it is zero, so that what has died can wake.

The decoder's last ReLU is zero on all that a factor is made of for many nodes of trained models: such a factor is the
expansion's bias alone, whatever the node, and no gradient reaches the layers before it (docs/research-log.md, section
16). What is predicted, and so what is served, stays that of a plain ReLU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from logah.hypernet.hypernetwork import Hypernetwork
from logah.hypernet.low_rank_decoder import LowRankDecoder


class LeakingRelu(nn.Module):
    """max(0, x), whose gradient below 0 is taken for `leak` in place of 0."""

    def __init__(self, leak: float) -> None:
        super().__init__()
        self.leak = leak

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        result: Tensor = _Leaking.apply(x, self.leak)  # type: ignore[no-untyped-call]
        return result


class _Leaking(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, leak: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.leak = leak
        return x.relu()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,), (x,) = gradients, ctx.saved_tensors
        return torch.where(x > 0, gradient, ctx.leak * gradient), None


def let_leak(model: Hypernetwork, leak: float) -> None:
    """Gives the cores of the model's decoder a ReLU that leaks. Raises ValueError for a dense decoder."""
    if not isinstance(model.decoder, LowRankDecoder):
        raise ValueError(f"leak: the decoder is {model.config.decoder!r}, only low-rank ones have cores")
    model.decoder.core[-1] = LeakingRelu(leak)
