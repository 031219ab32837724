"""Values that a module's own init code computes, for tensors that have none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.utils._python_dispatch import TorchDispatchMode

from logah.client.module.own_start.init_code import init_functions
from logah.client.module.own_start.marks import is_marked, marked
from logah.client.module.own_start.parametrized import fill_parametrized
from logah.client.module.own_start.twin import twin_of

#: Elements of one tensor: a quarter of a GiB in float32.
LARGEST = 1 << 26


def computed_values(
    root: nn.Module, names: Collection[str], seed: int = 0, owners_alone: bool = False
) -> dict[str, Tensor]:
    """Of the parameters and buffers of these names, whole and on the CPU, those that the module's init code fills.

    A tensor that is tied goes by the first of its names. What is drawn depends on `seed` and on nothing else that is
    random, so every process draws the same. Nothing of `root` is touched. `owners_alone`: what modules around the owner
    of a tensor would write to it is left out, which is quick.
    """
    real: dict[str, Tensor] = {}

    def stand_in(name: str, own: Tensor) -> Tensor:
        value = torch.empty(own.shape, dtype=own.dtype, device="meta")
        # A parametrised weight is computed of all of its parts.
        if (name in names or ".parametrizations." in name) and own.numel() <= LARGEST:
            value = real[name] = marked(own)
        return nn.Parameter(value, own.requires_grad) if isinstance(own, nn.Parameter) else value

    twin = twin_of(root, stand_in)
    guard = _Guard(root)
    storages = {_storage(value) for value in real.values()}

    def concerns(module: nn.Module) -> bool:
        own = [*module._parameters.values(), *module._buffers.values()]
        return not owners_alone or any(value is not None and _storage(value) in storages for value in own)

    generator = torch.default_generator
    with torch.random.fork_rng(devices=[]), torch.no_grad(), torch.device("cpu"), guard:
        for position, function in enumerate(init_functions(twin, concerns)):
            # What one function draws does not depend on what others before it did.
            generator.manual_seed((seed * 1_000_003 + position) % (1 << 63))
            try:
                function()
            except Exception:
                # What the module's own code did not come to is still marked.
                continue
        generator.manual_seed(seed % (1 << 63))
        fill_parametrized(root, real)
    return {
        name: value
        for name, value in real.items()
        if name in names and not is_marked(value) and (value.dtype != torch.bool or guard.has_written(value))
    }


class _Guard(TorchDispatchMode):
    """Lets nothing be written to the tensors of a module, to which its init code may have ways of its own."""

    def __init__(self, root: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        own = [*root.parameters(), *root.buffers()]
        self._protected = {_storage(tensor) for tensor in own if not isinstance(tensor, DTensor)}
        self._written: set[int] = set()

    def has_written(self, tensor: Tensor) -> bool:
        """Whether anything was written to a tensor."""
        return _storage(tensor) in self._written

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func._schema.is_mutable and args and isinstance(args[0], Tensor):
            if isinstance(args[0], DTensor) or _storage(args[0]) in self._protected:
                return args[0]
            self._written.add(_storage(args[0]))
        return func(*args, **(kwargs or {}))


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
