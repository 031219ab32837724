"""`logah plan`: shows where every parameter of a network would come from, without predicting any."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from logah.commands.ending import exit_status
from logah.commands.request_flags import add_request_flags, read_input, request_options
from logah.commands.security_flags import security
from logah.commands.tables import in_bytes, number_of, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logah.client import Plan, TensorPlan, Widening
    from logah.client.wire.plan import Coverage, ModuleCoverage

#: Parts of the network that are listed; the others are counted.
_LISTED_PARTS = 12


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser; its flags are those of the Node.js command line."""
    description = "show where every parameter of a network would come from, without predicting any"
    parser = subparsers.add_parser("plan", help=description, description=f"Asks a server to {description}.")
    add_request_flags(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as one JSON object instead of a table")
    parser.set_defaults(run=lambda arguments: exit_status(lambda: _run(arguments)))


def _run(arguments: argparse.Namespace) -> int:
    from logah.client import connect
    from logah.client.request import predict_request
    from logah.client.wire.checked_plan import check_asked
    from logah.commands.contract_json import json_of

    request = predict_request(read_input(arguments), **request_options(arguments))
    with connect(arguments.server, patience=arguments.patience, **security(arguments)) as client:
        message = client.plan_message(request)
    plan = check_asked(message, request)
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    for warning in plan.warnings:
        print(f"warning: {warning.text}", file=sys.stderr)
    if arguments.json:
        print(json.dumps({**json_of(message), "elementType": plan.element_type.safetensors}, indent=2))
        return 0
    rows = [
        (
            tensor.name,
            f"({', '.join(map(str, tensor.shape))})",
            _source(tensor),
            str(tensor.rank or "-"),
            f"{tensor.bytes:,}" if tensor.sent else "-",
        )
        for tensor in plan.tensors
    ]
    print(table(("tensor", "shape", "source", "rank>", "bytes>"), rows), end="\n\n")
    if len(plan.modules) > 1:
        print(_parts(plan.modules), end="\n\n")
    print("\n".join(_totals(plan)))
    return 0


def _parts(modules: Sequence[ModuleCoverage]) -> str:
    """How much of each part of the network is predicted."""

    def share(count: int, coverage: Coverage) -> str:
        return f"{100 * count / coverage.parameters:.1f} %" if coverage.parameters else "-"

    rows = [
        (
            module.name or "(others)",
            f"{module.coverage.parameters:,}",
            share(module.coverage.predicted + module.coverage.tiled, module.coverage),
            share(module.coverage.initialized, module.coverage),
            share(module.coverage.kept, module.coverage),
        )
        for module in modules[:_LISTED_PARTS]
    ]
    lines = [table(("part", "parameters>", "predicted>", "by rule>", "kept>"), rows)]
    if len(modules) > _LISTED_PARTS:
        lines.append(f"and {number_of(len(modules) - _LISTED_PARTS, 'more part')}")
    return "\n".join(lines)


def _source(tensor: TensorPlan) -> str:
    return {"tied": f"tied to {tensor.tied_to}", "initialized": "by rule"}.get(tensor.source, tensor.source)


def _widening(widening: Widening) -> str:
    """Such as "4 copies of hidden_size 192 and intermediate_size 768": a map of the contract has no order."""
    sizes = sorted(f"{name} {size}" for name, size in widening.base.items())
    listed = " and ".join(part for part in (", ".join(sizes[:-1]), *sizes[-1:]) if part)
    return f"{widening.copies:,} copies of {listed}"


def _totals(plan: Plan) -> list[str]:
    coverage = plan.coverage
    origins = {"predicted": coverage.predicted, "tiled": coverage.tiled, "by rule": coverage.initialized}
    if coverage.kept > 0:
        origins["kept"] = coverage.kept
    parts = [f"{origin} {n:,} ({100 * n / (coverage.parameters or 1):.1f} %)" for origin, n in origins.items()]
    lines = [
        f"{number_of(len(plan.tensors), 'tensor')} of {number_of(plan.nodes, 'node')}, {coverage.parameters:,} "
        f"parameters: {', '.join(parts)}"
    ]
    if plan.widening is not None:
        lines.append(_widening(plan.widening))
    if plan.strength != 1:
        lines.append(f"strength: {plan.strength:g} of the way from the default start to the prediction")
    if plan.lift != 0:
        lines.append(f"lifted: noise of {plan.lift:g} times the standard deviation of each predicted block")
    if plan.base != 0:
        lines.append(
            f"base: noise of {plan.base:g} times the standard deviation of each predicted block's default start"
        )
    lines.append(f"tied, not counted above: {coverage.tied:,}")
    lines.append(f"to send: {in_bytes(plan.total_bytes)} in {plan.element_type.safetensors}")
    if min(plan.factor_bytes, plan.core_bytes) < plan.dense_bytes:
        lines.append(
            f"by --representation: dense {in_bytes(plan.dense_bytes)}, factors {in_bytes(plan.factor_bytes)}, "
            f"core {in_bytes(plan.core_bytes)}"
        )
    lines.append(f"model: {plan.model}; family: {plan.family or 'none'}; fingerprint: {plan.fingerprint}")
    return lines
