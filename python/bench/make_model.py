"""A LoGAH of the paper's Tiny size with random weights, for benchmarks: a checkpoint, and the bundle made of it.

    python python/bench/make_model.py DIRECTORY [--operations language] [--max-shape 8192]

writes DIRECTORY/checkpoint.pt and DIRECTORY/models/logah-tiny-random/; with the operations of language models, which a
Llama needs, models/logah-tiny-language-random/.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.checkpoint import OWN_FORMAT, load_checkpoint
from logah.hypernet.config import LANGUAGE_OPERATIONS, HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork

NAME = "logah-tiny-random"
TINY = HypernetConfig(
    hid=64, heads=8, layers=3, rank=32, ck=32768, max_shape=(2048, 2048, 16, 16), num_classes=1000, cutoff=50
)
LANGUAGE_NAME = "logah-tiny-language-random"
LANGUAGE_TINY = replace(TINY, num_classes=10, operations=LANGUAGE_OPERATIONS)
#: Rows of the factors for each row of `max_shape`, as in the paper's models.
CK_PER_ROW = 16


def main() -> None:
    """Writes both; the same weights each time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIRECTORY")
    parser.add_argument("--operations", choices=("vision", "language"), default="vision")
    parser.add_argument("--max-shape", type=int, default=2048, help="size above which a dimension is tiled")
    parser.add_argument("--normalization", choices=("fan_in", "std"), default="fan_in")
    arguments = parser.parse_args()
    largest = arguments.max_shape
    is_language = arguments.operations == "language"
    config = replace(
        LANGUAGE_TINY if is_language else TINY,
        max_shape=(largest, largest, 16, 16),
        ck=CK_PER_ROW * largest,
        normalization=arguments.normalization,
    )
    families = ("gpt2", "llama") if is_language else ("gpt2", "vit")
    about = BundleDescription(
        LANGUAGE_NAME if is_language else NAME, "LoGAH-Tiny with random weights, for benchmarks", families=families
    )
    write_model(arguments.directory, config, about)


def write_model(directory: Path, config: HypernetConfig, about: BundleDescription) -> None:
    """A checkpoint with random weights, and its bundle."""
    torch.manual_seed(0)
    state = Hypernetwork(config).state_dict()
    checkpoint = directory / "checkpoint.pt"
    directory.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"hypernet": config.to_json()})
    torch.save({"format": OWN_FORMAT, "config": content, "ema_state_dict": state, "step": 0}, checkpoint)
    write_bundle(load_checkpoint(checkpoint).model, about, directory / "models" / about.name, force=True)


if __name__ == "__main__":
    main()
