"""Traces in several threads at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn
from torch._subclasses import fake_tensor
from torch.distributions import Distribution
from torch.fx.experimental import proxy_tensor
from traced_graphs import predicted

from logah.client import trace


def _of_process() -> tuple[object, ...]:
    limits = (fake_tensor.CONSTANT_NUMEL_LIMIT, proxy_tensor.CONSTANT_NUMEL_LIMIT)
    return (*limits, fake_tensor.FakeTensorMode._dispatch_impl, Distribution._validate_args)


def test_traces_at_once_leave_the_process_as_it_was() -> None:
    before, together = _of_process(), threading.Barrier(3)

    def traced(_: int) -> int:
        together.wait()
        module = nn.Sequential(*(nn.Linear(8, 8) for _ in range(4)))
        return len(predicted(trace(module, (torch.empty(2, 8),))))

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(traced, range(3))) == [8] * 3
    assert _of_process() == before
