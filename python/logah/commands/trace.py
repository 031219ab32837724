"""`logah trace`: prints the graph that a trace finds in a transformers model: the first step towards a family."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logah.commands.tables import number_of, table
from logah.errors import LogahError

if TYPE_CHECKING:
    from logah.graph import ArchitectureGraph

#: transformers' classes that choose a model by its configuration; the first that knows it is taken.
_CHOICES = ("CausalLM", "ImageClassification", "MaskedLM", "Seq2SeqLM")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    description = "print the graph that a trace finds in a transformers model"
    parser = subparsers.add_parser(
        "trace", help=description, description=f"Needs no server: {description}, on the meta device."
    )
    parser.add_argument(
        "model", metavar="MODEL_TYPE", help="such as mistral, with its default sizes, or the path of a config.json"
    )
    parser.add_argument("--json", action="store_true", help="print the graph as the contract has it, not a table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints nodes in forward order, and what of the parameters is not predicted. Returns 1 where it failed."""
    from logah.client.module_source import trace

    try:
        graph = trace(_module(arguments.model))
    except (LogahError, OSError, ValueError) as error:
        print(f"logah trace: {error}", file=sys.stderr)
        return 1
    print(json.dumps(graph.to_json(), indent=2) if arguments.json else _text(graph))
    return 0


def _module(model: str) -> Any:
    import torch
    import transformers

    is_path = Path(model).suffix == ".json"
    config = transformers.AutoConfig.from_pretrained(model) if is_path else transformers.AutoConfig.for_model(model)
    classes = [getattr(transformers, f"AutoModelFor{choice}") for choice in _CHOICES]
    chosen = next((auto for auto in classes if type(config) in auto._model_mapping), transformers.AutoModel)
    with torch.device("meta"):
        return chosen.from_config(config)


def _text(graph: ArchitectureGraph) -> str:
    reads: list[list[str]] = [[] for _ in graph.nodes]
    for edge in graph.edges:
        reads[edge.target].append(str(edge.source))
    rows = [
        (str(index), node.operation, f"({', '.join(map(str, node.shape))})", " ".join(reads[index]), node.name)
        for index, node in enumerate(graph.nodes)
    ]
    lines = [table(("node>", "operation", "shape", "reads", "name"), rows), ""]
    for parameter in graph.parameters:
        rules = sorted({rule for block in parameter.blocks if (rule := getattr(block.origin, "rule", ""))})
        if rules:
            lines.append(f"by rule: {parameter.name} {list(parameter.shape)}: {', '.join(rules)}")
    lines.append(
        f"{number_of(len(graph.nodes), 'node')}, {number_of(len(graph.edges), 'edge')}, "
        f"{number_of(len(graph.parameters), 'parameter')}; family: {graph.family or 'none'}"
    )
    return "\n".join(lines)
