"""Target networks for vision: real `ViTForImageClassification` modules run with predicted parameters."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import ViTConfig, ViTForImageClassification

from logah.data.splits import ImageSplits
from logah.graph import ArchitectureGraph
from logah.graph.vit import vit_graph
from logah.targets.attention import ATTENTION
from logah.targets.task import SplitName
from logah.targets.transformer_space import TransformerSpace

#: Images that are classified together in an evaluation.
BATCH = 500


@dataclass(frozen=True, kw_only=True)
class VitSpace(TransformerSpace):
    """The architectures that training samples."""

    image_size: int
    num_channels: int
    num_labels: int
    patch_sizes: tuple[int, ...]

    @property
    def model_types(self) -> tuple[str, ...]:
        """transformers' names of the architectures."""
        return ("vit",)

    def sample(self, rng: random.Random) -> dict[str, Any]:
        """One architecture, each choice uniform."""
        return self.config(**self.sample_sizes(rng, patch_size=self.patch_sizes))

    def ranges(self) -> dict[str, list[int]]:
        """Smallest and largest value of each size, for the manifest."""
        return self.size_ranges(
            image_size=[self.image_size],
            patch_size=self.patch_sizes,
            num_channels=[self.num_channels],
            num_labels=[self.num_labels],
        )

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


class VitTask:
    """Classification of images."""

    family = "vit"
    model_types: tuple[str, ...] = ("vit",)

    def __init__(self, data: ImageSplits, device: torch.device | str = "cpu") -> None:
        """Batches come on `device`; the images stay where they are."""
        self.data, self.device = data, torch.device(device)

    def graph(self, config: Mapping[str, Any]) -> ArchitectureGraph:
        """As the service builds it."""
        return vit_graph(config)

    def module(self, config: Mapping[str, Any]) -> ViTForImageClassification:
        """On the meta device, without dropout."""
        with torch.device("meta"):
            return _build(config)

    def initialized(self, config: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
        """Drawn from `seed`."""
        torch.manual_seed(seed)
        return {name: parameter.detach().to(self.device) for name, parameter in _build(config).named_parameters()}

    def logits(self, module: nn.Module, state: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """[B, channels, S, S] -> [B, labels]."""
        return functional_call(module, dict(state), (inputs,)).logits

    def references(self) -> dict[str, float]:
        """None."""
        return {}

    def batch(self, config: Mapping[str, Any], size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`size` images with replacement, and their labels."""
        rows = torch.randint(len(self.data.train), (size,), generator=generator)
        images, labels = self.data.train.take(rows)
        return images.to(self.device), labels.to(self.device)

    def batches(
        self, config: Mapping[str, Any], split: SplitName, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The first `limit` images of a split, 500 at a time."""
        held_out = self.data.validation if split == "validation" else self.data.test
        count = len(held_out) if limit is None else min(limit, len(held_out))
        for start in range(0, count, BATCH):
            images, labels = held_out.take(slice(start, min(start + BATCH, count)))
            yield images.to(self.device), labels.to(self.device)


def _build(config: Mapping[str, Any]) -> ViTForImageClassification:
    fields = {key: value for key, value in config.items() if key != "model_type"}
    module = ViTForImageClassification(ViTConfig(**{**fields, "attn_implementation": ATTENTION}))
    module.train(False)
    return module
