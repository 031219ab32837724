"""Standard normal numbers of 32 bits, of which four elements share a block of Philox's words: the noise of a lift."""

from __future__ import annotations

import math
from typing import Any

from logah.client.wire.draws.philox import StreamKey, philox
from logah.client.wire.draws.quantile import inverse_normal
from logah.client.wire.draws.space import Space

_WORDS = 4
_UNIT = 2.0**-32


def normals(space: Space, key: StreamKey, first: int, rows: int, columns: int, stride: int) -> Any:
    """float64 [rows, columns]: element (p, q) is that of index first + p * stride + q, below 2^53."""
    if columns == stride:
        return _runs(space, key, space.integers(1, first), rows * columns).reshape(rows, columns)
    values = space.doubles((rows, columns))
    starts = space.integers(rows) * stride + first
    # Rows that begin with the same word of their blocks.
    period = _WORDS // math.gcd(stride, _WORDS)
    for phase in range(min(period, rows)):
        values[phase::period] = _runs(space, key, starts[phase::period], columns)
    return values


def _runs(space: Space, key: StreamKey, starts: Any, length: int) -> Any:
    """Runs of elements [count, length], all of which begin with the same word."""
    skipped = int(starts[0]) % _WORDS
    blocks = -(-(skipped + length) // _WORDS)
    words = philox(key, (starts // _WORDS)[:, None] + space.integers(blocks))
    uniform = space.doubles((len(starts), blocks, _WORDS))
    for word, bits in enumerate(words):
        uniform[..., word] = bits
    uniform += 0.5
    uniform *= _UNIT
    wanted = uniform.reshape(len(starts), blocks * _WORDS)[:, skipped : skipped + length]
    return inverse_normal(space, wanted)


def normals_at(space: Space, key: StreamKey, index: Any) -> Any:
    """float64 numbers for elements at any indices [count], int64."""
    bits = space.xp.stack(philox(key, index // _WORDS))
    chosen = bits[index % _WORDS, space.integers(len(index))]
    return inverse_normal(space, (space.double(chosen) + 0.5) * _UNIT)
