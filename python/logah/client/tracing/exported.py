"""The forward pass of a shadow as a graph of ATen operations, by `torch.export`."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException
from torch.distributions import Distribution
from torch.export import ExportedProgram
from torch.overrides import TorchFunctionMode, resolve_name

from logah.client.tracing.assumed import Assumed
from logah.client.tracing.numbers import (
    KNOWN,
    KNOWN_BESIDE_ASSUMED,
    Buffers,
    KnownFactories,
    Numbers,
    knowing,
    remembered,
)
from logah.client.tracing.shadow import Shadow, described
from logah.errors import TraceError


def export(
    shadow: Shadow,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    buffers: Buffers | None = None,
    assumed: Assumed | None = None,
) -> ExportedProgram:
    """The forward pass on these inputs, of which only shapes and element types count, but of `Numbers` what they are.

    `buffers`: by name, those whose numbers count too; `assumed`: what is taken for numbers that nobody knows. Raises
    TraceError that names the submodule and the operation where the forward pass cannot be followed.
    """
    module = shadow.module
    numbers = {name: value for name, value in kwargs.items() if isinstance(value, Numbers)}
    others = {name: value for name, value in kwargs.items() if name not in numbers}
    origins = None if assumed is None else assumed.origins
    module.forward = _flat_outputs(knowing(module, numbers, buffers or {}, origins))
    place = _Place(module)
    largest = KNOWN_BESIDE_ASSUMED if assumed is not None else KNOWN
    try:
        with contextlib.ExitStack() as modes:
            for mode in (_quiet(), _unchecked(), torch.enable_grad(), remembered(largest), place):
                modes.enter_context(mode)
            if numbers or buffers or assumed is not None:
                modes.enter_context(KnownFactories(largest))
            if assumed is not None:
                module.forward = _with_origins(module, assumed)
                assumed.submodule = lambda: place.submodules[-1][1] if place.submodules else module
                modes.enter_context(assumed)
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


@contextlib.contextmanager
def _unchecked() -> Iterator[None]:
    """Lets distributions take what there are no values of, as those of a variational autoencoder."""
    before = Distribution._validate_args
    Distribution.set_default_validate_args(False)
    try:
        yield
    finally:
        Distribution.set_default_validate_args(before)


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
    if _is_of_values(error):
        return "its control flow depends on the values of tensors"
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def depends_on_values(error: TraceError) -> bool:
    """Whether a trace stopped since something depends on the values of tensors."""
    return _is_of_values(error.__cause__)


def _is_of_values(error: BaseException | None) -> bool:
    # Subclasses of several modules of torch, by what they have in common.
    name = type(error).__name__
    kinds = (DataDependentOutputException, DynamicOutputShapeException)
    is_read = ".numpy() is not supported" in str(error)
    return isinstance(error, kinds) or "DataDependent" in name or "HigherOrder" in name or is_read


def _flat_outputs(forward: Callable[..., Any]) -> Callable[..., tuple[Tensor, ...]]:
    """`forward` with its tensors alone as outputs, of whatever class it makes them."""

    @functools.wraps(forward)
    def flat(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        return tuple(_tensors(forward(*args, **kwargs)))

    return flat


def _with_origins(module: nn.Module, assumed: Assumed) -> Callable[..., Any]:
    """The forward pass, at whose beginning what is assumed gets to know parameters and inputs."""
    forward = module.forward

    @functools.wraps(forward)
    def noted(*args: Any, **kwargs: Any) -> Any:
        assumed.origins.note(list(module.parameters()), "parameters")
        assumed.origins.note((args, kwargs), "data")
        return forward(*args, **kwargs)

    return noted


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
