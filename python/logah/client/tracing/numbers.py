"""Numbers that a trace knows: where its control flow depends on them, they say what the forward pass does."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch._subclasses import fake_tensor
from torch.fx.experimental import proxy_tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

from logah.client.module.own_start.constructed import constructed_values
from logah.client.tracing.origins import Origins

#: Elements of a tensor up to which a trace remembers what is in it; where it must assume some, it is worth more.
KNOWN = 1 << 12
KNOWN_BESIDE_ASSUMED = 1 << 18


@dataclass(frozen=True)
class Numbers:
    """A tensor whose numbers say what the forward pass does, such as how many patches an image has: nested tuples."""

    values: Any
    dtype: torch.dtype = torch.long

    def tensor(self) -> Tensor:
        """As a tensor."""
        return torch.tensor(self.values, dtype=self.dtype)


Buffers: TypeAlias = Mapping[str, Numbers]


def with_known_numbers(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Inputs by name, those of whole numbers and truth values as `Numbers`; of masks that hold none ones, else zeros.

    None where inputs have no names.
    """
    try:
        own = inspect.signature(module.forward).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return None
    kinds = own.signature.parameters
    if any(
        kinds[name].kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY)
        for name in own.arguments
    ):
        return None
    given = dict(own.arguments)
    for name in [name for name in given if kinds[name].kind is inspect.Parameter.VAR_KEYWORD]:
        given |= given.pop(name)
    return {name: _input_numbers(name, value) for name, value in given.items()}


def known_buffers(module: nn.Module) -> dict[str, Numbers]:
    """By name, small buffers; on the meta device, as their constructor makes them."""
    buffers = module.named_buffers(remove_duplicate=False)
    own = {name: buffer for name, buffer in buffers if buffer.numel() <= KNOWN and buffer.dtype in _LISTED}
    without = [name for name, buffer in own.items() if buffer.is_meta]
    made = constructed_values(module, without, seed=0) if without else {}
    values = {name: made.get(name) if buffer.is_meta else buffer for name, buffer in own.items()}
    return {name: _numbers_of(value) for name, value in values.items() if value is not None}


#: What a list holds exactly.
_LISTED = {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64} | {
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
}  # fmt: skip


def _is_countable(tensor: Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex()) and tensor.numel() <= KNOWN


def _input_numbers(name: str, value: Any) -> Any:
    if not isinstance(value, Tensor) or not _is_countable(value):
        return value
    empty = torch.ones_like if "mask" in name else torch.zeros_like
    return _numbers_of(empty(value, device="cpu") if value.is_meta else value)


def _numbers_of(tensor: Tensor) -> Numbers:
    return Numbers(_tuples(tensor.tolist()), tensor.dtype)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def knowing(
    module: nn.Module, numbers: Mapping[str, Numbers], buffers: Buffers, origins: Origins | None = None
) -> Callable[..., Any]:
    """`module.forward` with these inputs and buffers made within it, where a trace knows what is in them.

    The buffers are taken out of the module, which is a trace's own. `origins` are told that the inputs are data.
    """
    forward = module.forward
    if not numbers and not buffers:
        return forward
    places = [(module.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2], name) for name in buffers]
    for owner, leaf, _ in places:
        owner._buffers.pop(leaf, None)

    @functools.wraps(forward)
    def with_numbers(*args: Any, **kwargs: Any) -> Any:
        for owner, leaf, name in places:
            vars(owner)[leaf] = buffers[name].tensor()
        made = {name: number.tensor() for name, number in numbers.items()}
        if origins is not None:
            origins.note(made, "data")
        try:
            return forward(*args, **kwargs, **made)
        finally:
            for owner, leaf, _ in places:
                vars(owner).pop(leaf, None)

    # Else the signature is that of what is wrapped, with the inputs that are no longer to be given.
    del with_numbers.__wrapped__
    return with_numbers


@contextlib.contextmanager
def remembered(largest: int = KNOWN) -> Iterator[None]:
    """Lets a trace know what is in small tensors that depend on no input, and not in those of one element alone."""
    modules: tuple[Any, ...] = (fake_tensor, proxy_tensor)
    before = [(module, module.CONSTANT_NUMEL_LIMIT) for module in modules]
    mode: Any = fake_tensor.FakeTensorMode
    dispatch = mode._dispatch_impl
    for module, _ in before:
        module.CONSTANT_NUMEL_LIMIT = largest
    mode._dispatch_impl = _forgetting_new_memory(dispatch)
    try:
        yield
    finally:
        mode._dispatch_impl = dispatch
        for module, limit in before:
            module.CONSTANT_NUMEL_LIMIT = limit


def _forgetting_new_memory(dispatch: Callable[..., Any]) -> Callable[..., Any]:
    """What is in memory that was made after a known tensor is not known, though torch takes it to be."""

    def forgetting(self: Any, func: Any, *others: Any) -> Any:
        result = dispatch(self, func, *others)
        if func in _NEW_MEMORY and isinstance(result, fake_tensor.FakeTensor):
            result.constant = None
        return result

    return forgetting


_NEW_MEMORY = {
    torch.ops.aten.new_empty.default,
    torch.ops.aten.empty_like.default,
    torch.ops.aten.new_empty_strided.default,
}


class KnownFactories(TorchFunctionMode):
    """Makes small tensors of numbers in such a way that a trace knows what is in them."""

    def __init__(self, largest: int = KNOWN) -> None:
        super().__init__()
        self._largest = largest

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is Tensor.__format__ and getattr(args[0], "constant", None) is not None:
            # In a name, such as that of an expert.
            return format(args[0].item(), *args[1:])
        if func is Tensor.numpy and getattr(args[0], "constant", None) is not None:
            with _disable_current_modes():
                return args[0].constant.numpy()
        if func is torch.tensor and isinstance(args[0], list | tuple):
            # Of scalars that a trace knows.
            args = (_plain(args[0]), *args[1:])
        result = func(*args, **(kwargs or {}))
        if func not in _FACTORIES or not _has_sizes(result) or result.numel() > self._largest or result.is_meta:
            return result
        with _disable_current_modes():
            own = func(*args, **{**(kwargs or {}), "device": "cpu"})
        return torch.tensor(own.tolist(), dtype=own.dtype)


def _has_sizes(tensor: Tensor) -> bool:
    """Whether none of its sizes depends on values."""
    return all(isinstance(size, int) for size in tensor.shape)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 else value


_FACTORIES = {torch.arange, torch.linspace, torch.zeros, torch.ones, torch.full, torch.eye}
