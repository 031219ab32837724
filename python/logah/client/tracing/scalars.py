"""Scalars on the meta device, such as CLIP's scale of logits: their model's constructor says what they are."""

from __future__ import annotations

from functools import cached_property

from torch import nn

from logah.client.module.own_start.constructed import constructed_values
from logah.client.module.own_start.draw import constant_rule
from logah.graph.architecture import Initialization

#: Elements of tensors that a constructor may want numbers of on its way, as the rates of dropped paths by depth.
_SMALL = 4096


class ConstructedScalars:
    """Parameters of one element that are on the meta device."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._names = [n for n, own in module.named_parameters() if own.is_meta and own.numel() == 1]

    def rule(self, name: str) -> Initialization | None:
        """The constant that the constructor gives the scalar; None for other parameters, and for one that is drawn."""
        value = self._values.get(name) if name in self._names else None
        return None if value is None else constant_rule(value)

    @cached_property
    def _values(self) -> dict[str, float]:
        """What is the same however often the model is made."""
        first, second = (constructed_values(self._module, self._names, seed, _SMALL) for seed in (0, 1))
        return {name: float(value) for name, value in first.items() if name in second and value.equal(second[name])}
