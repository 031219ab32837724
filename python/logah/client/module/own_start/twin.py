"""A copy of a module's tree with other tensors in it, on which its init code can run and harm nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from logah.client.module.module_parameters import plain_name

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks")


def twin_of(root: nn.Module, tensor_of: Callable[[str, Tensor], Tensor]) -> nn.Module:
    """The same modules, in copies that share everything but modules and tensors.

    `tensor_of`: by the name in `root` and the tensor of a parameter or buffer, what stands in its place. Tied ones stay
    tied. Of a module that FSDP has wrapped, the twin is as it was before.
    """
    modules: dict[int, nn.Module] = {}
    tensors: dict[int, Tensor] = {}

    def tensor(name: str, own: Tensor) -> Tensor:
        if id(own) not in tensors:
            tensors[id(own)] = tensor_of(plain_name(name), own)
        return tensors[id(own)]

    def clone(prefix: str, module: nn.Module) -> nn.Module:
        if id(module) in modules:
            return modules[id(module)]
        copy: nn.Module = object.__new__(plain_class(type(module)))
        modules[id(module)] = copy
        attributes = dict(vars(module))
        attributes.update({name: type(attributes[name])() for name in _HOOKS if name in attributes})
        for kind in ("_parameters", "_buffers"):
            attributes[kind] = {
                name: None if own is None else tensor(prefix + name, own) for name, own in attributes[kind].items()
            }
        attributes["_modules"] = {
            name: None if child is None else clone(f"{prefix}{name}.", child)
            for name, child in attributes["_modules"].items()
        }
        vars(copy).update(attributes)
        return copy

    root_twin = clone("", root)
    for copy in modules.values():
        for name, value in vars(copy).items():
            if name not in ("_parameters", "_buffers", "_modules"):
                vars(copy)[name] = _mapped(value, modules, tensors)
    return root_twin


def plain_class(cls: type) -> type:
    """The class that FSDP made its own of; any other class itself."""
    mro = cls.__mro__
    return mro[mro.index(FSDPModule) + 1] if mro[1:2] == (FSDPModule,) else cls


def _mapped(value: Any, modules: dict[int, nn.Module], tensors: dict[int, Tensor]) -> Any:
    """Modules and tensors that an attribute holds, replaced by their twins."""
    if isinstance(value, nn.Module):
        return modules.get(id(value), value)
    if isinstance(value, Tensor):
        return tensors.get(id(value), value)
    if type(value) in (list, tuple):
        return type(value)(_mapped(item, modules, tensors) for item in value)
    if type(value) is dict:
        return {key: _mapped(item, modules, tensors) for key, item in value.items()}
    return value
