"""Tensors that came as cores or factors, expanded in groups: the factors of a group are made at once, while other
threads multiply those of the group before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logah.client.module.core_factors import factors_of, rows_of_a_group
from logah.client.module.torch_expansion import Memory, core_jobs, factor_jobs
from logah.client.module.workers import Running, Workers
from logah.client.wire.core_data import CoreExpansion, CoreRows, block_data
from logah.client.wire.plan import TensorPlan


@dataclass(frozen=True)
class Wanted:
    """Where a tensor is to be written, and what to do then."""

    memory: Memory
    done: Callable[[], None]
    #: Whether the memory is the parameter's own, so that it need not be given back soon.
    can_wait: bool


class Groups:
    """Takes tensors in the order of the plan. A group's bounds depend on the plan alone, and so do the bits of its
    factors, which one thread makes."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        #: To be set before the first core comes.
        self.expansion: CoreExpansion | None = None
        self._came: list[tuple[TensorPlan, NDArray[np.uint8], Wanted | None]] = []
        self._rows = 0
        self._running: list[tuple[Running, Wanted]] = []

    def add(self, tensor: TensorPlan, data: NDArray[np.uint8], wanted: Wanted | None) -> None:
        """A tensor has come; `wanted` None: this process holds nothing of it."""
        if tensor.factors:
            if wanted is not None:
                jobs = factor_jobs(wanted.memory.view, tensor, data)
                running = self._workers.begin(jobs, wanted.memory.view.values.device)
                self._follow([(running, wanted)])
            return
        assert self.expansion is not None, "cores come behind it"
        self._came.append((tensor, data, wanted))
        self._rows += sum(block.core_rows(self.expansion.expansion) for block in tensor.core)
        if self._rows >= rows_of_a_group(self.expansion):
            self._begin(self.expansion)

    def finish(self) -> None:
        """No more will come: returns when all has been written."""
        if self.expansion is not None:
            self._begin(self.expansion)
        self._follow([])

    def _begin(self, expansion: CoreExpansion) -> None:
        came, self._came, self._rows = self._came, [], 0
        read = [
            (tensor, list(block_data(tensor, data, expansion.element_type, expansion.expansion)), wanted)
            for tensor, data, wanted in came
        ]
        products = [data for _, blocks, _ in read for _, data in blocks if isinstance(data, CoreRows)]
        factors = iter(self._workers.alone(lambda: factors_of(products, expansion)) if products else ())
        begun = []
        for tensor, blocks, wanted in read:
            ready = [(block, data, next(factors) if isinstance(data, CoreRows) else None) for block, data in blocks]
            if wanted is None:
                continue
            view = wanted.memory.view
            running = self._workers.begin(core_jobs(view, tensor, ready, expansion), view.values.device)
            if wanted.can_wait:
                begun.append((running, wanted))
            else:
                self._complete(running, wanted)
        self._follow(begun)

    def _follow(self, begun: list[tuple[Running, Wanted]]) -> None:
        """Waits for what ran before: no more than two groups are held."""
        before, self._running = self._running, begun
        for running, wanted in before:
            self._complete(running, wanted)

    def _complete(self, running: Running, wanted: Wanted) -> None:
        running.wait()
        wanted.memory.finish()
        wanted.done()
