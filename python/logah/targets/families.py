"""The families that training knows: how the YAML of a run describes their architectures, and what they learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logah.data.fashion_mnist import load_fashion_mnist
from logah.data.kjv import load_kjv
from logah.data.source import (
    IMAGE_KINDS,
    PREPARED_IMAGES,
    PREPARED_TEXTS,
    TEXT_KINDS,
    DataSource,
    PreparedData,
    describe,
)
from logah.graph import ArchitectureGraph
from logah.graph.gpt2 import gpt2_graph
from logah.graph.llama import llama_graph
from logah.graph.vit import vit_graph
from logah.targets.gpt2 import Gpt2Space, Gpt2Task
from logah.targets.llama import LlamaSpace, LlamaTask
from logah.targets.task import Task
from logah.targets.vit import VitSpace, VitTask


@dataclass(frozen=True)
class Family:
    """A family of target networks.

    space: a dataclass whose fields the YAML has. graph: of a complete transformers configuration. load: reads the
    default data from the cache directory. dataset: what those are. default_data: their name. prepared, kinds: the other
    data that the family can learn from.
    """

    space: type[VitSpace] | type[Gpt2Space] | type[LlamaSpace]
    graph: Callable[[Mapping[str, Any]], ArchitectureGraph]
    load: Callable[[Path], Task]
    dataset: str
    default_data: str
    prepared: tuple[str, ...]
    kinds: Mapping[str, type[DataSource]]


FAMILIES: Mapping[str, Family] = {
    "vit": Family(
        VitSpace,
        vit_graph,
        lambda cache: VitTask(load_fashion_mnist(cache)),
        describe(PreparedData("fashion-mnist")),
        "fashion-mnist",
        tuple(PREPARED_IMAGES),
        IMAGE_KINDS,
    ),
    "gpt2": Family(
        Gpt2Space,
        gpt2_graph,
        lambda cache: Gpt2Task(load_kjv(cache)),
        describe(PreparedData("kjv")),
        "kjv",
        tuple(PREPARED_TEXTS),
        TEXT_KINDS,
    ),
    # Mistral's networks are Llama's, and Qwen2's are with biases.
    "llama": Family(
        LlamaSpace,
        llama_graph,
        lambda cache: LlamaTask(load_kjv(cache)),
        describe(PreparedData("kjv")),
        "kjv",
        tuple(PREPARED_TEXTS),
        TEXT_KINDS,
    ),
}
