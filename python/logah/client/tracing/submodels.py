"""Follows a model on the inputs that it says its own, and models within it that these do not reach on theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.export import ExportedProgram

from logah.client.tracing.assumed import ASSUMPTIONS, Assumed
from logah.client.tracing.example_inputs import own_inputs
from logah.client.tracing.exported import depends_on_values, export
from logah.client.tracing.interpreter import Interpreter
from logah.client.tracing.mended_inputs import Failure, mended
from logah.client.tracing.numbers import Buffers, Numbers, known_buffers, with_known_numbers
from logah.client.tracing.shadow import Shadow
from logah.client.tracing.unreached import UnreachedError, assumed_program
from logah.errors import TraceError


def follow_own_inputs(interpreter: Interpreter, module: nn.Module, holders: Mapping[str, str]) -> None:
    """Runs the interpreter on the module's forward pass.

    The inputs are the simplest, such as a text without images, so towers may not be reached; and where the forward pass
    cannot be followed, parts of it may be. Such models within the module, if none of their parameters is reached, are
    followed on inputs of their own. Raises TraceError, that of the module, where nothing can be followed.
    """
    failure: TraceError | None = None
    if not hasattr(module, "main_input_name"):
        own_inputs(module)
    try:
        interpreter.run(_program(module), holders)
    except TraceError as error:
        failure = error
    followed: list[str] = []
    for prefix, model in module.named_modules():
        if not prefix or not hasattr(model, "main_input_name") or not hasattr(model, "config"):
            continue
        own = {name: holders[f"{prefix}.{name}"] for name in holders_of(model)}
        is_inside = any(prefix.startswith(f"{outer}.") for outer in followed)
        if is_inside or not own or any(interpreter.draft.uses.get(name) for name in own.values()):
            continue
        try:
            interpreter.run(_program(model), own, prefix)
        except TraceError:
            continue
        followed.append(prefix)
    if failure is not None and not followed:
        raise failure


def holders_of(module: nn.Module) -> dict[str, str]:
    """Every name of every parameter, in the order of the state dict -> the first name of the same parameter."""
    first: dict[int, str] = {}
    named = module.named_parameters(remove_duplicate=False)
    return {name: first.setdefault(id(parameter), name) for name, parameter in named}


def _program(module: nn.Module) -> ExportedProgram:
    """The forward pass on the first inputs that it takes. Raises TraceError, of the first ones, where it takes none."""
    failures: list[Failure] = []
    for _, inputs in own_inputs(module):
        try:
            return program_of(module, (), inputs)
        except TraceError as error:
            failures.append(Failure(inputs, error))
    if not failures:
        raise TraceError(f"a {type(module).__name__} takes no inputs")
    first = failures[0].error
    for inputs in mended(module, failures):
        try:
            return program_of(module, (), inputs)
        except TraceError as error:
            failures.append(Failure(inputs, error))
    raise first


def program_of(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ExportedProgram:
    """The forward pass on these inputs; what it does may depend on whole numbers, if it must.

    Those of inputs and of buffers are known, and what is computed of data is assumed. Raises TraceError where the
    forward pass cannot be followed, or what is assumed leaves parameters out.
    """
    plain = _tried(module, args, kwargs)
    if isinstance(plain, ExportedProgram):
        return plain
    known = with_known_numbers(module, args, kwargs)
    if known is None:
        raise plain
    buffers = known_buffers(module) if depends_on_values(plain) else {}
    has_numbers = bool(buffers) or any(isinstance(value, Numbers) for value in known.values())
    numbered = _tried(module, (), known, buffers) if has_numbers else plain
    if isinstance(numbered, ExportedProgram):
        return numbered
    if depends_on_values(numbered):
        holders = holders_of(module)

        def attempt(assumed: Assumed) -> ExportedProgram | TraceError:
            return _tried(module, (), known, buffers, assumed)

        for assumption in ASSUMPTIONS:
            assumed = assumed_program(assumption, attempt, holders, depends_on_values)
            if isinstance(assumed, ExportedProgram):
                return assumed
            if isinstance(assumed, UnreachedError):
                plain = assumed
    raise plain


def _tried(
    module: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    buffers: Buffers | None = None,
    assumed: Assumed | None = None,
) -> ExportedProgram | TraceError:
    try:
        return export(Shadow(module), args, kwargs, buffers, assumed)
    except TraceError as error:
        return error
