"""Which starts the sweep of model zoos calls unlike the module's own."""

from __future__ import annotations

import torch

from bench.coverage import is_alike


def test_what_is_drawn_alike_is_alike_and_what_is_not_is_told() -> None:
    torch.manual_seed(0)
    first, second, third = (torch.randn(10_000) for _ in range(3))
    assert is_alike(third, first, second)
    assert not is_alike(1.2 * third, first, second)
    assert not is_alike(torch.zeros(10_000), first, second)
    assert is_alike(torch.ones(8), torch.ones(8), torch.ones(8))
    assert not is_alike(torch.zeros(8), torch.ones(8), torch.ones(8))


def test_a_single_number_that_is_drawn_is_like_any_other() -> None:
    assert is_alike(torch.tensor([0.3]), torch.tensor([0.1]), torch.tensor([0.2]))
    assert not is_alike(torch.tensor([0.3]), torch.tensor([0.0]), torch.tensor([0.0]))
