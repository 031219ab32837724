"""What tests say of traced graphs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from golden_graphs import build, read_config
from transformers import PreTrainedModel

from logah.graph import ArchitectureGraph, Parameter, Prediction

IMAGE = torch.empty(1, 3, 64, 64, device="meta")


def transformers_model(name: str, attention: str | None = None) -> PreTrainedModel:
    """On the meta device; with the attention that transformers would choose, unless another is asked for."""
    return build(read_config(name, attn_implementation=attention))


def structure(graph: ArchitectureGraph) -> tuple[list[Any], list[tuple[int, int]], tuple[Parameter, ...]]:
    nodes = [(node.operation, node.shape) for node in graph.nodes]
    edges = sorted((edge.source, edge.target) for edge in graph.edges)
    assert len(set(edges)) == len(edges)
    return nodes, edges, graph.parameters


def operations(graph: ArchitectureGraph) -> Counter[str]:
    return Counter(node.operation for node in graph.nodes)


def sources(graph: ArchitectureGraph, name: str) -> set[str]:
    """The names of the nodes that a node reads."""
    target = next(index for index, node in enumerate(graph.nodes) if node.name == name)
    return {graph.nodes[edge.source].name for edge in graph.edges if edge.target == target}


def origins(graph: ArchitectureGraph, name: str) -> list[tuple[int, Any]]:
    """A parameter's blocks: (length, slot) where predicted, (length, rule) where not."""
    parameter = next(parameter for parameter in graph.parameters if parameter.name == name)
    return [(b.length, b.origin.slot if isinstance(b.origin, Prediction) else b.origin) for b in parameter.blocks]


def named_edges(graph: ArchitectureGraph) -> set[tuple[Any, Any]]:
    """The edges between nodes that are told apart by the parameters they stand for, and by what they read."""
    owners = {
        block.origin.node: parameter.name
        for parameter in reversed(graph.parameters)
        for block in parameter.blocks
        if isinstance(block.origin, Prediction)
    }
    keys: dict[int, Any] = {}
    for index, node in enumerate(graph.nodes):
        read = frozenset(keys[edge.source] for edge in graph.edges if edge.target == index)
        keys[index] = (node.operation, node.shape, owners.get(index, read))
    assert len(set(keys.values())) == len(graph.nodes)
    return {(keys[edge.source], keys[edge.target]) for edge in graph.edges}


def predicted(graph: ArchitectureGraph) -> set[str]:
    """The parameters that are predicted, in part at least."""
    return {
        parameter.name
        for parameter in graph.parameters
        if any(isinstance(block.origin, Prediction) for block in parameter.blocks)
    }
