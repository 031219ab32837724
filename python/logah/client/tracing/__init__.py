"""Traces a module: the architecture graph of any `torch.nn.Module`, of its forward pass and without its weights."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from torch import nn

from logah.client.module.own_start.origin import own_rule
from logah.client.module.own_start.start import OwnStart

# Registers what the operations are.
from logah.client.tracing import arithmetic as arithmetic
from logah.client.tracing import experts as experts
from logah.client.tracing import layers as layers
from logah.client.tracing import pooling as pooling
from logah.client.tracing import views as views
from logah.client.tracing.interpreter import Interpreter
from logah.client.tracing.parameters import TOKEN_RULE, Rules, given_rule, parameters_of
from logah.client.tracing.scalars import ConstructedScalars
from logah.client.tracing.shadow import check_module
from logah.client.tracing.submodels import follow_own_inputs, holders_of, program_of
from logah.errors import TraceError
from logah.graph.architecture import DEFAULT_INITIALIZER_RANGE, ArchitectureGraph, Initialization

#: A trace changes torch for as long as it runs, so that two at once would leave it changed.
_ONE_AT_A_TIME = threading.RLock()


def trace(
    module: nn.Module,
    args: tuple[Any, ...] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    rules: Rules | None = None,
    strict: bool = False,
) -> ArchitectureGraph:
    """See `logah.client.trace`."""
    with _ONE_AT_A_TIME:
        return _trace(module, args, kwargs, rules, strict)


def _trace(
    module: nn.Module,
    args: tuple[Any, ...] | None,
    kwargs: Mapping[str, Any] | None,
    rules: Rules | None,
    strict: bool,
) -> ArchitectureGraph:
    check_module(module)
    _check_inputs(args, kwargs)
    holders = holders_of(module)
    shapes = {name: tuple(module.get_parameter(name).shape) for name in set(holders.values())}
    interpreter = Interpreter(shapes)
    if args is None and kwargs is None:
        follow_own_inputs(interpreter, module, holders)
    else:
        interpreter.run(program_of(module, args or (), kwargs or {}), holders)
    nodes, edges = interpreter.finish()

    start, scalars = OwnStart(module), ConstructedScalars(module)

    def rule_of(name: str) -> Initialization | None:
        prefix = max((use.prefix for use in interpreter.draft.uses.get(name, ())), default=0)
        rule = given_rule(rules or {}, name) or own_rule(start, name, prefix) or scalars.rule(name)
        if rule is None and name in interpreter.tokens and not start.can_fill(name):
            return TOKEN_RULE
        return rule

    parameters = parameters_of(shapes, holders, interpreter.draft.uses, rule_of, start.can_fill, strict)
    config = getattr(module, "config", None)
    family = getattr(config, "model_type", "")
    # Some families call it otherwise.
    deviation = getattr(config, "initializer_range", getattr(config, "init_std", None))
    return ArchitectureGraph(
        nodes,
        edges,
        parameters,
        name=type(module).__name__[:256],
        family=family if isinstance(family, str) else "",
        initializer_range=deviation if isinstance(deviation, float) else DEFAULT_INITIALIZER_RANGE,
    )


def _check_inputs(args: object, kwargs: object) -> None:
    if args is not None and not isinstance(args, tuple | list):
        kind = type(args).__name__
        raise TraceError(f"args: got a {kind}, expected a tuple of the forward pass's inputs; one alone is (input,)")
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise TraceError(f"kwargs: got a {type(kwargs).__name__}, expected a mapping of inputs by name")
