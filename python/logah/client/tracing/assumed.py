"""What a trace takes for numbers that depend on the network's weights, where its control flow wants to know them.

A loop over the experts that were hit runs over all of them, each of which reads every token; a mask takes everything,
and whole numbers that a network predicts, such as durations, are 1. So each layer is seen once on data of some shape,
which is all that a graph says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

#: Elements of a tensor up to which its numbers are assumed.
_LARGEST = 4096

_WHOLE = (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8)
_CASTS = {Tensor.long: torch.int64, Tensor.int: torch.int32}


class Assumed(TorchFunctionMode):
    """Assumes numbers while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        #: Says the submodule that the forward pass is in.
        self.submodule: Callable[[], nn.Module] = nn.Identity

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        own = kwargs or {}
        first: Any = args[0] if args else None
        if func in (torch.nonzero, Tensor.nonzero) and _is_unknown(first):
            places = self._places(first)
            return places if not own.get("as_tuple") else places.unbind(1)
        if func is torch.where and len(args) == 1 and _is_unknown(first):
            return self._places(first).unbind(1)
        if func is Tensor.__getitem__ and _is_unknown(args[1]) and args[1].dtype == torch.bool:
            return first[self._places(args[1]).unbind(1)]
        if func in _CASTS or func is Tensor.to:
            result = func(*args, **own)
            is_cast = first.is_floating_point() and result.dtype in _WHOLE
            return _known(torch.ones, result) if is_cast and _is_unknown(result) else result
        return func(*args, **own)

    def _places(self, mask: Tensor) -> Tensor:
        """Where a mask is true: everywhere; of experts in one tensor it is true of the first alone, as of any other."""
        shape = tuple(mask.shape)
        own = [parameter for parameter in self.submodule().parameters(recurse=False) if parameter.dim() == 3]
        if len(shape) == 1 and any(1 < len(parameter) <= shape[0] for parameter in own):
            shape = (1,)
        with _disable_current_modes():
            places = torch.ones(shape).nonzero().tolist()
        return torch.tensor(places, dtype=torch.long).reshape(-1, mask.dim())


def _known(make: Callable[..., Tensor], like: Tensor) -> Tensor:
    with _disable_current_modes():
        values = make(tuple(like.shape)).tolist()
    return torch.tensor(values, dtype=like.dtype)


def _is_unknown(value: Any) -> bool:
    return isinstance(value, FakeTensor) and value.constant is None and value.numel() <= _LARGEST
