"""The architecture of a `torch.nn.Module`; imports torch alone when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from logah.client.architecture import Architecture, graph_architecture, mapping_architecture

if TYPE_CHECKING:
    from torch import nn

    from logah.graph import ArchitectureGraph, Initialization


def trace(
    module: nn.Module,
    args: tuple[Any, ...] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    rules: Mapping[str, Initialization] | None = None,
    strict: bool = False,
) -> ArchitectureGraph:
    """The architecture graph of a module, read off its forward pass; every client method takes it as a source.

    The module can be on any device, meta among them; it is not changed, and no weight is computed or allocated: what
    runs, by `torch.export` in evaluation mode, is a copy with the shapes alone.

    - `args`, `kwargs`: example inputs of the forward pass, of which only shapes and element types count. Both None: a
      transformers model says its own.
    - Operations, shapes and edges are as the config front-ends of the service have them; what has no operation of a
      hypernetwork is left out. Parameters are all of the module's, under their names, in the order of the state dict.
    - What no hypernetwork predicts (class tokens, recurrent and one-dimensional convolutions, scales of layers and of
      group norms, tables of relative positions), and what the forward pass does not use, is filled by the module's own
      rule: what its init code draws (`reset_parameters`, `init_weights`, `_init_weights` of transformers), where the
      values that it holds look drawn so, else what those look drawn of; what no rule says is kept. `rules` come
      first: by pattern of names (`*`, `?`), a `logah.graph.Initialization`.
    - `strict`: no parameter may be filled by rule or kept, not in part either.

    Raises TraceError, with the submodule and the operation, where the forward pass cannot be followed: control flow
    that depends on values, an error of its own, modules without shapes yet, sharded, quantised, or without
    parameters. Raises CoverageError, with the parameters' names, for those of other element types or shapes than are
    predicted, those on the meta device that neither a rule nor code of the module's own fills, and with `strict` those
    that nothing predicts.
    """
    from logah.client.module.module_parameters import checked_module, unwrapped
    from logah.client.tracing import trace as trace_module

    return trace_module(unwrapped(checked_module(module)), args, kwargs, rules=rules, strict=strict)


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """The module that `build` makes, such as `lambda: Network(width=64)`, on the meta device.

    As under `torch.device("meta")`, but what its constructors fill its parameters with is known afterwards: `trace` and
    `initialize` call `build` once more where they ask for it, without memory for large tensors. On the meta device
    alone a constructor leaves no sign of, say, `nn.Parameter(torch.full((width,), 1e-6))`.
    """
    from logah.client.module.own_start.remade import on_meta as make_on_meta

    return make_on_meta(build)


def read_module(module: nn.Module) -> Architecture:
    """The configuration of a transformers model; the trace of any other module. Errors as for `trace`."""
    from logah.client.module.module_parameters import configuration_of, unwrapped

    root = unwrapped(module)
    configuration = configuration_of(root)
    if configuration is None:
        return graph_architecture(trace(root))
    architecture = mapping_architecture(configuration)
    names = frozenset(name for name, _ in root.named_parameters(remove_duplicate=False))
    return replace(architecture, trace=lambda: graph_architecture(trace(root), architecture.config), names=names)
