"""Threads that expand: each computes alone, so that none waits for another at every product, which costs most where
other work keeps a core busy."""

from __future__ import annotations

import threading
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
        self._count = min(_MOST, torch.get_num_threads())
        self._pool: ThreadPoolExecutor | None = None
        self._alone: ThreadPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in (self._pool, self._alone):
            if pool is not None:
                pool.shutdown(cancel_futures=True)

    def begin(self, jobs: Iterable[Job], device: torch.device) -> Running:
        """Has jobs done that write to tensors on a device: another device than the CPU does them in its own order."""
        if self._count < 2 or device.type != "cpu":
            for job in jobs:
                job()
            return Running([])
        if self._pool is None:
            self._pool = _pool_of(self._count)
        return Running([self._pool.submit(_without_gradients, job) for job in jobs])

    def alone(self, compute: Callable[[], Result]) -> Result:
        """What is computed, by one thread: the bits of a product that several share depend on how many they are."""
        if self._count < 2:
            return compute()
        if self._alone is None:
            self._alone = _pool_of(1)
        return self._alone.submit(_without_gradients, compute).result()


class Running:
    """Jobs that have begun."""

    def __init__(self, futures: list[Future[None]]) -> None:
        self._futures = futures

    def wait(self) -> None:
        """Until all are done. Raises what the first of them raised."""
        for future in self._futures:
            future.result()


def _without_gradients(compute: Callable[[], Result]) -> Result:
    # Each thread has a grad mode of its own.
    with torch.no_grad():
        return compute()


def _pool_of(count: int) -> ThreadPoolExecutor:
    threads = torch.get_num_threads()
    started = threading.Barrier(count + 1)

    def start() -> None:
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(count, "logah-expansion")
    for _ in range(count):
        pool.submit(start)
    started.wait()
    # What a thread sets is its own, and what threads begin with that are made later.
    torch.set_num_threads(threads)
    return pool
