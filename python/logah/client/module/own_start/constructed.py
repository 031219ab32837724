"""Values that only a constructor says: a model that says how it was made is made once more."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._pytree import tree_map_only

from logah.client.module.own_start.remade import makers

#: Elements of one tensor up to which it gets memory.
_SMALL = 1 << 20


def constructed_values(root: nn.Module, names: Collection[str], seed: int, largest: int = _SMALL) -> dict[str, Tensor]:
    """Of parameters and buffers of these names, up to `largest` elements each, what their constructor gives them.

    Whatever is larger is on the meta device. Of models that say how they were made alone.
    """
    values: dict[str, Tensor] = {}
    for maker in makers(root):
        wanted = [name for name in names if name.startswith(maker.prefix)]
        if not wanted:
            continue
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed % (1 << 63))
            try:
                with _SmallOnes(largest):
                    other = maker.make()
            except Exception:  # Of the module's own code.
                continue
        own = {**dict(maker.model.named_parameters()), **dict(maker.model.named_buffers())}
        made = {**dict(other.named_parameters()), **dict(other.named_buffers())}
        for name in wanted:
            place = name.removeprefix(maker.prefix)
            value = made.get(place)
            if value is not None and not value.is_meta and value.shape == own[place].shape:
                values[name] = value.detach()
    return values


class _SmallOnes(TorchFunctionMode):
    """Makes small tensors on the CPU and large ones on the meta device; what both go into is on the meta device."""

    def __init__(self, largest: int) -> None:
        super().__init__()
        self._largest = largest

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        own = kwargs or {}
        if func in _device_constructors() and own.get("device") is None:
            made = func(*args, **{**own, "device": "meta"})
            is_small = isinstance(made, Tensor) and made.numel() <= self._largest
            return func(*args, **{**own, "device": "cpu"}) if is_small else made
        try:
            return func(*args, **own)
        except (RuntimeError, NotImplementedError):
            moved = tree_map_only(Tensor, lambda tensor: tensor.to("meta"), (args, own))
            return func(*moved[0], **moved[1])
