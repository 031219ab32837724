"""Traces a module: the architecture graph of any `torch.nn.Module`, of its forward pass and without its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn
from torch.export import ExportedProgram

from logah.client.own_start.origin import own_rule
from logah.client.own_start.start import OwnStart

# Registers what the operations are.
from logah.client.tracing import arithmetic as arithmetic
from logah.client.tracing import layers as layers
from logah.client.tracing import pooling as pooling
from logah.client.tracing import views as views
from logah.client.tracing.example_inputs import Inputs, own_inputs
from logah.client.tracing.exported import export
from logah.client.tracing.interpreter import Interpreter
from logah.client.tracing.parameters import TOKEN_RULE, Rules, given_rule, parameters_of
from logah.client.tracing.shadow import Shadow
from logah.errors import TraceError
from logah.graph.architecture import DEFAULT_INITIALIZER_RANGE, ArchitectureGraph, Initialization


def trace(
    module: nn.Module,
    args: tuple[Any, ...] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    rules: Rules | None = None,
    strict: bool = False,
) -> ArchitectureGraph:
    """See `logah.client.trace`."""
    inputs = own_inputs(module) if args is None and kwargs is None else iter([(args or (), dict(kwargs or {}))])
    shadow, program = _followed(module, inputs)
    holders = _holders(shadow.module)
    shapes = {name: tuple(shadow.module.get_parameter(name).shape) for name in set(holders.values())}
    interpreter = Interpreter(shapes)
    interpreter.run(program, holders)
    nodes, edges = interpreter.finish()

    start = OwnStart(module)

    def rule_of(name: str) -> Initialization | None:
        prefix = max((use.prefix for use in interpreter.draft.uses.get(name, ())), default=0)
        rule = given_rule(rules or {}, name) or own_rule(start, name, prefix)
        if rule is None and name in interpreter.tokens and not start.can_fill(name):
            return TOKEN_RULE
        return rule

    parameters = parameters_of(shapes, holders, interpreter.draft.uses, rule_of, start.can_fill, strict)
    config = getattr(module, "config", None)
    family, deviation = getattr(config, "model_type", ""), getattr(config, "initializer_range", None)
    return ArchitectureGraph(
        nodes,
        edges,
        parameters,
        name=type(module).__name__[:256],
        family=family if isinstance(family, str) else "",
        initializer_range=deviation if isinstance(deviation, float) else DEFAULT_INITIALIZER_RANGE,
    )


def _followed(module: nn.Module, ways: Iterator[tuple[tuple[Any, ...], Inputs]]) -> tuple[Shadow, ExportedProgram]:
    """The forward pass on the first inputs that it takes. Raises TraceError, of the first ones, where it takes none."""
    first: TraceError | None = None
    for args, kwargs in ways:
        shadow = Shadow(module)
        try:
            return shadow, export(shadow, args, kwargs)
        except TraceError as error:
            first = first or error
    raise first or TraceError(f"a {type(module).__name__} takes no inputs")


def _holders(module: nn.Module) -> dict[str, str]:
    """Every name of every parameter, in the order of the state dict -> the first name of the same parameter."""
    first: dict[int, str] = {}
    named = module.named_parameters(remove_duplicate=False)
    return {name: first.setdefault(id(parameter), name) for name, parameter in named}
