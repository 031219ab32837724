"""Buffers: no server predicts them, so their own module must be able to compute them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from logah.client.module.module_parameters import plain_name
from logah.client.module.own_start.computed import computed_values
from logah.client.module.own_start.constructed import constructed_values
from logah.errors import CoverageError


class Buffers:
    """The buffers of a module that its own init code computes, ready to be put in."""

    def __init__(self, root: nn.Module, holds_values: bool) -> None:
        """`holds_values`: whether buffers with memory are what they should be, and not as `to_empty` leaves them.

        Init code is PyTorch's (running statistics of batch norm), transformers' `_init_weights` (rotary frequencies,
        position numbers), and what other models have for it. Raises CoverageError naming the buffers that none fills
        and that hold nothing.
        """
        self._places = [
            (plain_name(f"{prefix}.{name}" if prefix else name), module, name, buffer)
            for prefix, module in root.named_modules()
            for name, buffer in module._buffers.items()
            if buffer is not None
        ]
        names = [name for name, *_ in self._places]
        self._values = computed_values(root, names, owners_alone=True) if names else {}
        missing = self._missing(holds_values)
        if missing:
            self._values |= computed_values(root, missing)
            self._values |= constructed_values(root, self._missing(holds_values), 0)
            missing = self._missing(holds_values)
        if missing:
            raise CoverageError(
                f"buffers that hold nothing, and that nothing computes: {', '.join(missing)}; create them on a real "
                "device (the parameters may stay on the meta device)",
                missing,
            )

    def put(self, device: torch.device | str | None) -> None:
        """Fills the buffers: those on the meta device on `device` or the CPU, all others where they are."""
        replaced: dict[int, Tensor] = {}
        for name, module, attribute, buffer in self._places:
            value = self._values.get(name)
            if buffer.is_meta:
                if id(buffer) not in replaced and value is not None:
                    replaced[id(buffer)] = value.to(device or "cpu")
                module._buffers[attribute] = replaced[id(buffer)]
            elif value is not None:
                with torch.no_grad():
                    buffer.copy_(value)

    def _missing(self, holds_values: bool) -> list[str]:
        found = {id(buffer) for name, _, _, buffer in self._places if name in self._values}
        return [
            name
            for name, _, _, buffer in self._places
            if id(buffer) not in found and buffer.numel() > 0 and (buffer.is_meta or not holds_values)
        ]


def materialize_buffers(root: nn.Module, device: torch.device | str | None) -> None:
    """Fills the buffers of a module that its init code computes. Raises CoverageError as `Buffers` does."""
    Buffers(root, holds_values=True).put(device)
