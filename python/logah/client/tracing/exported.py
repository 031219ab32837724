"""The forward pass of a shadow as a graph of ATen operations, by `torch.export`."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException
from torch.export import ExportedProgram
from torch.fx.experimental import proxy_tensor
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._python_dispatch import _disable_current_modes

from logah.client.tracing.shadow import Shadow, described
from logah.errors import TraceError

#: Elements of a tensor up to which a trace remembers what is in it.
_KNOWN = 4096


@dataclasses.dataclass(frozen=True)
class Numbers:
    """An input whose numbers say what the forward pass does, such as how many patches an image has: nested tuples."""

    values: Any
    dtype: torch.dtype = torch.long

    def tensor(self) -> Tensor:
        """As a tensor."""
        return torch.tensor(self.values, dtype=self.dtype)


def export(shadow: Shadow, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ExportedProgram:
    """The forward pass on these inputs, of which only shapes and element types count, but of `Numbers` what they are.

    Raises TraceError that names the submodule and the operation where the forward pass cannot be followed.
    """
    module = shadow.module
    numbers = {name: value for name, value in kwargs.items() if isinstance(value, Numbers)}
    others = {name: value for name, value in kwargs.items() if name not in numbers}
    module.forward = _flat_outputs(_with_numbers(module.forward, numbers))
    place = _Place(module)
    try:
        known = _KnownFactories() if numbers else contextlib.nullcontext()
        with _quiet(), torch.enable_grad(), _known_numbers(), place, known:
            return torch.export.export(module, shadow.inputs(args), shadow.inputs(others), strict=False)
    except Exception as error:
        raise _trace_error(error, place, module) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back what torch warns, logs and prints of a trace that stops: the error says it."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


class _Place(TorchFunctionMode):
    """Where the forward pass is: what was entered and not left."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.submodules: list[tuple[str, nn.Module]] = []
        self.operations: list[Callable[..., Any]] = []
        for name, submodule in module.named_modules():
            submodule.register_forward_pre_hook(functools.partial(self._enter, name), prepend=True)
            submodule.register_forward_hook(self._leave)

    def _enter(self, name: str, submodule: nn.Module, _: Any) -> None:
        self.submodules.append((name, submodule))

    def _leave(self, *_: Any) -> None:
        self.submodules.pop()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.operations.append(func)
        result = func(*args, **(kwargs or {}))
        self.operations.pop()
        return result


def _trace_error(error: Exception, place: _Place, module: nn.Module) -> TraceError:
    name, submodule = place.submodules[-1] if place.submodules else ("", module)
    operation = _name_of(place.operations[-1]) if place.operations else ""
    reason = _reason(error)
    where = described(name, submodule) + (f" at {operation}" if operation else "")
    return TraceError(f"the trace stopped in {where}: {reason}", name, operation)


def _name_of(function: Callable[..., Any]) -> str:
    return resolve_name(function) or getattr(function, "__name__", str(function))


def _reason(error: Exception) -> str:
    if isinstance(error, DataDependentOutputException):
        return f"its control flow depends on the values of tensors ({error.func})"
    if isinstance(error, DynamicOutputShapeException):
        return f"a shape depends on the values of tensors ({error.func})"
    # Subclasses of several modules of torch, by what they have in common.
    if "DataDependent" in type(error).__name__ or "HigherOrder" in type(error).__name__:
        return "its control flow depends on the values of tensors"
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def with_known_numbers(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Inputs by name, those of whole numbers and truth values as `Numbers`, zeros where they hold none.

    None where that changes nothing, or inputs have no names.
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
    known = {name: _numbers_of(value) for name, value in given.items()}
    return known if any(known[name] is not value for name, value in given.items()) else None


def _numbers_of(value: Any) -> Any:
    if not isinstance(value, Tensor) or value.is_floating_point() or value.numel() > _KNOWN:
        return value
    own = torch.zeros_like(value, device="cpu") if value.is_meta else value
    return Numbers(_tuples(own.tolist()), value.dtype)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _with_numbers(forward: Callable[..., Any], numbers: Mapping[str, Numbers]) -> Callable[..., Any]:
    """`forward` with these inputs made within it, where a trace knows what is in them."""
    if not numbers:
        return forward

    @functools.wraps(forward)
    def with_numbers(*args: Any, **kwargs: Any) -> Any:
        return forward(*args, **kwargs, **{name: number.tensor() for name, number in numbers.items()})

    # Else the signature is that of what is wrapped, with the inputs that are no longer to be given.
    del with_numbers.__wrapped__
    return with_numbers


@contextlib.contextmanager
def _known_numbers() -> Iterator[None]:
    """Lets a trace know what is in small tensors that depend on no input, and not in those of one element alone."""
    modules: tuple[Any, ...] = (fake_tensor, proxy_tensor)
    before = [(module, module.CONSTANT_NUMEL_LIMIT) for module in modules]
    for module, _ in before:
        module.CONSTANT_NUMEL_LIMIT = _KNOWN
    try:
        yield
    finally:
        for module, limit in before:
            module.CONSTANT_NUMEL_LIMIT = limit


class _KnownFactories(TorchFunctionMode):
    """Makes small tensors of numbers in such a way that a trace knows what is in them."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func not in _FACTORIES or result.numel() > _KNOWN or result.is_meta:
            return result
        with _disable_current_modes():
            own = func(*args, **{**(kwargs or {}), "device": "cpu"})
        return torch.tensor(own.tolist(), dtype=own.dtype)


_FACTORIES = {torch.arange, torch.linspace, torch.zeros, torch.ones, torch.full, torch.eye}


def _flat_outputs(forward: Callable[..., Any]) -> Callable[..., tuple[Tensor, ...]]:
    """`forward` with its tensors alone as outputs, of whatever class it makes them."""

    @functools.wraps(forward)
    def flat(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        return tuple(_tensors(forward(*args, **kwargs)))

    return flat


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _tensors(getattr(value, field.name))
