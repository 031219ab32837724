"""How a parameter's shape enters the encoder, and how large a block the decoder makes for it.

Sources: ppuda `ShapeEncoder`, the LoGAH authors' `LLMShapeEncoder` and `GHN3._map_net_params`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

#: Sizes that the channel table of a language checkpoint holds besides those of a vision one.
LANGUAGE_CHANNELS = (32000, 50257, 128256)


def shape_slots(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """A node's shape as (out, in, height, width); all 0 where the node has none.

    (n,) -> (n, 1, 1, 1); (o, i) -> (o, i, 1, 1); (1, t, c) with min(t, c) > 1 -> (1, c, s, s) with
    s = floor(sqrt(t)); other (a, b, c) -> (a, b, c, 1); (o, i, h, w) as it is.
    """
    if len(shape) == 0:
        return (0, 0, 0, 0)
    if len(shape) == 3 and shape[0] == 1 and min(shape[1:]) > 1:
        side = math.isqrt(shape[1])
        return (1, shape[2], side, side)
    padded = (*shape, 1, 1, 1)
    return (padded[0], padded[1], padded[2], padded[3])


def channel_table(num_classes: int, language: bool) -> list[int]:
    """The channel counts that have a row in the encoder's channel embedding (392 or 395 of them, less one row)."""
    extra = {1, 3, num_classes, *(LANGUAGE_CHANNELS if language else ())}
    return sorted(extra | set(range(8, 64, 8)) | set(range(64, 4096, 16)) | set(range(4096, 8193, 32)))


def spatial_table(largest: int) -> list[int]:
    """The kernel sizes that have a row in the encoder's spatial embedding."""
    return sorted({*range(1, max(12, largest), 2), 14, 16})


def nearest_rows(table: Sequence[int], special: dict[int, int]) -> np.ndarray:
    """For every size 0 .. max(table): its row of the embedding; size 0 (no shape) has the extra last row.

    `special` maps sizes to the size whose row they use. Otherwise the nearest entry counts, the first on a tie;
    a size above the largest entry uses the last row of the table, so a caller clamps to the array's length.
    """
    entries = np.asarray(table, dtype=np.int64)
    sizes = np.arange(entries[-1] + 1)
    above = np.searchsorted(entries, sizes)
    below = np.maximum(above - 1, 0)
    rows = np.where(sizes - entries[below] <= entries[above] - sizes, below, above)
    for size, target in special.items():
        rows[size] = table.index(target)
    rows[0] = len(table)
    return rows


def rounded_size(size: int, max_size: int) -> int:
    """The length at which the authors' decoder predicts a dimension (`min_sz`); it moves the bias in a 1-D block."""
    size = min(size, max_size)
    if size % 3 == 0:
        size = size // 3 * 4
    return max_size if size >= max_size / 2 else size
