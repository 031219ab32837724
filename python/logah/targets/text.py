"""What the target networks that read text have in common: the next token of every place of a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import PreTrainedModel

from logah.data.splits import TokenSplits
from logah.targets.task import SplitName

#: Tokens that are read together in an evaluation.
BATCH = 4096

Network = TypeVar("Network", bound=PreTrainedModel)


class TextTask(Generic[Network]):
    """Next-token prediction on a text. A family says which field of its configurations is the longest text."""

    context_field: str

    def __init__(self, data: TokenSplits, device: torch.device | str = "cpu") -> None:
        """Batches come on `device`; the text stays where it is."""
        self.data, self.device = data, torch.device(device)

    def build(self, config: Mapping[str, Any]) -> Network:
        """The module of a complete configuration, on torch's present device, without dropout."""
        raise NotImplementedError

    def module(self, config: Mapping[str, Any]) -> Network:
        """On the meta device, without dropout."""
        with torch.device("meta"):
            return self.build(config)

    def initialized(self, config: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
        """Drawn from `seed`."""
        torch.manual_seed(seed)
        return {name: parameter.detach().to(self.device) for name, parameter in self.build(config).named_parameters()}

    def logits(self, module: nn.Module, state: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """[B, T] tokens -> [B, T, vocabulary]."""
        return functional_call(module, dict(state), (inputs,)).logits

    def references(self) -> dict[str, float]:
        """The frequencies of tokens alone."""
        return {"unigram_perplexity": self.data.unigram_perplexity()}

    def batch(self, config: Mapping[str, Any], size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Tokens [size / context, context] from random places of the text, and the tokens that follow each."""
        context: int = config[self.context_field]
        tokens = self.data.train
        starts = torch.randint(len(tokens) - context, (max(1, size // context), 1), generator=generator)
        windows = tokens[starts + torch.arange(context + 1)].to(self.device)
        return windows[:, :-1], windows[:, 1:]

    def batches(
        self, config: Mapping[str, Any], split: SplitName, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The first `limit` tokens of a split in windows of the network's whole context, which do not overlap."""
        context: int = config[self.context_field]
        tokens = (self.data.validation if split == "validation" else self.data.test)[:limit]
        count = (len(tokens) - 1) // context
        inputs, targets = tokens[: count * context], tokens[1 : count * context + 1]
        rows = max(1, BATCH // context)
        for start in range(0, count, rows):
            stop = min(start + rows, count)
            part = slice(start * context, stop * context)
            yield inputs[part].view(-1, context).to(self.device), targets[part].view(-1, context).to(self.device)
