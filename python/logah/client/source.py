"""What a network may be given as."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, cast

from logah.client.architecture import Architecture, Graph, graph_architecture, mapping_architecture, text_architecture
from logah.client.source_file import file_architecture
from logah.errors import SourceError

if TYPE_CHECKING:
    import torch


class TransformersConfig(Protocol):
    """A transformers configuration object."""

    def to_json_string(self) -> str:
        """The text of its config.json."""


#: A path to an ONNX file (whose weights are looked at, and not sent), a config.json, the directory of one, or a
#: graph.json, the content of one of the JSON files as a dict, a transformers configuration, a graph, a module, or an
#: architecture that has been read.
Source: TypeAlias = (
    "str | os.PathLike[str] | Mapping[str, Any] | TransformersConfig | Graph | torch.nn.Module | Architecture"
)


def is_module(source: object) -> TypeGuard[torch.nn.Module]:
    """Whether the source is a `torch.nn.Module`; there is none before torch is imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.nn.Module)


def read_source(source: Source) -> Architecture:
    """Raises SourceError where it is none of these, and OSError where a file cannot be read.

    A module is read as the transformers configuration that it has, else traced.
    """
    if isinstance(source, Architecture):
        return source
    if is_module(source):
        from logah.client.module_source import read_module

        return read_module(source)
    if isinstance(source, str | os.PathLike):
        return file_architecture(source)
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
