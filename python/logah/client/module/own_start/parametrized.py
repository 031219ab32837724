"""Parameters that stand for a layer's weight in another form, as weight norm's length and direction do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized
from torch.nn.utils.weight_norm import WeightNorm

from logah.client.module.own_start.marks import is_marked
from logah.client.module.own_start.twin import twin_of


def fill_parametrized(root: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Fills those of `values`, by their names in `root`, that init code cannot reach by the weight's own name.

    The weight is what its layer alone would have started with.
    """
    for prefix, module in root.named_modules():
        start = f"{prefix}." if prefix else ""
        if is_parametrized(module):
            for name, steps in module.parametrizations.items():
                own = {
                    attribute: value
                    for attribute, _ in steps.named_parameters(recurse=False)
                    if (value := values.get(f"{start}parametrizations.{name}.{attribute}")) is not None
                }
                if any(is_marked(value) for value in own.values()):
                    _fill(own, _originals(steps, _start_of(module, name)))
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, WeightNorm):
                own = {part: values[key] for part in "gv" if (key := f"{start}{hook.name}_{part}") in values}
                weight = _start_of(module, hook.name) if own else None
                if weight is not None:
                    _fill(own, {"g": torch.norm_except_dim(weight, 2, hook.dim), "v": weight})


def _fill(own: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    for name, value in own.items():
        if name in values and values[name].shape == value.shape:
            value.copy_(values[name])


def _originals(steps: ParametrizationList, weight: Tensor | None) -> dict[str, Tensor]:
    if weight is None:
        return {}
    value: Any = weight
    for step in reversed(list(steps)):
        right_inverse: Any = getattr(step, "right_inverse", None)
        if right_inverse is None:
            return {}
        value = right_inverse(value)
    return {"original": value} if isinstance(value, Tensor) else {f"original{i}": v for i, v in enumerate(value)}


def _start_of(module: nn.Module, name: str) -> Tensor | None:
    """What the layer itself fills its weight with."""

    def empty(_: str, own: Tensor) -> Tensor:
        value = torch.empty(own.shape, dtype=own.dtype, device="meta")
        return nn.Parameter(value) if isinstance(own, nn.Parameter) else value

    try:
        layer: Any = twin_of(module, empty)
        if is_parametrized(layer):
            shape, dtype = getattr(layer, name).shape, getattr(layer, name).dtype
            layer.__class__ = type(layer).__mro__[1]
            del layer._modules["parametrizations"]
        else:
            direction = layer._parameters.pop(f"{name}_v")
            shape, dtype = direction.shape, direction.dtype
            vars(layer).pop(name, None)
        weight = torch.full(shape, float("nan"), dtype=dtype, device="cpu")
        layer._parameters[name] = nn.Parameter(weight)
        layer.reset_parameters()
    except Exception:  # Of the module's own code.
        return None
    return None if is_marked(weight) else weight
