"""Data in three splits: images with their classes, and tokens of a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class Split:
    """Images [count, channels, S, S] and labels [count] int64.

    float32 images are as networks read them. uint8 ones, a quarter of the size, are normalised as they are taken:
    `mean` and `deviation` [channels] are of the pixels, in units of the full range 0 to 1.
    """

    images: Tensor
    labels: Tensor
    mean: Tensor | None = None
    deviation: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Tensor | slice) -> tuple[Tensor, Tensor]:
        """float32 images of the rows, and their labels."""
        images = self.images[rows]
        if self.mean is not None and self.deviation is not None:
            images = (images.float() / 255 - self.mean.view(-1, 1, 1)) / self.deviation.view(-1, 1, 1)
        return images, self.labels[rows]


@dataclass(frozen=True)
class ImageSplits:
    """Images with their classes, in three splits."""

    train: Split
    validation: Split
    test: Split


@dataclass(frozen=True)
class TokenSplits:
    """A text as tokens, int64 [count] a split, the documents joined by the tokenizer's end-of-text token.

    tokenizer: the directory of the tokenizer's files, where there is one.
    """

    train: Tensor
    validation: Tensor
    test: Tensor
    vocabulary: int
    tokenizer: Path | None = None

    def unigram_perplexity(self) -> float:
        """Of the test text under the frequencies of the training text's tokens, each counted once more."""
        counts = torch.bincount(self.train, minlength=self.vocabulary).double() + 1
        return (counts / counts.sum()).log()[self.test].mean().neg().exp().item()
