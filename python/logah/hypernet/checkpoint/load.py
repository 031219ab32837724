"""Loads a checkpoint, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from logah.hypernet.checkpoint.authors import load_authors
from logah.hypernet.checkpoint.content import read_content
from logah.hypernet.checkpoint.loaded import LoadedCheckpoint, with_changes
from logah.hypernet.checkpoint.own import load_own
from logah.hypernet.config import Normalization


def load_checkpoint(
    path: Path, *, ema: bool | None = None, cutoff: int | None = None, normalization: Normalization | None = None
) -> LoadedCheckpoint:
    """Loads a hypernetwork in evaluation mode, on the CPU in float32.

    ema: take the exponential moving average of the weights (`ema_state_dict`). By default ours is taken, since we
    train with one always, and the authors' is not, since their own evaluation reads `state_dict`.
    cutoff: longest shortest path that counts, in place of the checkpoint's own or, for the authors', 250.
    normalization: how weights are scaled, in place of the checkpoint's own or, for the authors' (their files do not
    say it), fan_in: so were all that they published. Their language code has used std since 27 August 2024.

    Raises CheckpointError.
    """
    content = read_content(path)
    if "format" in content:
        loaded = load_own(content, ema is not False)
    else:
        loaded = load_authors(content, ema is True)
    if cutoff is not None:
        loaded = replace(loaded, model=with_changes(loaded.model, cutoff=cutoff))
    if normalization is not None:
        loaded = replace(loaded, model=with_changes(loaded.model, normalization=normalization))
    return replace(loaded, model=loaded.model.eval().requires_grad_(False))
