"""A trigram of a text: what follows a token, from the two before, by interpolated Kneser-Ney smoothing.

Source: Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1998), section 2.7, with
one absolute discount. The probability of each order is (count - discount) / total and what the discount left, spread
as the next lower order says; the lowest counts in how many different contexts a token stands.

Dimensions in names: B texts, T places, V vocabulary, P pairs of tokens in front (V x V), K different trigrams.
"""

from __future__ import annotations

import torch
from torch import Tensor

from logah.errors import ConfigurationError

DISCOUNT = 0.75
#: The table of pairs has the square of it as float32.
LARGEST_VOCABULARY = 4096


class Trigram:
    """Counts of a training text, [count] int64. Raises ConfigurationError where the vocabulary is too large."""

    def __init__(self, tokens: Tensor, vocabulary: int) -> None:
        if vocabulary > LARGEST_VOCABULARY:
            raise ConfigurationError(
                f"smoothing: the text has {vocabulary} tokens, a trigram is made of at most {LARGEST_VOCABULARY}"
            )
        self.vocabulary = vocabulary
        pairs = tokens[:-1] * vocabulary + tokens[1:]
        counts_VV = torch.bincount(pairs, minlength=vocabulary**2).view(vocabulary, vocabulary).float()
        seen_VV = (counts_VV > 0).float()
        contexts_V = seen_VV.sum(0)
        total_V1 = counts_VV.sum(1, keepdim=True)
        left_V1 = torch.where(total_V1 > 0, DISCOUNT * seen_VV.sum(1, keepdim=True) / total_V1.clamp(min=1), 1.0)
        self.bigram_VV = (counts_VV - DISCOUNT).clamp(min=0) / total_V1.clamp(min=1)
        self.bigram_VV += left_V1 * contexts_V / contexts_V.sum()
        trigrams_K, self._counts_K = torch.unique(pairs[:-1] * vocabulary + tokens[2:], return_counts=True)
        self._tokens_K = trigrams_K % vocabulary
        # Those behind one pair stand together: where they begin, for each pair and for one behind the last.
        self._starts_P = torch.searchsorted(trigrams_K // vocabulary, torch.arange(vocabulary**2 + 1))

    def following(self, texts_BT: Tensor) -> Tensor:
        """[B x T, V]: the probability of each token behind each place. The first place of a text has a bigram alone."""
        texts, places = texts_BT.shape
        result = self.bigram_VV[texts_BT.flatten()]
        before_BT = torch.cat([texts_BT.new_zeros(texts, 1), texts_BT[:, :-1]], 1)
        pair = (before_BT * self.vocabulary + texts_BT).flatten()
        start, stop = self._starts_P[pair], self._starts_P[pair + 1]
        stop = torch.where(torch.arange(len(pair)) % places == 0, start, stop)
        kinds = stop - start
        row = torch.repeat_interleave(torch.arange(len(pair)), kinds)
        # The places of all trigrams that are asked for, pair after pair.
        first = torch.repeat_interleave(start - (kinds.cumsum(0) - kinds), kinds)
        entry = first + torch.arange(len(row))
        counts = self._counts_K[entry].float()
        total = torch.zeros(len(pair)).index_add_(0, row, counts)
        left = torch.where(total > 0, DISCOUNT * kinds / total.clamp(min=1), 1.0)
        result = result * left[:, None]
        flat = result.view(-1)
        flat.index_add_(0, row * self.vocabulary + self._tokens_K[entry], (counts - DISCOUNT) / total[row])
        return result
