"""What a run's networks learn from, loaded and checked against their space."""

from __future__ import annotations

from pathlib import Path

import torch

from logah.data.source import describe, load_images, load_tokens_of
from logah.errors import DataError
from logah.targets.gpt2 import Gpt2Space, Gpt2Task
from logah.targets.llama import LlamaSpace, LlamaTask
from logah.targets.mixture import Member
from logah.targets.task import Task
from logah.targets.vit import VitSpace, VitTask
from logah.training.settings import MixedTrainConfig, TrainConfig


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
    if isinstance(space, Gpt2Space | LlamaSpace):
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
        return Gpt2Task(tokens, device) if isinstance(space, Gpt2Space) else LlamaTask(tokens, device)
    raise TypeError(f"no data for {type(space).__name__}")
