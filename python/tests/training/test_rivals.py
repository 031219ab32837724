"""GHN-3 and LoGAH as published beside ours: as many parameters, the same networks, data, steps and batches."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from minute import MINUTE_GPT2, skewed_text
from paths import REPOSITORY

from logah.evaluation.zero_shot import zero_shot
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.gpt2 import Gpt2Task
from logah.training.configuration import read_configuration, train_configuration
from logah.training.settings import TrainConfig
from logah.training.train import Trainer
from logah.training.trained_model import load_model

CONFIGS = REPOSITORY / "python" / "configs"


def parameters(config: TrainConfig) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in Hypernetwork(config.hypernet).parameters())


@pytest.mark.parametrize(
    ("rival", "ours", "decoder"),
    [
        ("ghn3-gpt2-kjv", "logah-tiny-gpt2-kjv", "dense"),
        ("ghn3-vit-fashion", "logah-tiny-vit-fashion", "dense"),
        ("decoders/ghn3", "decoders/aligned", "dense"),
        ("decoders/published", "decoders/aligned", "low_rank"),
    ],
)
def test_a_rival_has_as_many_parameters_and_learns_the_same_from_the_same(rival: str, ours: str, decoder: str) -> None:
    of_rival, of_ours = (read_configuration(CONFIGS / f"{name}.yaml") for name in (rival, ours))
    assert isinstance(of_rival.train, TrainConfig) and isinstance(of_ours.train, TrainConfig)
    assert of_rival.train.hypernet.decoder == decoder
    assert parameters(of_rival.train) == pytest.approx(parameters(of_ours.train), rel=0.02)
    own = {"hypernet", "predicted_scale"}
    for field in fields(TrainConfig):
        if field.name not in own:
            assert getattr(of_rival.train, field.name) == getattr(of_ours.train, field.name), field.name
    assert (of_rival.validation, of_rival.evaluation) == (of_ours.validation, of_ours.evaluation)


def test_a_dense_hypernetwork_trains_and_its_checkpoint_is_measured(tmp_path: Path) -> None:
    config = train_configuration(MINUTE_GPT2, "test")
    dense = replace(config.hypernet, decoder="dense", rank=0, ck=0, max_shape=(16, 16, 4, 4))
    task = Gpt2Task(skewed_text())
    Trainer(replace(config, hypernet=dense, cycles=((60, 5.0e-3),)), task, tmp_path).run()
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert float(rows[-1][3]) < float(rows[0][3])
    model = load_model(tmp_path / "checkpoint.pt").hypernetwork
    sizes = config.space.config(width=24, layers=1, context=16, heads=3)
    assert 0 < zero_shot(model, task, sizes, "test").loss < 10
