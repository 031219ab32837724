"""Writes `test/fixtures/language/`, bundles with the operations of language models.

python python/tests/make_language_fixtures.py
"""

from __future__ import annotations

import torch
from examples import random_model
from parity_graphs import REPOSITORY

from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.config import LANGUAGE_OPERATIONS, HypernetConfig

FIXTURES = REPOSITORY / "test" / "fixtures" / "language"
README = """\
# Bundles of language models

Written by `python python/tests/make_language_fixtures.py`; do not edit.

| Directory | Content |
|---|---|
| `bundle/` | `language-tiny`: a LoGAH with random weights and 18 operations (hid 16, r 8, ck 512, max_shape 128) |
"""
TINY = HypernetConfig(
    hid=16, heads=4, layers=2, rank=8, ck=512, max_shape=(128, 128, 16, 16), operations=LANGUAGE_OPERATIONS
)


def main() -> None:
    """Writes all of it; the same weights each time."""
    torch.set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / "README.md").write_text(README)
    about = BundleDescription("language-tiny", "A LoGAH with random weights, for tests", families=("gpt2", "llama"))
    write_bundle(random_model(TINY), about, FIXTURES / "bundle", force=True)


if __name__ == "__main__":
    main()
