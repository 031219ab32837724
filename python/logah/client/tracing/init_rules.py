"""The rules by which the framework itself fills what no hypernetwork predicts, seen in its own code at work."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException
from torch.utils._python_dispatch import TorchDispatchMode

from logah.client.tracing.shadow import Shadow
from logah.graph.architecture import Initialization

_ZEROS = Initialization("RULE_ZEROS")
_ONES = Initialization("RULE_ONES")

#: PyTorch's default bounds of a truncated normal distribution, which are those of the contract's rule.
_TRUNCATION = 2.0


def framework_rule(module: nn.Module, shadow: Shadow, name: str) -> Initialization | None:
    """The rule of a parameter: that of transformers' `_init_weights` or of PyTorch's `reset_parameters`.

    Where neither touches it, its constructor filled it: the constant, or the normal distribution, that its values
    look like. None where nothing says a rule that the contract can express.
    """
    prefix, _, attribute = name.rpartition(".")
    owner: Any = shadow.module.get_submodule(prefix)
    root: Any = shadow.module
    initializers: list[Callable[[], Any]] = [
        lambda: root._init_weights(owner),
        lambda: owner.reset_parameters(),
        lambda: owner._reset_parameters(),
    ]
    for initialize in initializers:
        recorder = _Recorder(owner._parameters[attribute])
        try:
            with shadow.mode, recorder:
                initialize()
        except (AttributeError, TypeError):
            continue
        if recorder.touched:
            return recorder.rule
    return _rule_of_values(module.get_parameter(name).detach())


def _rule_of_values(values: Tensor) -> Initialization | None:
    if values.is_meta or not bool(values.isfinite().all()):
        return None
    first = values.flatten()[0].item()
    if bool((values == first).all()):
        return constant_rule(first)
    deviation, mean = values.double().std().item(), values.double().mean().item()
    if abs(mean) > 4 * deviation / math.sqrt(values.numel()):
        return None
    # Two digits, so that modules made alike have equal graphs.
    return Initialization("RULE_NORMAL", float(f"{deviation:.2g}"))


def constant_rule(value: float) -> Initialization:
    """Every element `value`."""
    if value == 0:
        return _ZEROS
    return _ONES if value == 1 else Initialization("RULE_CONSTANT", value=value)


class _Recorder(TorchDispatchMode):
    """Sees which operations fill a parameter of a shadow."""

    def __init__(self, parameter: Tensor | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._parameter = parameter
        #: Whether anything was written to the parameter.
        self.touched = False
        #: What the last writing stands for; None: nothing that a rule can express.
        self.rule: Initialization | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if args and self._is_parameter(args[0]):
            self._see(name, func, args[1:], kwargs or {})
        try:
            return func(*args, **(kwargs or {}))
        except DataDependentOutputException:
            # Whether drawn values must be drawn again: never, of values that do not exist.
            return False

    def _is_parameter(self, value: Any) -> bool:
        own = self._parameter
        return (
            own is not None
            and isinstance(value, Tensor)
            and value.shape == own.shape
            and value.untyped_storage()._cdata == own.untyped_storage()._cdata
        )

    def _see(self, name: str, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if name in ("lt", "gt", "clamp_") and self.rule is not None and self.rule.rule == "RULE_NORMAL":
            bounds = {abs(bound) for bound in args if isinstance(bound, int | float)}
            if bounds == {_TRUNCATION}:
                self.rule = Initialization("RULE_TRUNCATED_NORMAL", self.rule.standard_deviation)
            return
        if not func._schema.is_mutable:
            return
        self.touched = True
        self.rule = None
        if name == "zero_":
            self.rule = _ZEROS
        elif name == "fill_" and isinstance(args[0], int | float):
            self.rule = constant_rule(args[0])
        elif name == "normal_":
            mean = _at(args, 0, kwargs, "mean", 0.0)
            if mean == 0:
                self.rule = Initialization("RULE_NORMAL", _at(args, 1, kwargs, "std", 1.0))
        elif name == "uniform_":
            low, high = _at(args, 0, kwargs, "from", 0.0), _at(args, 1, kwargs, "to", 1.0)
            if low == -high:
                self.rule = Initialization("RULE_UNIFORM", bound=high)


def _at(args: tuple[Any, ...], position: int, kwargs: Mapping[str, Any], name: str, default: float) -> float:
    return args[position] if position < len(args) else kwargs.get(name, default)
