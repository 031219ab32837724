"""Where a trace assumed which way a network goes, and another way leads to parameters that this one leaves out."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from torch import fx
from torch.export import ExportedProgram

from logah.client.tracing.assumed import Assumed, Assumption, Site
from logah.client.tracing.interpreter import is_mutable
from logah.client.tracing.projections import MOVES, packet
from logah.errors import TraceError

_SHOWN_NAMES = 5

#: The forward pass under assumptions, or what it stopped with.
Attempt = Callable[[Assumed], ExportedProgram | TraceError]


class UnreachedError(TraceError):
    """Whatever is assumed, some parameters are left out that a forward pass may reach."""


def assumed_program(
    assumption: Assumption,
    attempt: Attempt,
    holders: Mapping[str, str],
    stopped_by_values: Callable[[TraceError], bool],
) -> ExportedProgram | TraceError:
    """The forward pass as it goes under an assumption, unless that loses parameters.

    Where some are not reached, each of the lines that something was assumed of is taken the other way. Of two ways of a
    condition the one that reaches more is followed; if neither reaches all that the other does, or numbers decide, the
    error names the line.
    """
    assumed = Assumed(assumption)
    program = attempt(assumed)
    while isinstance(program, ExportedProgram):
        reached = _reached(program, holders)
        if reached >= set(holders.values()):
            return program
        better: tuple[Assumed, ExportedProgram] | None = None
        for otherwise in _ways(assumed):
            other = Assumed(assumption, {**assumed.otherwise, **otherwise})
            way, sites = attempt(other), otherwise.keys()
            is_condition = sites <= assumed.conditions
            if isinstance(way, TraceError):
                # A guard that raises is no way to go; one that cannot be followed may lead anywhere.
                if is_condition and stopped_by_values(way):
                    return _lost(sites, set(holders.values()) - reached)
                continue
            others = _reached(way, holders)
            if others <= reached:
                continue
            if not is_condition or not others > reached:
                return _lost(sites, others - reached)
            better = (other, way)
            break
        if better is None:
            return program
        assumed, program = better
    return program


def _ways(assumed: Assumed) -> Iterator[dict[Site, int]]:
    """What else could be assumed: at each line alone, and at all conditions together."""
    for site, others in assumed.made.items():
        own = assumed.otherwise.get(site, 0)
        yield from ({site: way} for way in range(others + 1) if way != own)
    if len(assumed.conditions) > 1:
        yield {site: 1 - assumed.otherwise.get(site, 0) for site in assumed.conditions}


def _lost(sites: Collection[Site], names: set[str]) -> UnreachedError:
    file, line = min(sites)
    shown = ", ".join(sorted(names)[:_SHOWN_NAMES]) + (", ..." if len(names) > _SHOWN_NAMES else "")
    return UnreachedError(
        f"the trace stopped: its control flow depends on the values of tensors at {Path(file).name}:{line}, "
        f'"{linecache.getline(file, line).strip()}"; whichever way it goes, it leaves out parameters, such as {shown}'
    )


def _reached(program: ExportedProgram, holders: Mapping[str, str]) -> set[str]:
    """Parameters that lead to an output, by what happens to values and what is written into them."""
    parameters = program.graph_signature.inputs_to_parameters
    writers: dict[fx.Node, list[fx.Node]] = {}
    for node in program.graph.nodes:
        written = node.args[0] if is_mutable(node) and node.args else None
        while isinstance(written, fx.Node):
            writers.setdefault(written, []).append(node)
            written = written.args[0] if packet(written) in MOVES else None
    queue = list(program.graph.find_nodes(op="output"))
    seen: set[fx.Node] = set(queue)
    while queue:
        node = queue.pop()
        new = {*node.all_input_nodes, *writers.get(node, ())} - seen
        seen |= new
        queue.extend(new)
    return {holders[parameters[node.name]] for node in seen if node.name in parameters}
