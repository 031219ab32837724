"""The families that training knows: how the YAML of a run describes their architectures, and what they learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from logah.training.data_error import DataError
from logah.training.data_source import (
    IMAGE_KINDS,
    PREPARED_IMAGES,
    PREPARED_TEXTS,
    TEXT_KINDS,
    DataSource,
    PreparedData,
    describe,
    load_images,
    load_tokens_of,
)
from logah.training.fashion_mnist import load_fashion_mnist
from logah.training.gpt2_targets import Gpt2Space, Gpt2Task
from logah.training.kjv import load_kjv
from logah.training.mixture import Member
from logah.training.targets import Task
from logah.training.vit_targets import VitSpace, VitTask

if TYPE_CHECKING:
    from logah.training.settings import MixedTrainConfig, TrainConfig


@dataclass(frozen=True)
class Family:
    """A family of target networks.

    space: a dataclass whose fields the YAML has. load: reads the default data from the cache directory. dataset: what
    those are. default_data: their name. prepared, kinds: the other data that the family can learn from.
    """

    space: type[VitSpace] | type[Gpt2Space]
    load: Callable[[Path], Task]
    dataset: str
    default_data: str
    prepared: tuple[str, ...]
    kinds: Mapping[str, type[DataSource]]


FAMILIES: Mapping[str, Family] = {
    "vit": Family(
        VitSpace,
        lambda cache: VitTask(load_fashion_mnist(cache)),
        describe(PreparedData("fashion-mnist")),
        "fashion-mnist",
        tuple(PREPARED_IMAGES),
        IMAGE_KINDS,
    ),
    "gpt2": Family(
        Gpt2Space,
        lambda cache: Gpt2Task(load_kjv(cache)),
        describe(PreparedData("kjv")),
        "kjv",
        tuple(PREPARED_TEXTS),
        TEXT_KINDS,
    ),
}


def load_tasks(
    train: TrainConfig | MixedTrainConfig, cache: Path, device: torch.device | str = "cpu"
) -> dict[str, Task]:
    """The task of each of the run's families. Raises DataError, also for data that its networks cannot read."""
    return {member.family: load_task(member, cache, device) for member in train.members}


def load_task(train: TrainConfig | Member, cache: Path, device: torch.device | str = "cpu") -> Task:
    """A family's data as batches on the device. Raises DataError, also for data that its networks cannot read."""
    space = train.space
    if isinstance(space, VitSpace):
        images = load_images(train.data, cache, space.image_size, space.num_channels)
        _, channels, height, width = images.train.images.shape
        if (channels, height, width) != (space.num_channels, space.image_size, space.image_size):
            raise DataError(
                f"data: {describe(train.data)} has images of {channels} x {height} x {width}, space: num_channels and "
                f"image_size say {space.num_channels} x {space.image_size} x {space.image_size}"
            )
        classes = int(max(split.labels.max() for split in (images.train, images.validation, images.test))) + 1
        if classes > space.num_labels:
            raise DataError(f"data: there are {classes} classes; space: num_labels is {space.num_labels}")
        return VitTask(images, device)
    if isinstance(space, Gpt2Space):
        tokens = load_tokens_of(train.data, cache, space.vocab_size)
        if tokens.vocabulary > space.vocab_size:
            raise DataError(f"data: the text has {tokens.vocabulary} tokens; space: vocab_size is {space.vocab_size}")
        needed = max(space.contexts) + 1
        for name in ("train", "validation", "test"):
            count = len(getattr(tokens, name))
            if count < needed:
                raise DataError(
                    f"data: {name} has {count} tokens; space: contexts asks for at least {needed}, the longest and one"
                )
        return Gpt2Task(tokens, device)
    raise TypeError(f"no data for {type(space).__name__}")
