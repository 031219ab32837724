"""What a network may be given as."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, cast

from logah.client._generated import architecture_pb2
from logah.client.architecture import Architecture, Graph, graph_architecture, mapping_architecture, text_architecture
from logah.client.onnx_contents import onnx_contents
from logah.client.onnx_file import stripped_onnx
from logah.errors import SourceError

if TYPE_CHECKING:
    import torch


class TransformersConfig(Protocol):
    """A transformers configuration object."""

    def to_json_string(self) -> str:
        """The text of its config.json."""


#: A path to an ONNX file (whose weights are looked at, and not sent), a config.json or graph.json, the content of one
#: of the last two as a dict, a transformers configuration, a graph, or a module.
Source: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | TransformersConfig | Graph | torch.nn.Module"


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
            onnx, contents = stripped_onnx(path), onnx_contents(path)
            return Architecture(architecture_pb2.Architecture(onnx=onnx, onnx_contents=contents), None, path)
        return text_architecture(path.read_bytes(), str(path), path)
    if isinstance(source, Mapping):
        return mapping_architecture(source)
    to_json_string = getattr(source, "to_json_string", None)
    if callable(to_json_string):
        return text_architecture(to_json_string().encode(), f"{type(source).__name__}.to_json_string()")
    if callable(getattr(source, "to_json", None)):
        return graph_architecture(cast(Graph, source))
    raise SourceError(
        f"a {type(source).__name__} is no architecture; expected a path, a dict, a transformers configuration, "
        "a graph or a torch.nn.Module"
    )
