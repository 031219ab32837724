"""Writes `test/fixtures/numbers/`: numbers that the service computes by itself, as other implementations have them.

    python python/tests/support/make_number_fixtures.py

Conversions are numpy's and torch's, quantiles mpmath's at 40 digits, rounded sizes those of this package, and the
Philox vectors those of a direct reading of the paper (Salmon et al. 2011) in Python's integers.
"""

from __future__ import annotations

import json

import mpmath
import numpy as np
import torch
from parity_graphs import REPOSITORY

from logah.hypernet.shapes import rounded_size

FIXTURES = REPOSITORY / "test" / "fixtures" / "numbers"
WORD = 2**32


def conversion_bits() -> np.ndarray:
    """Float32 bits: every edge of both narrow types with its neighbours, and random ones."""
    edges = [0x00000000, 0x33000000, 0x33800000, 0x387FC000, 0x387FE000, 0x38800000, 0x477FE000, 0x477FEFFF]
    edges += [
        0x477FF000,
        0x47800000,
        0x7F7F0000,
        0x7F7F7FFF,
        0x7F7F8000,
        0x7F800000,
        0x00000001,
        0x007FFFFF,
        0x00008000,
    ]
    near = [edge + step for edge in edges for step in (-1, 0, 1) if 0 <= edge + step <= 0x7F800000]
    ties = [(exponent << 23) | (mantissa << 12) for exponent in range(100, 144) for mantissa in (1, 2, 3, 5, 2047)]
    random = np.random.default_rng(1).integers(0, 0x7F800000, 400).tolist()
    scaled = np.random.default_rng(2).normal(0, 1, 400).astype(np.float32).view(np.uint32).tolist()
    magnitudes = np.array(near + ties + random, dtype=np.uint32)
    return np.concatenate([magnitudes, magnitudes | 0x80000000, np.array(scaled, dtype=np.uint32)])


def conversions() -> dict[str, list[int]]:
    """Bits of the same numbers as float32, float16 and bfloat16."""
    bits = conversion_bits()
    values = bits.view(np.float32)
    with np.errstate(over="ignore"):
        half = values.astype(np.float16).view(np.uint16)
    brain = torch.from_numpy(values.copy()).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    return {"f32": bits.tolist(), "f16": half.tolist(), "bf16": brain.tolist()}


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q // WORD) ^ c[1] ^ k[0], q % WORD, (p // WORD) ^ c[3] ^ k[1], p % WORD]
        k = [(k[0] + 0x9E3779B9) % WORD, (k[1] + 0xBB67AE85) % WORD]
    return c


def philox_vectors() -> list[dict[str, list[int]]]:
    """Counters and keys at random."""
    words = np.random.default_rng(3).integers(0, WORD, (64, 6)).tolist()
    return [{"counter": w[:4], "key": w[4:], "output": philox(w[:4], w[4:])} for w in words]


def quantiles() -> list[list[float]]:
    """Pairs (p, quantile of the standard normal distribution at the double p)."""
    mpmath.mp.dps = 40
    tails = [2.0**-k for k in range(2, 60, 3)]
    middle = np.random.default_rng(4).uniform(0.001, 0.999, 40).tolist()
    probabilities = [*tails, *(1 - tail for tail in tails if 1 - tail < 1), *middle, 0.075, 0.925]
    return [[p, float(mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(p) - 1))] for p in probabilities]


def rounded_sizes() -> list[list[int]]:
    """Triples (size, largest size, rounded size)."""
    return [
        [n, most, rounded_size(n, most)] for most in (64, 256, 2048) for n in [*range(1, 400), 1023, 1024, 2047, 2049]
    ]


def main() -> None:
    """Writes the fixtures."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    tables = {
        "conversions": conversions(),
        "philox": philox_vectors(),
        "quantiles": quantiles(),
        "rounded-sizes": rounded_sizes(),
    }
    for name, table in tables.items():
        (FIXTURES / f"{name}.json").write_text(json.dumps(table, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
