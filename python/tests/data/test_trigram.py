"""The trigram against its formula, counted token by token."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
import torch

from logah.data.trigram import DISCOUNT, LARGEST_VOCABULARY, Trigram
from logah.errors import ConfigurationError

VOCABULARY = 7


def text(count: int = 400) -> torch.Tensor:
    """Of which one token never comes, and another but once."""
    tokens = torch.randint(VOCABULARY - 2, (count,), generator=torch.Generator().manual_seed(0))
    tokens[100] = VOCABULARY - 2
    return tokens


def by_hand(tokens: list[int], first: int | None, second: int, token: int) -> float:
    """P(token | first, second); without a first, P(token | second)."""
    pairs = Counter(pairwise(tokens))
    lowest = sum(t == token for _, t in pairs) / len(pairs)
    of_pairs = Counter({t: n for (s, t), n in pairs.items() if s == second})
    lower = discounted(of_pairs, token, lowest)
    if first is None:
        return lower
    triples = Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))
    return discounted(Counter({t: n for (f, s, t), n in triples.items() if (f, s) == (first, second)}), token, lower)


def discounted(counts: Counter[int], token: int, lower: float) -> float:
    total = sum(counts.values())
    if total == 0:
        return lower
    return max(counts[token] - DISCOUNT, 0) / total + DISCOUNT * len(counts) / total * lower


def test_probabilities_are_those_of_the_formula() -> None:
    tokens = text()
    trigram = Trigram(tokens, VOCABULARY)
    texts = torch.tensor([[0, 1, 2, 6, 3, 5], [4, 4, 5, 0, 0, 1]])
    found = trigram.following(texts).view(2, 6, VOCABULARY)
    for row, places in enumerate(texts.tolist()):
        for place, second in enumerate(places):
            first = places[place - 1] if place else None
            expected = [by_hand(tokens.tolist(), first, second, token) for token in range(VOCABULARY)]
            assert found[row, place].tolist() == pytest.approx(expected, abs=1e-6)


def test_probabilities_sum_to_one_also_behind_what_never_came() -> None:
    trigram = Trigram(text(), VOCABULARY)
    found = trigram.following(torch.tensor([[6, 6, 0, 5, 5, 1]]))
    assert torch.allclose(found.sum(1), torch.ones(6), atol=1e-6)
    assert (found >= 0).all()


def test_two_tokens_tell_more_than_one_where_the_text_has_an_order_of_two() -> None:
    tokens = torch.tensor([0, 0, 1, 1] * 100)
    found = Trigram(tokens, 2).following(torch.tensor([[0, 0, 1, 1]]))
    # Behind a 0 comes either; behind two of them always a 1.
    assert found[0, 1].item() == pytest.approx(0.5, abs=0.05)
    assert found[1, 1].item() > 0.95
    assert found[3, 0].item() > 0.95


def test_a_vocabulary_whose_pairs_are_too_many_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"smoothing: the text has 4097 tokens, .* at most 4096"):
        Trigram(torch.zeros(3, dtype=torch.int64), LARGEST_VOCABULARY + 1)
