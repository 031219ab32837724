"""bf16 where the processor multiplies it faster than float32, and the attention that goes with it on a CPU."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask

#: "auto" is bf16 where the device has instructions for it.
Precision = Literal["float32", "bf16", "auto"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16", "auto")

#: Our attention's name for transformers' `attn_implementation`.
ATTENTION = "logah_sdpa"


def has_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for products of bf16 matrices."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """The context of a target network's forward pass."""
    enabled = precision == "bf16" or (precision == "auto" and has_bf16(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def _attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """transformers' SDPA; on a CPU in float32, since torch's bf16 kernel takes five to ten times as long there."""
    if query.device.type != "cpu":
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    with torch.autocast("cpu", enabled=False):
        output, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **options)
    return output.to(query.dtype), None


AttentionInterface.register(ATTENTION, _attention)
ALL_MASK_ATTENTION_FUNCTIONS.register(ATTENTION, sdpa_mask)
