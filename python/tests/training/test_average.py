"""The mean of two hypernetworks: each weight is halfway, and what cannot be averaged is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from minute import MINUTE, bright_images

from logah.__main__ import main
from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.vit import VitTask
from logah.training.configuration import train_configuration
from logah.training.train import Trainer
from logah.training.trained_model import load_model


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the bundle `start`, and the checkpoint of a run that went on from it."""
    directory = tmp_path_factory.mktemp("average")
    config = train_configuration(MINUTE, "test")
    torch.manual_seed(3)
    write_bundle(Hypernetwork(config.hypernet), BundleDescription(name="start"), directory / "start")
    config = replace(config, cycles=((4, 1.0e-3),), start_from=str(directory / "start"))
    Trainer(config, VitTask(bright_images()), directory / "run").run()
    return directory


def test_each_weight_is_halfway_and_the_file_says_of_what(directory: Path) -> None:
    checkpoint, bundle, out = directory / "run/checkpoint.pt", directory / "start", directory / "mean/average.pt"
    assert main(["average", str(checkpoint), str(bundle), "--out", str(out)]) == 0
    mean, first, second = (load_model(path) for path in (out, checkpoint, bundle))
    states = [model.hypernetwork.state_dict() for model in (mean, first, second)]
    for name, tensor in states[0].items():
        if not name.startswith("encoder.edge_bias."):
            assert torch.equal(tensor, (states[1][name] + states[2][name]) / 2), name
    tables = [model.hypernetwork.encoder.edge_bias.table() for model in (mean, first, second)]
    assert torch.allclose(tables[0], (tables[1] + tables[2]) / 2, atol=1e-6)
    assert (mean.steps, mean.averaged_with) == (4, "start")
    assert not list(out.parent.glob("*.partial"))
    assert main(["export", str(out), "--out", str(directory / "bundle")]) == 0


def test_another_hypernetwork_is_refused_and_nothing_is_written(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = train_configuration(MINUTE, "test").hypernet
    write_bundle(Hypernetwork(replace(config, rank=4)), BundleDescription(name="other"), directory / "other")
    out = directory / "refused.pt"
    assert main(["average", str(directory / "run/checkpoint.pt"), str(directory / "other"), "--out", str(out)]) == 1
    assert "other has HypernetConfig" in capsys.readouterr().err
    assert main(["average", str(directory / "run/checkpoint.pt"), str(directory / "none"), "--out", str(out)]) == 1
    assert main(["average", str(directory / "start"), str(directory / "start"), "--out", str(out)]) == 1
    assert not out.exists()
