"""The spaces of architectures that LoGAH was published with, as presets.

The sets ViTs-1K and GPTs-1K: arXiv 2405.16287. Source of the ranges: the programs with which its authors drew them
(`vit_generator.py` and `gpt2_generator.py` in github.com/Blackzxy/LoGAH). They drew each set once; here every step
draws a new network from the same ranges.
"""

from __future__ import annotations

from collections.abc import Mapping

from logah.targets.gpt2 import Gpt2Space
from logah.targets.vit import VitSpace

SPACES: Mapping[str, VitSpace | Gpt2Space] = {
    # ImageNet's setting; for CIFAR: image_size 32, num_labels 10 or 100, patch_sizes [2, 4].
    "vits-1k": VitSpace(
        image_size=224,
        num_channels=3,
        num_labels=1000,
        patch_sizes=(16, 32),
        layers=tuple(range(3, 10)),
        widths=tuple(range(128, 513, 32)),
        depth_widths=((3, 384, 512), (5, 256, 384), (9, 128, 256)),
        heads=((3, 6, 12), (4, 8)),
    ),
    # GPT-2's own vocabulary and context; the head is a matrix of its own, not the token table.
    "gpts-1k": Gpt2Space(
        vocab_size=50257,
        contexts=(1024,),
        tied=False,
        layers=tuple(range(3, 10)),
        widths=tuple(range(72, 257, 8)),
        depth_widths=((3, 176, 256), (5, 128, 176), (9, 72, 176)),
        heads=((8,),),
    ),
}
