"""Loads directories that the service wrote with transformers: `python check_outputs.py DIRECTORY...`.

Fails unless every parameter of the network is in the file, and nothing else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
import transformers


def check(directory: Path) -> None:
    """Raises AssertionError that says what does not fit."""
    (architecture,) = json.loads((directory / "config.json").read_text())["architectures"]
    network, report = getattr(transformers, architecture).from_pretrained(directory, output_loading_info=True)
    for kind, keys in report.items():
        assert not keys, f"{directory}: {kind}: {keys}"
    for name, parameter in network.named_parameters():
        assert torch.isfinite(parameter).all(), f"{directory}: {name} has values that are not finite"
    print(f"{directory}: {architecture}, {network.num_parameters():,} parameters, nothing missing or unexpected")


if __name__ == "__main__":
    transformers.utils.logging.disable_progress_bar()
    for argument in sys.argv[1:]:
        check(Path(argument))
