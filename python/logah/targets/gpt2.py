"""Target networks for language: real `GPT2LMHeadModel` modules run with predicted parameters."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import GPT2Config, GPT2LMHeadModel

from logah.data.splits import TokenSplits
from logah.graph import ArchitectureGraph
from logah.graph.gpt2 import gpt2_graph
from logah.targets.attention import ATTENTION
from logah.targets.task import SplitName
from logah.targets.transformer_space import TransformerSpace

#: Tokens that are read together in an evaluation.
BATCH = 4096


@dataclass(frozen=True, kw_only=True)
class Gpt2Space(TransformerSpace):
    """The architectures that training samples.

    contexts: the longest texts that a network reads, in tokens. tied: whether its head is its token table.
    """

    vocab_size: int
    contexts: tuple[int, ...]
    tied: bool = True

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


class Gpt2Task:
    """Next-token prediction on a text."""

    family = "gpt2"

    def __init__(self, data: TokenSplits, device: torch.device | str = "cpu") -> None:
        """Batches come on `device`; the text stays where it is."""
        self.data, self.device = data, torch.device(device)

    def graph(self, config: Mapping[str, Any]) -> ArchitectureGraph:
        """As the service builds it."""
        return gpt2_graph(config)

    def module(self, config: Mapping[str, Any]) -> GPT2LMHeadModel:
        """On the meta device, without dropout."""
        with torch.device("meta"):
            return _build(config)

    def initialized(self, config: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
        """Drawn from `seed`."""
        torch.manual_seed(seed)
        return {name: parameter.detach().to(self.device) for name, parameter in _build(config).named_parameters()}

    def logits(self, module: nn.Module, state: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """[B, T] tokens -> [B, T, vocabulary]."""
        return functional_call(module, dict(state), (inputs,)).logits

    def references(self) -> dict[str, float]:
        """The frequencies of tokens alone."""
        return {"unigram_perplexity": self.data.unigram_perplexity()}

    def batch(self, config: Mapping[str, Any], size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Tokens [size / context, context] from random places of the text, and the tokens that follow each."""
        context: int = config["n_positions"]
        tokens = self.data.train
        starts = torch.randint(len(tokens) - context, (max(1, size // context), 1), generator=generator)
        windows = tokens[starts + torch.arange(context + 1)].to(self.device)
        return windows[:, :-1], windows[:, 1:]

    def batches(
        self, config: Mapping[str, Any], split: SplitName, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The first `limit` tokens of a split in windows of the network's whole context, which do not overlap."""
        context: int = config["n_positions"]
        tokens = (self.data.validation if split == "validation" else self.data.test)[:limit]
        count = (len(tokens) - 1) // context
        inputs, targets = tokens[: count * context], tokens[1 : count * context + 1]
        rows = max(1, BATCH // context)
        for start in range(0, count, rows):
            stop = min(start + rows, count)
            part = slice(start * context, stop * context)
            yield inputs[part].view(-1, context).to(self.device), targets[part].view(-1, context).to(self.device)


def _build(config: Mapping[str, Any]) -> GPT2LMHeadModel:
    fields = {key: value for key, value in config.items() if key != "model_type"}
    module = GPT2LMHeadModel(GPT2Config(**{**fields, "use_cache": False, "attn_implementation": ATTENTION}))
    module.train(False)
    return module
