"""Writes `test/fixtures/language/`, bundles with the operations of language models.

python python/tests/support/make_language_fixtures.py
"""

from __future__ import annotations

import torch
from examples import random_model
from parity_graphs import REPOSITORY

from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.config import LANGUAGE_OPERATIONS, HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork

FIXTURES = REPOSITORY / "test" / "fixtures" / "language"
README = """\
# Language models

`bundle/` is written by `python python/tests/support/make_language_fixtures.py`; the rest is what the LoGAH authors'
own code made of the same weights (transformers 5.23, eager attention). Do not edit.

| File | Content |
|---|---|
| `bundle/` | `language-tiny`: a LoGAH with random weights and 18 operations (hid 16, r 8, ck 512, max_shape 128) |
| `NETWORK.graph.json` | the graph that their tracer found, its faults included, with the parameters of the network |
| `NETWORK.fan_in.json` | what their `GHN3_GPT` of 17 August 2024 predicted for it (commit 1ebbf1f) |
| `NETWORK.std.json` | what that of 29 September 2024 predicted (commit 68c5a83) |

Of each tensor: its shape, its Euclidean norm, and every `step`-th element. Tolerance: relative error below 1e-5.
"""
TINY = HypernetConfig(
    hid=16, heads=4, layers=2, rank=8, ck=512, max_shape=(128, 128, 16, 16), operations=LANGUAGE_OPERATIONS
)


def random_language_model() -> Hypernetwork:
    """The same weights each time."""
    return random_model(TINY)


def main() -> None:
    """Writes all of it; the same weights each time."""
    torch.set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / "README.md").write_text(README)
    about = BundleDescription("language-tiny", "A LoGAH with random weights, for tests", families=("gpt2", "llama"))
    write_bundle(random_language_model(), about, FIXTURES / "bundle", force=True)


if __name__ == "__main__":
    main()
