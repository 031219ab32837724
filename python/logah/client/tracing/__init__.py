"""Traces a module: the architecture graph of any `torch.nn.Module`, of its forward pass and without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

# Registers what the operations are.
from logah.client.tracing import arithmetic as arithmetic
from logah.client.tracing import layers as layers
from logah.client.tracing import pooling as pooling
from logah.client.tracing import views as views
from logah.client.tracing.example_inputs import own_inputs
from logah.client.tracing.exported import export
from logah.client.tracing.init_rules import framework_rule
from logah.client.tracing.interpreter import Interpreter
from logah.client.tracing.parameters import Rules, given_rule, parameters_of
from logah.client.tracing.shadow import Shadow
from logah.graph.architecture import DEFAULT_INITIALIZER_RANGE, ArchitectureGraph, Initialization

#: Of learned tokens and their positions where the framework says nothing: as the LoGAH authors fill them.
_TOKEN_RULE = Initialization("RULE_NORMAL", 0.02)


def trace(
    module: nn.Module,
    args: tuple[Any, ...] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    rules: Rules | None = None,
    strict: bool = False,
) -> ArchitectureGraph:
    """See `logah.client.trace`."""
    if args is None and kwargs is None:
        kwargs = own_inputs(module)
    shadow = Shadow(module)
    holders = _holders(shadow.module)
    shapes = {name: tuple(shadow.module.get_parameter(name).shape) for name in set(holders.values())}
    program = export(shadow, args or (), kwargs or {})
    interpreter = Interpreter(shapes)
    interpreter.run(program, holders)
    nodes, edges = interpreter.finish()

    def rule_of(name: str) -> Initialization | None:
        rule = given_rule(rules or {}, name) or framework_rule(module, shadow, name)
        is_token = name in interpreter.tokens or any(use.prefix > 0 for use in interpreter.draft.uses.get(name, ()))
        return _TOKEN_RULE if rule is None and is_token else rule

    parameters = parameters_of(shapes, holders, interpreter.draft.uses, rule_of, strict)
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


def _holders(module: nn.Module) -> dict[str, str]:
    """Every name of every parameter, in the order of the state dict -> the first name of the same parameter."""
    first: dict[int, str] = {}
    named = module.named_parameters(remove_duplicate=False)
    return {name: first.setdefault(id(parameter), name) for name, parameter in named}
