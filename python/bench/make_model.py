"""A LoGAH of the paper's Tiny size with random weights, for benchmarks: a checkpoint, and the bundle made of it.

    python python/bench/make_model.py DIRECTORY

writes DIRECTORY/checkpoint.pt and DIRECTORY/models/logah-tiny-random/.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.checkpoint import OWN_FORMAT, load_checkpoint
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork

NAME = "logah-tiny-random"
TINY = HypernetConfig(
    hid=64, heads=8, layers=3, rank=32, ck=32768, max_shape=(2048, 2048, 16, 16), num_classes=1000, cutoff=50
)


def main(directory: Path) -> None:
    """Writes both; the same weights each time."""
    torch.manual_seed(0)
    state = Hypernetwork(TINY).state_dict()
    checkpoint = directory / "checkpoint.pt"
    directory.mkdir(parents=True, exist_ok=True)
    config = json.dumps({"hypernet": TINY.to_json()})
    torch.save({"format": OWN_FORMAT, "config": config, "ema_state_dict": state, "step": 0}, checkpoint)
    about = BundleDescription(NAME, "LoGAH-Tiny with random weights, for benchmarks", families=("gpt2", "vit"))
    write_bundle(load_checkpoint(checkpoint).model, about, directory / "models" / NAME, force=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
