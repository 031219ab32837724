"""A trained hypernetwork as evaluation reads it: from a bundle or from a checkpoint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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
    """In evaluation mode; `steps` and `seconds` of its training, 0 where the file does not say.

    name: a bundle's own, or that of a checkpoint's run, its directory. averaged_with: of the model, if any, whose
    weights are in the mean. ranges: sizes that it was trained on, by model type; empty where the file does not say.
    """

    hypernetwork: Hypernetwork
    name: str
    steps: int
    seconds: float
    averaged_with: str | None
    ranges: Mapping[str, Mapping[str, list[int]]]


def load_model(path: Path) -> TrainedModel:
    """Of a bundle's directory or of a checkpoint that training wrote. Raises BundleError or CheckpointError."""
    if path.is_dir():
        hypernetwork = read_bundle(path)
        manifest = json.loads((path / MANIFEST).read_text())
        name, training = manifest["name"], manifest.get("training") or {}
    else:
        hypernetwork = load_checkpoint(path).model
        name, training = path.resolve().parent.name, torch.load(path, weights_only=True)
    hypernetwork.train(False)
    steps = training.get("steps", training.get("step", 0))
    return TrainedModel(
        hypernetwork, name, steps, training.get("seconds", 0), training.get("averaged_with"), training.get("ranges", {})
    )


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
        training["averaged_with"] = checkpoint.get("averaged_with")
        if training.get("start_from") is not None:
            training["start_from"] = training_of(Path(training["start_from"]))
    kept = ("steps", "seconds", "seed", "batch_size", "start_from", "averaged_with", "base")
    return {"model": name, **{field: training[field] for field in kept if training.get(field) not in (None, "none")}}


def fingerprint(hypernetwork: Hypernetwork) -> str:
    """Twelve hexadecimal digits that tell weights apart; a checkpoint and the bundle made of it have the same."""
    digest = hashlib.sha256()
    for name, tensor in sorted(hypernetwork.state_dict().items()):
        # A bundle has the table of the edge bias alone, not what makes it.
        if not name.startswith("encoder.edge_bias."):
            digest.update(name.encode())
            digest.update(tensor.float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
