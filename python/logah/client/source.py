"""What a network may be given as, and the `logah.v1.Architecture` that it makes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, cast

from google.protobuf import json_format

from logah.client._generated import architecture_pb2
from logah.client.errors import SourceError
from logah.client.onnx_file import stripped_onnx

if TYPE_CHECKING:
    import torch


class TransformersConfig(Protocol):
    """A transformers configuration object."""

    def to_json_string(self) -> str:
        """The text of its config.json."""


class Graph(Protocol):
    """An architecture graph, such as `logah.graph.ArchitectureGraph`."""

    def to_json(self) -> dict[str, Any]:
        """The proto3 JSON mapping of `logah.v1.ArchitectureGraph`."""


#: A path to an ONNX file (of which no weight is read), a config.json or graph.json, the content of one of the last two
#: as a dict, a transformers configuration, a graph, or a module.
Source: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | TransformersConfig | Graph | torch.nn.Module"


@dataclass(frozen=True)
class Architecture:
    """A network, ready to be sent."""

    message: architecture_pb2.Architecture
    #: The text of config.json, to go beside the weights; None for a graph.
    config: bytes | None
    #: The file it came from; None: none.
    path: Path | None = None
    #: Of a module with a configuration: its trace, for a server that does not read the configuration.
    trace: Callable[[], Architecture] | None = None


def is_module(source: object) -> TypeGuard[torch.nn.Module]:
    """Whether the source is a `torch.nn.Module`; there is none before torch is imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.nn.Module)


def read_source(source: Source) -> Architecture:
    """Raises SourceError where it is none of these, and OSError where a file cannot be read.

    A module is read as the transformers configuration that it has, else traced.
    """
    if is_module(source):
        from logah.client.module_source import read_module

        return read_module(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.suffix == ".onnx":
            return Architecture(architecture_pb2.Architecture(onnx=stripped_onnx(path)), None, path)
        return _of_text(path.read_bytes(), str(path), path)
    if isinstance(source, Mapping):
        return _of_mapping(source)
    to_json_string = getattr(source, "to_json_string", None)
    if callable(to_json_string):
        return _of_text(to_json_string().encode(), f"{type(source).__name__}.to_json_string()")
    if callable(getattr(source, "to_json", None)):
        return graph_architecture(cast(Graph, source))
    raise SourceError(
        f"a {type(source).__name__} is no architecture; expected a path, a dict, a transformers configuration, "
        "a graph or a torch.nn.Module"
    )


def _of_mapping(source: Mapping[str, Any]) -> Architecture:
    try:
        text = json.dumps(dict(source), indent=2)
    except (TypeError, ValueError) as error:
        raise SourceError(f"the dict cannot be written as JSON: {error}") from error
    return _of_text(text.encode() + b"\n", "the dict")


def graph_architecture(graph: Graph, config: bytes | None = None) -> Architecture:
    """The architecture of a graph; `config` is to go beside the weights."""
    return replace(_of_graph(json.dumps(graph.to_json()), f"{type(graph).__name__}.to_json()", None), config=config)


def _of_text(text: bytes, name: str, path: Path | None = None) -> Architecture:
    """A configuration is known by `model_type`, a graph by `nodes`."""
    try:
        root = json.loads(text)
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
