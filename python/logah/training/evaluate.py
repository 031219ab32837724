"""Zero-shot evaluation: how well networks classify with predicted parameters and no training of their own."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from logah.hypernet.hypernetwork import Hypernetwork
from logah.training.fashion_mnist import Split
from logah.training.vit_targets import VitSpace, build_module, logits, predict_state

BATCH = 500


@torch.no_grad()
def zero_shot_accuracy(hypernetwork: Hypernetwork, config: Mapping[str, Any], split: Split, seed: int = 0) -> float:
    """Share of `split` classified rightly; `seed` draws the class token, which is not predicted."""
    state = predict_state(hypernetwork, config, torch.Generator().manual_seed(seed))
    module = build_module(config)
    right = 0
    for start in range(0, len(split), BATCH):
        images, labels = split.images[start : start + BATCH], split.labels[start : start + BATCH]
        right += int((logits(module, state, images).argmax(1) == labels).sum())
    return right / len(split)


def evaluate_groups(
    hypernetwork: Hypernetwork, space: VitSpace, groups: Mapping[str, Sequence[Mapping[str, int]]], split: Split
) -> list[dict[str, Any]]:
    """One record a network: its group, sizes, number of parameters and accuracy; a record of means ends each group."""
    records: list[dict[str, Any]] = []
    for group, architectures in groups.items():
        accuracies = []
        for sizes in architectures:
            config = space.config(**sizes)
            accuracy = zero_shot_accuracy(hypernetwork, config, split)
            accuracies.append(accuracy)
            parameters = sum(p.numel() for p in build_module(config).parameters())
            records.append(
                {"metric": "zero_shot_accuracy", "group": group, **sizes, "parameters": parameters, "value": accuracy}
            )
            print(f"{group}: {sizes} {parameters:,} parameters, zero-shot accuracy {accuracy:.3f}", flush=True)
        records.append(
            {"metric": "mean_zero_shot_accuracy", "group": group, "value": round(statistics.fmean(accuracies), 4)}
        )
    return records
