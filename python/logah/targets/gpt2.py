"""Target networks for language: real `GPT2LMHeadModel` modules run with predicted parameters."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformers import GPT2Config, GPT2LMHeadModel

from logah.graph import ArchitectureGraph
from logah.graph.gpt2 import gpt2_graph
from logah.targets.attention import ATTENTION
from logah.targets.text import TextTask
from logah.targets.transformer_space import TransformerSpace


@dataclass(frozen=True, kw_only=True)
class Gpt2Space(TransformerSpace):
    """The architectures that training samples.

    contexts: the longest texts that a network reads, in tokens. tied: whether its head is its token table.
    """

    vocab_size: int
    contexts: tuple[int, ...]
    tied: bool = True

    @property
    def model_types(self) -> tuple[str, ...]:
        """transformers' names of the architectures."""
        return ("gpt2",)

    def sample(self, rng: random.Random) -> dict[str, Any]:
        """One architecture, each choice uniform."""
        return self.config(**self.sample_sizes(rng, context=self.contexts))

    def ranges(self) -> dict[str, list[int]]:
        """Smallest and largest value of each size, for the manifest."""
        return self.size_ranges(
            vocab_size=[self.vocab_size],
            max_position_embeddings=self.contexts,
        )

    def config(self, *, width: int, layers: int, context: int, heads: int, mlp_ratio: int = 4) -> dict[str, Any]:
        """A complete transformers configuration of the given sizes."""
        return {
            "model_type": "gpt2",
            "n_embd": width,
            "n_layer": layers,
            "n_head": heads,
            "n_inner": width * mlp_ratio,
            "n_positions": context,
            "vocab_size": self.vocab_size,
            "tie_word_embeddings": self.tied,
            "bos_token_id": 0,
            "eos_token_id": 0,
        }


class Gpt2Task(TextTask[GPT2LMHeadModel]):
    """Next-token prediction on a text."""

    family = "gpt2"
    model_types: tuple[str, ...] = ("gpt2",)
    context_field = "n_positions"

    def graph(self, config: Mapping[str, Any]) -> ArchitectureGraph:
        """As the service builds it."""
        return gpt2_graph(config)

    def build(self, config: Mapping[str, Any]) -> GPT2LMHeadModel:
        """On torch's present device, without dropout."""
        fields = {key: value for key, value in config.items() if key != "model_type"}
        module = GPT2LMHeadModel(GPT2Config(**{**fields, "use_cache": False, "attn_implementation": ATTENTION}))
        module.train(False)
        return module
