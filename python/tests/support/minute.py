"""Runs of a minute-size hypernetwork, as their YAML would be read."""

from __future__ import annotations

from typing import Any

import torch

from logah.data.splits import ImageSplits, Split, TokenSplits
from logah.hypernet.config import LANGUAGE_OPERATIONS

MINUTE: dict[str, Any] = {
    "hypernet": {
        "hid": 16,
        "heads": 2,
        "layers": 1,
        "rank": 8,
        "ck": 256,
        "max_shape": [64, 64, 16, 16],
        "decoder": "aligned",
        "shape_encoding": "smooth",
        "cutoff": 50,
        "slots": 3,
    },
    "family": "vit",
    "space": {
        "image_size": 28,
        "num_channels": 1,
        "num_labels": 10,
        "widths": [16, 24, 32],
        "held_out_widths": [24],
        "layers": [1, 2],
        "patch_sizes": [14],
        "head_sizes": [8, 16],
        "mlp_ratios": [2],
    },
    "cycles": [[60, 5.0e-3]],
    "meta_batch": 1,
    "batch_size": 16,
    "warmup_steps": 5,
    "weight_decay": 0.01,
    "clip_norm": 5.0,
    "penalty": 3.0e-5,
    "ema_decay": 0.9,
    "predicted_scale": None,
    "start_from": None,
    "precision": "float32",
    "seed": 1,
    "checkpoint_every": 20,
}

MINUTE_GPT2: dict[str, Any] = {
    **MINUTE,
    "meta_batch": 2,
    "family": "gpt2",
    "space": {
        "vocab_size": 64,
        "widths": [16, 24, 32],
        "held_out_widths": [24],
        "layers": [1, 2],
        "contexts": [16, 32],
        "head_sizes": [8, 16],
        "mlp_ratios": [2],
    },
    "batch_size": 128,
}

MINUTE_LLAMA: dict[str, Any] = {
    **MINUTE_GPT2,
    "hypernet": {**MINUTE["hypernet"], "operations": list(LANGUAGE_OPERATIONS)},
    "family": "llama",
    "space": {**MINUTE_GPT2["space"], "kv_groups": [1, 2]},
}

MINUTE_MIXED: dict[str, Any] = {
    **{name: value for name, value in MINUTE.items() if name not in ("family", "space", "batch_size")},
    "meta_batch": 2,
    "members": [{name: run[name] for name in ("family", "space", "batch_size")} for run in (MINUTE, MINUTE_GPT2)],
}


def skewed_text() -> TokenSplits:
    """Mostly a few tokens of 64, so that a tiny network can learn which."""
    tokens = torch.randint(64, (4000,), generator=torch.Generator().manual_seed(0)) ** 3 // 64**2
    return TokenSplits(tokens[:3000], tokens[3000:3500], tokens[3500:], vocabulary=64)


def bright_images() -> ImageSplits:
    """Ten classes told apart by brightness, so that a tiny network can learn them."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(10).repeat(40)
    images = (labels / 3 - 1.5).view(-1, 1, 1, 1) + 0.1 * torch.randn(400, 1, 28, 28, generator=generator)
    split = Split(images, labels)
    return ImageSplits(split, split, split)
