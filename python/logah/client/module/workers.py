"""Threads that expand: each computes alone, so that none waits for another at every product, which costs most where
other work keeps a core busy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

import torch

from logah.client.module.products import Job

Result = TypeVar("Result")

#: More would wait for each other between the products.
_MOST = 16


class Workers:
    """As many threads as torch computes with; where that is one, the caller's. To be used in a `with`."""

    def __init__(self) -> None:
        self._threads = torch.get_num_threads()
        self._count = min(_MOST, self._threads)
        self._pool: ThreadPoolExecutor | None = None
        self._alone: ThreadPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pools = [pool for pool in (self._pool, self._alone) if pool is not None]
        for pool in pools:
            pool.shutdown(cancel_futures=True)
        if pools:
            torch.set_num_threads(self._threads)

    def begin(self, jobs: Iterable[Job], device: torch.device) -> Running:
        """Has jobs done that write to tensors on a device: another device than the CPU does them in its own order."""
        if self._count < 2 or device.type != "cpu":
            for job in jobs:
                job()
            return Running([])
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._count, "logah-expansion")
        return Running([self._pool.submit(_by_one_thread, job) for job in jobs])

    def alone(self, compute: Callable[[], Result]) -> Result:
        """What is computed, by one thread: the bits of a product that several share depend on how many they are."""
        if self._count < 2:
            return compute()
        if self._alone is None:
            self._alone = ThreadPoolExecutor(1, "logah-expansion")
        return self._alone.submit(_by_one_thread, compute).result()


class Running:
    """Jobs that have begun."""

    def __init__(self, futures: list[Future[None]]) -> None:
        self._futures = futures

    def wait(self) -> None:
        """Until all are done. Raises what the first of them raised."""
        for future in self._futures:
            future.result()


def _by_one_thread(compute: Callable[[], Result]) -> Result:
    # Where a thread first asks for its count, torch sets it to what any thread has set last: it asks before it sets.
    torch.get_num_threads()
    torch.set_num_threads(1)
    # Each thread has a grad mode of its own.
    with torch.no_grad():
        return compute()
