"""The processes of a run under torchrun: each draws its own architectures and batches, gradients are averaged.

Not DistributedDataParallel: the graph differs from rank to rank and step to step, so some weights get a gradient on one
rank alone, and a step is several backward passes. One all-reduce of everything, after the last of them, is simpler.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from logah.errors import DeviceError

T = TypeVar("T")
DeviceName = Literal["auto", "cpu", "cuda"]
DEVICES: tuple[DeviceName, ...] = ("auto", "cpu", "cuda")
#: How long ranks wait for another, that may be validating or preparing data.
PATIENCE = timedelta(hours=2)


@dataclass(frozen=True)
class Ranks:
    """This process and the number of all; alone by default, and then nothing is sent."""

    rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this one writes, validates and shows progress."""
        return self.rank == 0

    def average_gradients(self, parameters: list[nn.Parameter], values: list[float]) -> list[float]:
        """Replaces gradients by their mean over the ranks, and returns the mean of each of `values`.

        A weight that had a gradient on some ranks counts as zero on the others; one that had none on any keeps none, so
        that the optimizer leaves it alone, as it does in a single process. What is not finite on one rank is so on all.
        """
        if self.count == 1:
            return values
        device = parameters[0].device
        used = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.float32)
        own = torch.tensor(values, dtype=torch.float32)
        gradients = [
            (torch.zeros_like(parameter) if parameter.grad is None else parameter.grad).flatten()
            for parameter in parameters
        ]
        flat = torch.cat([used.to(device), own.to(device), *gradients])
        dist.all_reduce(flat)
        counts, sums, rest = flat.split([len(parameters), len(values), flat.numel() - len(parameters) - len(values)])
        parts = (rest / self.count).split([parameter.numel() for parameter in parameters])
        for parameter, anywhere, part in zip(parameters, counts.tolist(), parts, strict=True):
            parameter.grad = part.view_as(parameter) if anywhere else None
        return [value / self.count for value in sums.tolist()]

    def gather(self, value: T) -> list[T]:
        """Every rank's value, on every rank."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def broadcast(self, tensors: list[Tensor]) -> None:
        """Replaces the tensors by the first rank's."""
        if self.count > 1:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def main_first(self, load: Callable[[], T]) -> T:
        """What `load` gives; the first rank's call is over before the others begin, and so has filled the cache."""
        if self.count == 1:
            return load()
        if self.is_main:
            result = load()
            dist.barrier()
            return result
        dist.barrier()
        return load()


#: A run of a single process.
ALONE = Ranks()


def stream_seed(seed: int, rank: int) -> int:
    """The seed of a rank's own draws; the first rank draws what a single process would."""
    if rank == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{rank}".encode()).digest()[:7], "big")


@contextmanager
def torchrun_ranks(device: DeviceName) -> Iterator[tuple[Ranks, torch.device]]:
    """The ranks that torchrun started, and this one's device; alone where it was not started so.

    Raises DeviceError where there is no CUDA device and one was asked for, or fewer than processes.
    """
    rank, count, local = (int(os.environ.get(name, default)) for name, default in _ENVIRONMENT)
    chosen = _device(device, local)
    if count == 1:
        yield ALONE, chosen
        return
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Ranks(rank, count), chosen
    finally:
        dist.destroy_process_group()


#: torchrun's variables, and what they are without it.
_ENVIRONMENT = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


def _device(name: DeviceName, local: int) -> torch.device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and count == 0):
        return torch.device("cpu")
    if local >= count:
        raise DeviceError(f"--device {name}: process {local} of this machine has no CUDA device; there are {count}")
    device = torch.device("cuda", local)
    torch.cuda.set_device(device)
    return device
