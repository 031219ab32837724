"""Sees what init code writes, without values: on tensors that are fake."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException
from torch.utils._python_dispatch import TorchDispatchMode

from logah.client.module.own_start.draw import Constant, Draw, Normal, Uniform


@dataclass
class Record:
    """What was written to one tensor."""

    #: What the last writing left; None: nothing that a rule can say.
    draw: Draw = None
    #: Positions, in the order of the run, of the functions that wrote to it.
    writers: list[int] = field(default_factory=list)


class Recorder(TorchDispatchMode):
    """Follows the values of tensors through the operations that init code is made of."""

    def __init__(self, followed: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._names = {_storage(tensor): name for name, tensor in followed.items()}
        self._sizes = {_storage(tensor): tensor.numel() for tensor in followed.values()}
        self._draws: dict[int, Draw] = {}
        # So that no storage of a tensor that is followed comes to lie where another was.
        self._alive: list[Any] = []
        self.records: dict[str, Record] = {}
        #: Which function is running.
        self.writer = 0

    def draw_of(self, tensor: Tensor) -> Draw:
        """What the last writing left in a tensor that was made meanwhile."""
        return self._draws.get(_storage(tensor))

    def forget(self, writer: int) -> None:
        """What a function wrote that did not come to its end is not known."""
        for record in self.records.values():
            if record.writers[-1:] == [writer]:
                record.draw = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        own = kwargs or {}
        name = func.overloadpacket.__name__
        before = self._draws.get(_storage(args[0])) if args and isinstance(args[0], Tensor) else None
        source = self._draws.get(_storage(args[1])) if len(args) > 1 and isinstance(args[1], Tensor) else None
        try:
            result = func(*args, **own)
        except DataDependentOutputException:
            # Whether drawn values must be drawn again: never, of values that do not exist.
            return False
        if name in ("lt", "gt") and isinstance(before, Normal):
            self._bound(args[0], name, args[1], before)
        elif func._schema.is_mutable and args and isinstance(args[0], Tensor):
            step = _STEPS.get(name)
            draw = source if name == "copy_" else step(before, args[1:], own) if step is not None else None
            self._written(args[0], draw)
        elif isinstance(result, Tensor) and not _is_view(func):
            self._made(name, result, args, own, before)
        return result

    def _bound(self, tensor: Tensor, name: str, bound: Any, draw: Normal) -> None:
        """A comparison with a bound, as PyTorch makes before it draws again."""
        if isinstance(bound, int | float):
            low, high = (bound, draw.high) if name == "lt" else (draw.low, bound)
            self._draws[_storage(tensor)] = Normal(draw.mean, draw.deviation, low, high)
            self._keep(tensor)

    def _written(self, tensor: Tensor, draw: Draw) -> None:
        key = _storage(tensor)
        whole = tensor.numel() == self._sizes.get(key, tensor.untyped_storage().size() // tensor.element_size())
        self._draws[key] = draw if whole else None
        self._keep(tensor)

    def _keep(self, tensor: Tensor) -> None:
        key = _storage(tensor)
        self._alive.append(tensor.untyped_storage())
        name = self._names.get(key)
        if name is None:
            return
        record = self.records.setdefault(name, Record())
        record.draw = self._draws[key]
        if not record.writers or record.writers[-1] != self.writer:
            record.writers.append(self.writer)

    def _made(self, name: str, result: Tensor, args: Any, kwargs: Any, before: Draw) -> None:
        """A new tensor."""
        maker = _MAKERS.get(name)
        draw: Draw = None
        if maker is not None:
            draw = maker(args, kwargs)
        elif name in ("clone", "_to_copy", "contiguous", "detach", "where"):
            # Of `where`: what is drawn again is drawn alike.
            draw = before if name != "where" else self._draws.get(_storage(args[2]))
        elif name in _STEPS_OF_NUMBERS:
            draw = _STEPS[name + "_"](before, args[1:], kwargs)
        self._draws[_storage(result)] = draw
        self._alive.append(result.untyped_storage())


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _is_view(func: Any) -> bool:
    return any(r.alias_info is not None for r in func._schema.returns)


def _at(args: Any, position: int, kwargs: Mapping[str, Any], name: str, default: float) -> float:
    value = args[position] if position < len(args) else kwargs.get(name, default)
    return float(value)


Step = Callable[[Draw, Any, Mapping[str, Any]], Draw]


def _number(args: Any) -> float | None:
    """An operand that is a number, or says one."""
    value = args[0] if args else None
    if isinstance(value, Tensor) and value.dim() == 0 and getattr(value, "constant", None) is not None:
        value = value.constant.item()  # type: ignore[attr-defined]
    return float(value) if isinstance(value, int | float) else None


def _fill(_: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    number = _number(args)
    return None if number is None else Constant(number)


def _normal(_: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    mean, deviation = _at(args, 0, kwargs, "mean", 0.0), _at(args, 1, kwargs, "std", 1.0)
    return Normal(mean, deviation) if deviation > 0 else Constant(mean)


def _uniform(_: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    return Uniform(_at(args, 0, kwargs, "from", 0.0), _at(args, 1, kwargs, "to", 1.0))


def _scaled(before: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    number = _number(args)
    return None if before is None or number is None else before.times(number)


def _divided(before: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    number = _number(args)
    return None if before is None or not number else before.times(1 / number)


def _moved(before: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    number = _number(args)
    return None if before is None or number is None else before.plus(number * _at((), 0, kwargs, "alpha", 1.0))


def _moved_back(before: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    number = _number(args)
    return None if before is None or number is None else before.plus(-number * _at((), 0, kwargs, "alpha", 1.0))


def _inverse_error_function(before: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    """Of a uniform distribution within -1 and 1: a normal one between what the bounds become, over the root of 2."""
    if not isinstance(before, Uniform) or before.low < -1 or before.high > 1:
        return None
    # No tensors: those made here would be without values, too.
    low, high = (
        math.copysign(math.inf, x) if abs(x) == 1 else NormalDist().inv_cdf((1 + x) / 2) / math.sqrt(2)
        for x in (before.low, before.high)
    )
    return Normal(0.0, math.sqrt(0.5), low, high)


def _clamped(before: Draw, args: Any, kwargs: Mapping[str, Any]) -> Draw:
    low = args[0] if args else kwargs.get("min")
    high = args[1] if len(args) > 1 else kwargs.get("max")
    if not isinstance(before, Normal):
        return None
    return before.within(-math.inf if low is None else low, math.inf if high is None else high)


_STEPS: dict[str, Step] = {
    "zero_": lambda *_: Constant(0.0),
    "fill_": _fill,
    "normal_": _normal,
    "uniform_": _uniform,
    "mul_": _scaled,
    "div_": _divided,
    "add_": _moved,
    "sub_": _moved_back,
    "erfinv_": _inverse_error_function,
    "clamp_": _clamped,
}

_STEPS_OF_NUMBERS = {"mul", "div", "add", "sub", "clamp", "erfinv"}

_MAKERS: dict[str, Callable[[Any, Mapping[str, Any]], Draw]] = {
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), lambda *_: Constant(0.0)),
    **dict.fromkeys(("ones", "ones_like", "new_ones"), lambda *_: Constant(1.0)),
    **dict.fromkeys(("full", "full_like"), lambda args, _: _fill(None, args[1:], {})),
    "new_full": lambda args, _: _fill(None, args[2:], {}),
    **dict.fromkeys(("randn", "randn_like"), lambda *_: Normal(0.0, 1.0)),
    **dict.fromkeys(("rand", "rand_like"), lambda *_: Uniform(0.0, 1.0)),
}
