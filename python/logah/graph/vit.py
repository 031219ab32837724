"""The graph of transformers' `ViTForImageClassification`, for the networks that training samples.

The service builds the same graph in TypeScript; both are held to the same golden files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from logah.graph.architecture import ArchitectureGraph, Block, GraphBuilder, Initialization, Parameter, Prediction


def vit_graph(config: Mapping[str, Any], name: str = "") -> ArchitectureGraph:
    """Builds the graph from a complete transformers ViT configuration (every field present).

    Source: transformers `modeling_vit.py`; node and edge conventions of the LoGAH authors' tracer.
    """
    width: int = config["hidden_size"]
    hidden: int = config["intermediate_size"]
    channels: int = config["num_channels"]
    image, patch = _height_and_width(config["image_size"]), _height_and_width(config["patch_size"])
    tokens = (image[0] // patch[0]) * (image[1] // patch[1])
    side = math.isqrt(tokens)
    classes: int = config["num_labels"]
    std: float = config["initializer_range"]

    graph = GraphBuilder()

    def linear(
        prefix: str, out_features: int, in_features: int, after: list[int], bias: bool = True, slot: int = 0
    ) -> int:
        last = graph.node(f"{prefix}.weight", "conv", (out_features, in_features), after)
        is_classifier = prefix == "classifier"
        graph.parameter(f"{prefix}.weight", (out_features, in_features), last, "ROLE_MATRIX", is_classifier, slot)
        if bias:
            last = graph.node(f"{prefix}.bias", "bias", (out_features,), [last])
            graph.parameter(f"{prefix}.bias", (out_features,), last, "ROLE_BIAS", is_classifier, slot)
        return last

    def norm_node(prefix: str, after: list[int]) -> int:
        return graph.node(f"{prefix}.weight", "ln", (width,), after)

    def norm_parameters(prefix: str, node: int) -> None:
        graph.parameter(f"{prefix}.weight", (width,), node, "ROLE_NORM_WEIGHT")
        graph.parameter(f"{prefix}.bias", (width,), node, "ROLE_BIAS")

    embeddings = "vit.embeddings"
    projection = f"{embeddings}.patch_embeddings.projection"
    positions = f"{embeddings}.position_embeddings"
    patch_shape = (width, channels, *patch)

    source = graph.node("input", "input")
    patches = graph.node(f"{projection}.weight", "conv", patch_shape, [source])
    patch_bias = graph.node(f"{projection}.bias", "bias", (width,), [patches])
    position = graph.node(positions, "pos_enc", (1, width, side, side))

    # The class token and its position are not predicted: the hypernetwork decodes a square of patches.
    noise = Block(1, Initialization("RULE_TRUNCATED_NORMAL", std))
    squares = Block(tokens, Prediction(position, "ROLE_MATRIX"))
    graph.parameters.append(Parameter(f"{embeddings}.cls_token", (1, 1, width), (noise,)))
    graph.parameters.append(Parameter(positions, (1, tokens + 1, width), (noise, squares), axis=1))
    graph.parameter(f"{projection}.weight", patch_shape, patches, "ROLE_MATRIX")
    graph.parameter(f"{projection}.bias", (width,), patch_bias, "ROLE_BIAS")
    stream = graph.node("vit.embeddings.sum", "sum", (), [patch_bias, position])

    for layer in range(config["num_hidden_layers"]):
        prefix = f"vit.layers.{layer}"
        before = norm_node(f"{prefix}.layernorm_before", [stream])
        qkv_bias = config.get("qkv_bias", True)
        heads = [
            linear(f"{prefix}.attention.{part}_proj", width, width, [before], qkv_bias, slot)
            for slot, part in enumerate(("q", "k", "v"))
        ]
        attention = graph.node(f"{prefix}.attention.softmax", "msa", (), heads)
        output = linear(f"{prefix}.attention.o_proj", width, width, [attention])
        stream = graph.node(f"{prefix}.attention.sum", "sum", (), [stream, output])
        after = norm_node(f"{prefix}.layernorm_after", [stream])
        # The module registers its attention before its norms.
        norm_parameters(f"{prefix}.layernorm_before", before)
        norm_parameters(f"{prefix}.layernorm_after", after)
        inner = linear(f"{prefix}.mlp.fc1", hidden, width, [after])
        outer = linear(f"{prefix}.mlp.fc2", width, hidden, [inner])
        stream = graph.node(f"{prefix}.mlp.sum", "sum", (), [stream, outer])

    final = norm_node("vit.layernorm", [stream])
    norm_parameters("vit.layernorm", final)
    linear("classifier", classes, width, [final])
    return graph.build(name, "vit", std)


def _height_and_width(size: int | Sequence[int]) -> tuple[int, int]:
    """A size of the configuration: one number for both, or [height, width]."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])
