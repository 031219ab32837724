"""bf16 where the processor multiplies it faster than float32; `targets.attention` goes with it on a CPU."""

from __future__ import annotations

from typing import Literal

import torch

#: "auto" is bf16 where the device has instructions for it.
Precision = Literal["float32", "bf16", "auto"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16", "auto")


def has_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for products of bf16 matrices."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """The context of a target network's forward pass."""
    enabled = precision == "bf16" or (precision == "auto" and has_bf16(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)
