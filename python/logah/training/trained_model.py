"""A trained hypernetwork as evaluation reads it: from a bundle or from a checkpoint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from logah.export.bundle import MANIFEST
from logah.export.read_bundle import read_bundle
from logah.hypernet.checkpoint import load_checkpoint
from logah.hypernet.hypernetwork import Hypernetwork


@dataclass(frozen=True)
class TrainedModel:
    """In evaluation mode; `steps` and `seconds` of its training, 0 where the file does not say."""

    hypernetwork: Hypernetwork
    steps: int
    seconds: float


def load_model(path: Path) -> TrainedModel:
    """Of a bundle's directory or of a checkpoint that training wrote. Raises BundleError or CheckpointError."""
    if path.is_dir():
        hypernetwork = read_bundle(path)
        training = json.loads((path / MANIFEST).read_text()).get("training") or {}
    else:
        hypernetwork = load_checkpoint(path).model
        training = torch.load(path, weights_only=True)
    hypernetwork.train(False)
    return TrainedModel(hypernetwork, training.get("steps", training.get("step", 0)), training.get("seconds", 0))


def training_of(path: Path) -> dict[str, Any]:
    """What a bundle or a checkpoint of ours records of its training, without what was measured."""
    if path.is_dir():
        manifest = json.loads((path / MANIFEST).read_text())
        name, training = manifest["name"], manifest.get("training") or {}
    else:
        checkpoint = torch.load(path, weights_only=True)
        name = path.resolve().parent.name
        training = {**json.loads(checkpoint["config"]), "steps": checkpoint["step"], "seconds": checkpoint["seconds"]}
        training["seconds"] = round(training["seconds"])
        if training.get("start_from") is not None:
            training["start_from"] = training_of(Path(training["start_from"]))
    kept = ("steps", "seconds", "seed", "batch_size", "start_from")
    return {"model": name, **{field: training[field] for field in kept if training.get(field) is not None}}


def fingerprint(hypernetwork: Hypernetwork) -> str:
    """Twelve hexadecimal digits that tell weights apart; a checkpoint and the bundle made of it have the same."""
    digest = hashlib.sha256()
    for name, tensor in sorted(hypernetwork.state_dict().items()):
        # A bundle has the table of the edge bias alone, not what makes it.
        if not name.startswith("encoder.edge_bias."):
            digest.update(name.encode())
            digest.update(tensor.float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
