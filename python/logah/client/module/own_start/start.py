"""What a module itself starts with, for whoever decides what to fill."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Literal

from torch import Tensor, nn

from logah.client.module.local_box import local_tensor
from logah.client.module.module_parameters import ParameterSlot, parameter_slots, plain_name
from logah.client.module.own_start.computed import computed_values
from logah.client.module.own_start.constructed import constructed_values
from logah.client.module.own_start.draw import Constant, Draw
from logah.client.module.own_start.evidence import constant_of, hold_values, is_explained
from logah.client.module.own_start.remade import RemadeRules
from logah.client.module.own_start.rules import OwnRules
from logah.client.module.own_start.special import Purpose, is_special, is_special_draw, norm_default

#: What a module's memory holds: "held", values; "none", what `to_empty` leaves; "auto", what it looks like.
HeldValues = Literal["auto", "held", "none"]

#: Elements up to which it is worth to compute what no rule says, only to look at it.
_WORTH_A_LOOK = 1 << 20


class OwnStart:
    """A module's values as far as it holds any, else what its init code makes; asked one parameter at a time."""

    def __init__(
        self, root: nn.Module, slots: Sequence[ParameterSlot] | None = None, values: HeldValues = "auto"
    ) -> None:
        self._root, self._values = root, values
        self._slots = parameter_slots(root) if slots is None else slots
        self._rules = OwnRules(root)
        self._remade = RemadeRules(root)

    def slot(self, name: str) -> ParameterSlot:
        """The parameter of a name."""
        return self._by_name[plain_name(name)]

    @cached_property
    def _by_name(self) -> dict[str, ParameterSlot]:
        return {name: slot for slot in self._slots for name in slot.names}

    @cached_property
    def holds_values(self) -> bool:
        """Whether what of the module is not on the meta device was filled, and is not as `to_empty` leaves it."""
        if self._values != "auto":
            return self._values == "held"
        real = [slot for slot in self._slots if not slot.parameter.is_meta]
        return hold_values([slot.parameter for slot in real], lambda n: self._rules.record(real[n].names[0]).draw)

    def holds(self, slot: ParameterSlot) -> bool:
        """Whether a parameter has values."""
        return not slot.parameter.is_meta and self.holds_values

    def draw(self, slot: ParameterSlot) -> Draw:
        """What init code, or a constructor, draws for a parameter, as far as a rule can say it."""
        record = self._rules.record(slot.names[0])
        if self.holds(slot):
            return record.draw
        return self._remade.draw(slot.names[0], bool(record.writers)) or record.draw

    def assumed(self, name: str) -> str:
        """Where values are taken to be what a library's model has by default: that model's name; empty else."""
        slot = self.slot(name)
        model = "" if self.holds(slot) else self._remade.assumed(slot.names[0])
        if not model:
            return ""
        record = self._rules.record(slot.names[0])
        return "" if record.writers and record.draw == self.draw(slot) else model

    def explaining_draw(self, slot: ParameterSlot) -> Draw:
        """The same, if the values of the parameter could be drawn so; None else."""
        draw = self.draw(slot)
        return draw if is_explained(draw, slot.parameter) else None

    def explains(self, slot: ParameterSlot, axis: int, start: int, length: int) -> bool:
        """Whether a part of a parameter's values could be drawn as init code says; parts elsewhere are taken to be."""
        if local_tensor(slot.parameter).shape != slot.parameter.shape:
            return True
        return is_explained(self.draw(slot), slot.parameter.detach().narrow(axis, start, length))

    def computed(self, names: Collection[str], seed: int = 0) -> dict[str, Tensor]:
        """What init code gives parameters of these names, or else their model's constructor; see `computed_values`."""
        values = computed_values(self._root, names, seed)
        missing = [name for name in names if name not in values]
        return {**values, **constructed_values(self._root, missing, seed)} if missing else values

    def is_special(self, slot: ParameterSlot, purpose: Purpose) -> bool:
        """Whether the parameter starts as a layer's default would not, in a way that means something."""
        owner, _ = slot.places[0]
        if self.holds(slot):
            if not is_special(purpose, slot.parameter, 1.0):
                return False
            # Only now, since the init code has to run for it.
            default = norm_default(owner, self.draw(slot)) if purpose == "norm" else 1.0
            return is_special(purpose, slot.parameter, default)
        record, draw = self._rules.record(slot.names[0]), self.draw(slot)
        shape = slot.parameter.shape
        if draw is None and record.writers and shape.numel() <= _WORTH_A_LOOK:
            values = self._looked_at.get(slot.names[0])
            return values is not None and is_special(purpose, values, norm_default(owner, None))
        return is_special_draw(purpose, shape, draw, norm_default(owner, draw))

    def can_fill(self, name: str) -> bool:
        """Whether a parameter has values, or code that computes some."""
        slot = self.slot(name)
        if self.holds(slot) or self._rules.record(slot.names[0]).writers or self.draw(slot) is not None:
            return True
        return slot.names[0] in self._rest

    @cached_property
    def _rest(self) -> dict[str, Tensor]:
        """What no init function writes, but is computed all the same."""
        names = [slot.names[0] for slot in self._slots if not self._rules.record(slot.names[0]).writers]
        return self.computed(names)

    def is_zero(self, slot: ParameterSlot) -> bool:
        """Whether all of a parameter starts at 0."""
        if self.holds(slot):
            return constant_of(slot.parameter) == 0
        return self.draw(slot) == Constant(0.0)

    @cached_property
    def _looked_at(self) -> dict[str, Tensor]:
        records = [(slot, self._rules.record(slot.names[0])) for slot in self._slots]
        names = [
            slot.names[0]
            for slot, record in records
            if record.draw is None and record.writers and slot.parameter.numel() <= _WORTH_A_LOOK
        ]
        return self.computed(names)
