"""Target networks for language: real `LlamaForCausalLM` modules, and their kin, run with predicted parameters."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformers import (
    AutoConfig,
    LlamaForCausalLM,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2ForCausalLM,
)

from logah.graph import ArchitectureGraph
from logah.graph.llama import llama_graph
from logah.targets.attention import ATTENTION
from logah.targets.text import TextTask
from logah.targets.transformer_space import TransformerSpace

CLASSES: Mapping[str, type[PreTrainedModel]] = {
    "llama": LlamaForCausalLM,
    "mistral": MistralForCausalLM,
    "qwen2": Qwen2ForCausalLM,
}


@dataclass(frozen=True, kw_only=True)
class LlamaSpace(TransformerSpace):
    """The architectures that training samples: Llama's without biases, which are Mistral's too, and Qwen2's.

    contexts: the longest texts that a network reads, in tokens. kv_groups: how many heads share keys and values; a
    number of heads has those that divide it. tied: 1 where the head is the token table, 0 where it is a matrix of its
    own. biased: 1 where queries, keys and values have biases, as in Qwen2, 0 where they have none.
    """

    vocab_size: int
    contexts: tuple[int, ...]
    kv_groups: tuple[int, ...] = (1,)
    tied: tuple[int, ...] = (0, 1)
    biased: tuple[int, ...] = (0, 1)

    def __post_init__(self) -> None:
        """Raises ValueError where a size has nothing to choose from, or makes no network."""
        super().__post_init__()
        for name in ("tied", "biased"):
            choices: tuple[int, ...] = getattr(self, name)
            if not choices or not set(choices) <= {0, 1}:
                raise ValueError(f"{name}: got {list(choices)}, expected 0, 1 or both")
        if 1 not in self.kv_groups or min(self.kv_groups) < 1:
            raise ValueError(f"kv_groups: got {list(self.kv_groups)}, expected positive numbers, 1 among them")
        odd = [width // heads for width in self.widths for heads in self.heads_of(width) if width // heads % 2]
        if odd:
            raise ValueError(f"head_sizes: got {min(odd)}; rotary embeddings need an even one")

    @property
    def model_types(self) -> tuple[str, ...]:
        """transformers' names of the architectures."""
        return (*(("llama", "mistral") if 0 in self.biased else ()), *(("qwen2",) if 1 in self.biased else ()))

    def sample(self, rng: random.Random) -> dict[str, Any]:
        """One architecture, each choice uniform."""
        sizes = self.sample_sizes(rng, context=self.contexts, tied=self.tied, biased=self.biased)
        kv_group = rng.choice([size for size in self.kv_groups if sizes["heads"] % size == 0])
        return self.config(**sizes, kv_group=kv_group)

    def ranges(self) -> dict[str, list[int]]:
        """Smallest and largest value of each size, for the manifest."""
        sizes = self.size_ranges(vocab_size=[self.vocab_size], max_position_embeddings=self.contexts)
        heads = [count for layers in self.layers for width in self.widths_of(layers) for count in self.heads_of(width)]
        shared = [count // kv_group for count in heads for kv_group in self.kv_groups if count % kv_group == 0]
        return {**sizes, "num_key_value_heads": [min(shared), max(shared)]}

    def config(
        self,
        *,
        width: int,
        layers: int,
        context: int,
        heads: int,
        kv_group: int = 1,
        mlp_ratio: int = 3,
        tied: int = 0,
        biased: int = 0,
    ) -> dict[str, Any]:
        """A complete transformers configuration of the given sizes."""
        return {
            "model_type": "qwen2" if biased else "llama",
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads // kv_group,
            "intermediate_size": width * mlp_ratio,
            "max_position_embeddings": context,
            "vocab_size": self.vocab_size,
            "tie_word_embeddings": bool(tied),
            "attention_bias": False,
            "mlp_bias": False,
            "rms_norm_eps": 1e-5,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "pad_token_id": None,
        }


class LlamaTask(TextTask[PreTrainedModel]):
    """Next-token prediction on a text."""

    family = "llama"
    model_types: tuple[str, ...] = tuple(CLASSES)
    context_field = "max_position_embeddings"

    def graph(self, config: Mapping[str, Any]) -> ArchitectureGraph:
        """As the service builds it."""
        return llama_graph(config)

    def module(self, config: Mapping[str, Any]) -> PreTrainedModel:
        """On the meta device, but for the frequencies of the rotary embedding, which are no parameters."""
        module = super().module(config)
        decoder: Any = module.model
        decoder.rotary_emb = type(decoder.rotary_emb)(module.config).to(self.device)
        return module

    def build(self, config: Mapping[str, Any]) -> PreTrainedModel:
        """On torch's present device, without dropout."""
        fields = {**config, "use_cache": False, "attn_implementation": ATTENTION}
        module = CLASSES[config["model_type"]](AutoConfig.for_model(**fields))
        module.train(False)
        return module
