"""The four sizes of LoGAH, as its authors trained them. Source: arXiv 2405.16287, table 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

PresetName = Literal["tiny", "small", "base", "large"]
PRESET_NAMES: tuple[PresetName, ...] = get_args(PresetName)

#: Rows of the factors, sizes above which dimensions are tiled, and classes of the published vision models.
PUBLISHED = {"ck": 32768, "max_shape": (2048, 2048, 16, 16), "num_classes": 1000}


@dataclass(frozen=True)
class Preset:
    """What differs between the sizes; fields as in `HypernetConfig`."""

    hid: int
    heads: int
    layers: int
    rank: int


PRESETS: Mapping[PresetName, Preset] = {
    "tiny": Preset(hid=64, heads=8, layers=3, rank=32),
    "small": Preset(hid=128, heads=16, layers=5, rank=90),
    "base": Preset(hid=256, heads=16, layers=5, rank=128),
    "large": Preset(hid=256, heads=16, layers=12, rank=256),
}
