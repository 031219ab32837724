"""Small networks to be initialised."""

from __future__ import annotations

import torch
from minute import MINUTE, MINUTE_GPT2, MINUTE_LLAMA

from logah.data.splits import ImageSplits, Split, TokenSplits
from logah.evaluation.initialisations import Target
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.gpt2 import Gpt2Task
from logah.targets.llama import LlamaTask
from logah.targets.vit import VitTask
from logah.training.configuration import train_configuration


def vit_target(width: int = 32, heads: int = 4) -> Target:
    torch.manual_seed(0)
    config = train_configuration(MINUTE, "test")
    split = Split(torch.zeros(1, 1, 28, 28), torch.zeros(1, dtype=torch.int64))
    sizes = config.space.config(width=width, layers=2, patch_size=14, heads=heads, mlp_ratio=2)
    task = VitTask(ImageSplits(split, split, split))
    return Target(task, sizes, Hypernetwork(config.hypernet), config.space.ranges())


def gpt2_target(width: int = 32, heads: int = 4) -> Target:
    torch.manual_seed(0)
    config = train_configuration(MINUTE_GPT2, "test")
    tokens = torch.zeros(100, dtype=torch.int64)
    sizes = config.space.config(width=width, layers=2, context=16, heads=heads, mlp_ratio=2)
    task = Gpt2Task(TokenSplits(tokens, tokens, tokens, vocabulary=64))
    return Target(task, sizes, Hypernetwork(config.hypernet), config.space.ranges())


def llama_target(width: int = 32, heads: int = 4, tied: int = 0) -> Target:
    torch.manual_seed(0)
    config = train_configuration(MINUTE_LLAMA, "test")
    tokens = torch.zeros(100, dtype=torch.int64)
    sizes = config.space.config(width=width, layers=2, context=16, heads=heads, mlp_ratio=2, tied=tied, biased=1)
    task = LlamaTask(TokenSplits(tokens, tokens, tokens, vocabulary=64))
    return Target(task, sizes, Hypernetwork(config.hypernet), config.space.ranges())
