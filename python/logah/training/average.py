"""The mean of two trained hypernetworks, such as a run's and that of the weights which the run went on from.

Wortsman et al., "Robust fine-tuning of zero-shot models" (arXiv 2109.01903), found that between a model and its
fine-tuned successor lie models that keep both the old one's reach and the new one's accuracy. So it is here with
architectures deeper than any seen: docs/research-log.md.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from logah.errors import CheckpointError
from logah.export.read_bundle import load_edge_bias
from logah.hypernet.checkpoint import OWN_FORMAT, load_checkpoint
from logah.training.trained_model import load_model


@torch.no_grad()
def average(checkpoint: Path, other: Path, out: Path) -> None:
    """Writes `checkpoint`, one of ours, with the mean of its averaged weights and those of `other`.

    other: a bundle or a checkpoint of the same hypernetwork. The file can be evaluated, exported and started from, but
    no run goes on from it. Raises CheckpointError or BundleError.
    """
    loaded = load_checkpoint(checkpoint)
    if loaded.source != "logah":
        raise CheckpointError(f"{checkpoint}: expected a checkpoint of our own training")
    trained = load_model(other)
    model = trained.hypernetwork
    if model.config != loaded.model.config:
        raise CheckpointError(f"{other} has {model.config}, {checkpoint} {loaded.model.config}")
    first, second = loaded.model.state_dict(), model.state_dict()
    table = (loaded.model.encoder.edge_bias.table() + model.encoder.edge_bias.table()) / 2
    loaded.model.load_state_dict({name: _mean(tensor, second[name]) for name, tensor in first.items()})
    # What makes a bundle's table is made up where the bundle is read, so that its mean would mean nothing.
    load_edge_bias(loaded.model.encoder.edge_bias, table)
    content = torch.load(checkpoint, weights_only=True)
    state = {
        "format": OWN_FORMAT,
        "config": content["config"],
        "step": content["step"],
        "seconds": content["seconds"],
        "averaged_with": trained.name,
        "ema_state_dict": loaded.model.state_dict(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(out.name + ".partial")
    torch.save(state, temporary)
    temporary.replace(out)


def _mean(first: Tensor, second: Tensor) -> Tensor:
    return (first + second) / 2 if first.is_floating_point() else first
