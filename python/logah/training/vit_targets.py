"""Target networks for vision: real `ViTForImageClassification` modules run with predicted parameters."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from transformers import ViTConfig, ViTForImageClassification

from logah.graph import ArchitectureGraph, Initialization
from logah.graph.vit import vit_graph
from logah.hypernet.hypernetwork import GraphFeatures, Hypernetwork


@dataclass(frozen=True)
class VitSpace:
    """The architectures that training samples; every combination whose heads divide its width.

    Widths in `held_out_widths` are never sampled: evaluation uses them. `head_sizes` are widths of one head.
    """

    image_size: int
    num_channels: int
    num_labels: int
    widths: tuple[int, ...]
    held_out_widths: tuple[int, ...]
    layers: tuple[int, ...]
    patch_sizes: tuple[int, ...]
    head_sizes: tuple[int, ...]
    mlp_ratios: tuple[int, ...]

    def sample(self, rng: random.Random) -> dict[str, Any]:
        """One architecture, each choice uniform."""
        width = rng.choice([w for w in self.widths if w not in self.held_out_widths])
        return self.config(
            width=width,
            layers=rng.choice(self.layers),
            patch_size=rng.choice(self.patch_sizes),
            heads=width // rng.choice([s for s in self.head_sizes if width % s == 0]),
            mlp_ratio=rng.choice(self.mlp_ratios),
        )

    def ranges(self) -> dict[str, list[int]]:
        """Smallest and largest value of each size, for the manifest."""
        widths = [w for w in self.widths if w not in self.held_out_widths]
        heads = [w // s for w in widths for s in self.head_sizes if w % s == 0]
        sizes: dict[str, list[int]] = {
            "hidden_size": widths,
            "num_hidden_layers": list(self.layers),
            "num_attention_heads": heads,
            "intermediate_size": [w * r for w in widths for r in self.mlp_ratios],
            "image_size": [self.image_size],
            "patch_size": list(self.patch_sizes),
            "num_channels": [self.num_channels],
            "num_labels": [self.num_labels],
        }
        return {name: [min(values), max(values)] for name, values in sizes.items()}

    def config(self, *, width: int, layers: int, patch_size: int, heads: int, mlp_ratio: int = 4) -> dict[str, Any]:
        """A complete transformers configuration of the given sizes."""
        return {
            "model_type": "vit",
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": width * mlp_ratio,
            "image_size": self.image_size,
            "patch_size": patch_size,
            "num_channels": self.num_channels,
            "num_labels": self.num_labels,
            "initializer_range": 0.02,
            "qkv_bias": True,
        }


def build_module(config: Mapping[str, Any]) -> ViTForImageClassification:
    """The real module on the meta device: structure without weights."""
    fields = {key: value for key, value in config.items() if key != "model_type"}
    with torch.device("meta"):
        module = ViTForImageClassification(ViTConfig(**fields))
    module.train(False)
    return module


def predict_state(
    hypernetwork: Hypernetwork, config: Mapping[str, Any], generator: torch.Generator
) -> dict[str, Tensor]:
    """Every parameter of the target network: predicted blocks and, where nothing predicts, the family's rule."""
    graph = vit_graph(config)
    predicted = hypernetwork(GraphFeatures.of(graph, hypernetwork.config))
    return assemble(graph, predicted, generator)


def assemble(
    graph: ArchitectureGraph, predicted: Mapping[tuple[str, int], Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """Joins the blocks of each parameter; rule-initialised blocks are drawn from `generator`."""
    state = {}
    for parameter in graph.parameters:
        parts = []
        for position, (block, shape) in enumerate(zip(parameter.blocks, parameter.block_shapes(), strict=True)):
            if isinstance(block.origin, Initialization):
                parts.append(torch.randn(shape, generator=generator) * block.origin.standard_deviation)
            else:
                parts.append(predicted[parameter.name, position])
        state[parameter.name] = parts[0] if len(parts) == 1 else torch.cat(parts, dim=parameter.axis)
    return state


def logits(module: ViTForImageClassification, state: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """Runs the module with `state` in place of its own (meta) parameters: [B, channels, S, S] -> [B, labels]."""
    return functional_call(module, dict(state), (images,)).logits
