"""Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011), many counters at a time."""

from __future__ import annotations

from typing import Any

#: Two 32-bit words.
StreamKey = tuple[int, int]

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
_MASK = 0xFFFFFFFF
_ROUNDS = 10


def philox(key: StreamKey, index: Any, attempt: int = 0) -> list[Any]:
    """Four arrays of 32-bit words, as int64, for the counters (low word of `index`, its high word, `attempt`, 0).

    `index`: int64, any shape, 0 to 2^53 - 1.
    """
    c0, c1, c2, c3 = index & _MASK, index >> 32, attempt, 0
    k0, k1 = key
    for _ in range(_ROUNDS):
        # Products of 64 bits, of which int64 keeps every one: only the sign is meaningless.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1 = ((p1 >> 32) ^ c1 ^ k0) & _MASK, p1 & _MASK
        c2, c3 = ((p0 >> 32) ^ c3 ^ k1) & _MASK, p0 & _MASK
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return [c0, c1, c2, c3]
