"""A network, ready to be sent: the `logah.v1.Architecture` of a configuration or of a graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from google.protobuf import json_format

from logah.client._generated import architecture_pb2
from logah.client.wire.plan import Plan
from logah.errors import SourceError


class Graph(Protocol):
    """An architecture graph, such as `logah.graph.ArchitectureGraph`."""

    def to_json(self) -> dict[str, Any]:
        """The proto3 JSON mapping of `logah.v1.ArchitectureGraph`."""


@dataclass(frozen=True)
class Architecture:
    """A network, ready to be sent."""

    message: architecture_pb2.Architecture
    #: The text of config.json, to go beside the weights; None for a graph.
    config: bytes | None
    #: The file it came from; None: none.
    path: Path | None = None
    #: Of a module with a configuration: its trace, for a server that does not read the configuration, or reads another
    #: network from it.
    trace: Callable[[], Architecture] | None = None
    #: Of a module with a configuration: the names of its parameters, ties among them.
    names: frozenset[str] = frozenset()

    def is_network_of(self, plan: Plan) -> bool:
        """Whether the module has all that a plan has; else its configuration says a larger one, such as a base model
        with a pooler that this one was built without."""
        return not self.names or all(tensor.name in self.names for tensor in plan.tensors)


def mapping_architecture(source: Mapping[str, Any]) -> Architecture:
    """The architecture of the content of a config.json or of a graph. Raises SourceError."""
    try:
        text = json.dumps(dict(source), indent=2)
    except (TypeError, ValueError) as error:
        raise SourceError(f"the dict cannot be written as JSON: {error}") from error
    return text_architecture(text.encode() + b"\n", "the dict")


def graph_architecture(graph: Graph, config: bytes | None = None) -> Architecture:
    """The architecture of a graph; `config` is to go beside the weights."""
    return replace(_of_graph(json.dumps(graph.to_json()), f"{type(graph).__name__}.to_json()", None), config=config)


def text_architecture(text: bytes, name: str, path: Path | None = None) -> Architecture:
    """A configuration is known by `model_type`, a graph by `nodes`. Raises SourceError, which says `name`."""
    try:
        root = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name} is not JSON: {error}") from error
    keys = root.keys() if isinstance(root, dict) else ()
    if "model_type" in keys:
        return Architecture(architecture_pb2.Architecture(transformers_config=text), text, path)
    if "nodes" in keys:
        return _of_graph(text.decode(), name, path)
    raise SourceError(
        f'{name} is neither a transformers config.json (it has no "model_type") nor an architecture graph '
        '(it has no "nodes")'
    )


def _of_graph(text: str, name: str, path: Path | None) -> Architecture:
    message = architecture_pb2.Architecture()
    try:
        json_format.Parse(text, message.graph)
    except json_format.ParseError as error:
        raise SourceError(f"{name} is not an architecture graph: {error}") from error
    return Architecture(message, None, path)
