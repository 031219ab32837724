"""The parameters of a module by the names that a plan has for them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from logah.client.wire.plan import Plan, TensorPlan
from logah.errors import CoverageError, RequestError

#: What wrappers (torch.compile, activation checkpointing) put into names.
_WRAPPER_PREFIXES = ("_orig_mod.", "_checkpoint_wrapped_module.")

_SHOWN_NAMES = 10


@dataclass
class ParameterSlot:
    """One parameter and every place of the module that holds it."""

    parameter: nn.Parameter
    #: (module, attribute), more than one where it is tied.
    places: list[tuple[nn.Module, str]]
    #: Its names in the module.
    names: list[str]

    def replace(self, parameter: nn.Parameter) -> None:
        """Puts another parameter in every place."""
        self.parameter = parameter
        for module, attribute in self.places:
            module._parameters[attribute] = parameter


def checked_module(module: object) -> nn.Module:
    """The module itself. Raises RequestError where it is none."""
    if isinstance(module, nn.Module):
        return module
    if isinstance(module, type):
        raise RequestError(f"module is the class {module.__name__}; expected an instance of it, a torch.nn.Module")
    raise RequestError(f"module is a {type(module).__name__}; expected a torch.nn.Module")


def unwrapped(module: nn.Module) -> nn.Module:
    """The module itself, out of the wrappers that put a prefix before all names."""
    inner = getattr(module, "_orig_mod", None)
    if isinstance(inner, nn.Module):
        return unwrapped(inner)
    return unwrapped(module.module) if isinstance(module, DistributedDataParallel) else module


def plain_name(name: str) -> str:
    """A name without what wrappers put into it."""
    for wrapper in _WRAPPER_PREFIXES:
        name = name.replace(wrapper, "")
    return name


def parameter_slots(root: nn.Module) -> list[ParameterSlot]:
    """Every parameter once, with all its names."""
    by_identity: dict[int, ParameterSlot] = {}
    for prefix, module in root.named_modules(remove_duplicate=False):
        for attribute, parameter in module._parameters.items():
            if parameter is None:
                continue
            name = plain_name(f"{prefix}.{attribute}" if prefix else attribute)
            slot = by_identity.setdefault(id(parameter), ParameterSlot(parameter, [], []))
            slot.places.append((module, attribute))
            slot.names.append(name)
    return list(by_identity.values())


def check_writable(slots: list[ParameterSlot]) -> None:
    """Raises RequestError for a parameter that nothing outside `torch.inference_mode` may write to."""
    if torch.is_inference_mode_enabled():
        return
    made = [slot.names[0] for slot in slots if slot.parameter.is_inference()]
    if made:
        raise RequestError(
            f"module was made under torch.inference_mode, which makes {made[0]} read-only outside of it; make it "
            "outside of it"
        )


def match_plan(
    slots: list[ParameterSlot], plan: Plan, strict: bool, buffers: Collection[str] = ()
) -> dict[str, ParameterSlot]:
    """The slot of each tensor that the plan can send and the module has.

    What the module holds as one of `buffers` is left to it. Raises CoverageError naming the parameters where shapes or
    ties differ and, if `strict`, where either side lacks some that the other has.
    """
    by_name = {name: slot for slot in slots for name in slot.names}
    tensors = {tensor.name: tensor for tensor in plan.tensors}
    for tensor in plan.tensors:
        if tensor.name in by_name:
            _check_tensor(tensor, by_name)
    matched: dict[str, ParameterSlot] = {}
    for slot in slots:
        own = [name for name in slot.names if name in tensors and not tensors[name].is_tied]
        if len(own) > 1:
            raise CoverageError(f"the module shares one parameter that the plan predicts apart: {_listed(own)}", own)
        matched.update((name, slot) for name in own)
    if strict:
        covered = {id(slot) for slot in matched.values()}
        uncovered = [slot.names[0] for slot in slots if id(slot) not in covered]
        if uncovered:
            raise CoverageError(f"the plan has no values for parameters of the module: {_listed(uncovered)}", uncovered)
        # Fixed positions, for one, may be a buffer where another version of the network has a parameter.
        by_name_or_buffer = {*by_name, *buffers}
        unknown = [name for name, tensor in tensors.items() if not tensor.is_tied and name not in by_name_or_buffer]
        if unknown:
            raise CoverageError(f"the module has no parameters for tensors of the plan: {_listed(unknown)}", unknown)
    return matched


def _check_tensor(tensor: TensorPlan, by_name: Mapping[str, ParameterSlot]) -> None:
    name, slot = tensor.name, by_name[tensor.name]
    if tuple(slot.parameter.shape) != tensor.shape:
        shape = tuple(slot.parameter.shape)
        raise CoverageError(f'parameter "{name}" has shape {shape}; the plan has {tensor.shape}', [name])
    if tensor.is_tied and by_name.get(tensor.tied_to) is not slot:
        raise CoverageError(
            f'the plan ties "{name}" to "{tensor.tied_to}", which the module holds apart; tie them first '
            "(transformers: `tie_weights()`)",
            [name, tensor.tied_to],
        )


def configuration_of(root: nn.Module) -> dict[str, Any] | None:
    """The content of the config.json that `root.config` would write; None where it is no transformers configuration."""
    config = getattr(root, "config", None)
    to_json_string, to_dict = getattr(config, "to_json_string", None), getattr(config, "to_dict", None)
    if callable(to_json_string):
        content = json.loads(to_json_string())
    elif callable(to_dict):
        content = dict(to_dict())
    else:
        content = dict(config) if isinstance(config, Mapping) else {}
    if "model_type" not in content:
        return None
    if not content.get("architectures"):
        # The configuration of a model that was never saved does not name its class; wrappers such as FSDP derive
        # their own from it.
        kind = next((c.__name__ for c in type(root).__mro__ if c.__module__.startswith("transformers.models.")), None)
        if kind is not None:
            content["architectures"] = [kind]
    return content


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
