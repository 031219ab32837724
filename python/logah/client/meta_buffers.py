"""Buffers on the meta device: no server predicts them, so their own module must be able to compute them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from logah.errors import CoverageError


def materialize_buffers(root: nn.Module, device: torch.device | str | None) -> None:
    """Fills the buffers that are on the meta device by their modules' own rules, on `device` or the CPU.

    Known rules: the running statistics of batch norm, and transformers' `_init_weights` (rotary frequencies, position
    numbers). Raises CoverageError naming the buffers that have none; nothing is changed then.
    """
    names: list[str] = []
    for prefix, module in root.named_modules():
        own = {name: buffer for name, buffer in module._buffers.items() if buffer is not None and buffer.is_meta}
        if own and not _fill(root, module, own, device):
            names += [f"{prefix}.{name}" if prefix else name for name in own]
    if names:
        raise CoverageError(
            f"buffers on the meta device that nothing predicts: {', '.join(names)}; create them on a real device "
            "(the parameters may stay on the meta device)",
            names,
        )


def _fill(root: nn.Module, module: nn.Module, own: dict[str, Tensor], device: torch.device | str | None) -> bool:
    for name, buffer in own.items():
        module._buffers[name] = _marked(buffer, device)
    if isinstance(module, nn.modules.batchnorm._NormBase):
        module.reset_running_stats()
    elif not module._parameters:
        # transformers' rule would also draw parameters of the module's own anew.
        rule: Any = getattr(root, "_init_weights", None)
        if callable(rule):
            rule(module)
    if any(_is_marked(module._buffers[name]) for name in own):
        module._buffers.update(own)
        return False
    return True


def _marked(buffer: Tensor, device: torch.device | str | None) -> Tensor:
    """Real memory in which it shows whether anything was written."""
    if buffer.is_floating_point() or buffer.is_complex():
        mark: float = float("nan")
    else:
        mark = 0 if buffer.dtype == torch.bool else torch.iinfo(buffer.dtype).min
    return torch.full_like(buffer, mark, device=device or "cpu")


def _is_marked(buffer: Tensor | None) -> bool:
    if buffer is None:
        return False
    if buffer.is_floating_point() or buffer.is_complex():
        return bool(buffer.isnan().any())
    return buffer.dtype == torch.bool or bool((buffer == torch.iinfo(buffer.dtype).min).any())
