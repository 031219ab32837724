"""A base under the prediction: fresh at every step, a correction in what is learned, and the same again for a seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from minute import MINUTE, MINUTE_GPT2, MINUTE_LLAMA, bright_images, skewed_text

from logah.evaluation.diversity import mean_absolute_cosine
from logah.evaluation.zero_shot import zero_shot
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.base import with_base
from logah.targets.gpt2 import Gpt2Task
from logah.targets.llama import LlamaTask
from logah.targets.state_blocks import is_matrix
from logah.targets.task import Task, predict_state
from logah.targets.vit import VitTask
from logah.training.configuration import ConfigurationError, train_configuration
from logah.training.settings import TrainConfig
from logah.training.train import Trainer

SIZES = {
    "vit": {"width": 24, "layers": 2, "patch_size": 14, "heads": 3, "mlp_ratio": 2},
    "gpt2": {"width": 24, "layers": 2, "context": 16, "heads": 3, "mlp_ratio": 2},
    "llama": {"width": 24, "layers": 2, "context": 16, "heads": 3, "mlp_ratio": 2, "biased": 1},
}


def run_of(family: str) -> tuple[TrainConfig, Task]:
    value = {"vit": MINUTE, "gpt2": MINUTE_GPT2, "llama": MINUTE_LLAMA}[family]
    tasks: dict[str, Task] = {
        "vit": VitTask(bright_images()),
        "gpt2": Gpt2Task(skewed_text()),
        "llama": LlamaTask(skewed_text()),
    }
    return train_configuration({**value, "base": "default"}, "test"), tasks[family]


@pytest.mark.parametrize("family", ["vit", "gpt2", "llama"])
def test_a_base_is_the_start_of_transformers_under_matrices_and_under_nothing_else(family: str) -> None:
    config, task = run_of(family)
    architecture = config.space.config(**SIZES[family])
    torch.manual_seed(0)
    predicted = predict_state(Hypernetwork(config.hypernet), task.graph(architecture), torch.Generator())
    state = with_base(task, architecture, predicted, "default", 7)
    start = task.initialized(architecture, 7)
    for name, tensor in predicted.items():
        expected = tensor + start[name] if is_matrix(tensor) else tensor
        assert torch.equal(state[name], expected), name
    again = with_base(task, architecture, predicted, "default", 7)
    other = with_base(task, architecture, predicted, "default", 8)
    assert all(torch.equal(state[name], again[name]) for name in state)
    assert all(not torch.equal(state[name], other[name]) for name in state if is_matrix(state[name]))
    alone = with_base(task, architecture, predicted, "none", 7)
    assert all(alone[name] is tensor for name, tensor in predicted.items())


def test_a_base_makes_matrices_unlike_and_full_of_rank() -> None:
    config, task = run_of("gpt2")
    architecture = config.space.config(**{**SIZES["gpt2"], "width": 32, "heads": 4})
    graph = task.graph(architecture)
    torch.manual_seed(0)
    predicted = predict_state(Hypernetwork(config.hypernet), graph, torch.Generator())
    state = with_base(task, architecture, predicted, "default", 0)
    name = "transformer.h.0.mlp.c_fc.weight"
    assert torch.linalg.matrix_rank(predicted[name]) <= config.hypernet.rank < torch.linalg.matrix_rank(state[name])
    assert mean_absolute_cosine(graph, state) < mean_absolute_cosine(graph, predicted)


def test_drawing_a_base_leaves_the_random_numbers_of_torch_alone() -> None:
    config, task = run_of("vit")
    architecture = config.space.config(**SIZES["vit"])
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with_base(task, architecture, {}, "default", 0)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("family", ["vit", "gpt2"])
def test_a_run_with_a_base_learns_and_goes_on_as_if_it_had_never_stopped(family: str, tmp_path: Path) -> None:
    config, task = run_of(family)
    short = replace(config, cycles=((40, 5.0e-3),))
    Trainer(short, task, tmp_path / "whole").run()
    Trainer(short, task, tmp_path / "parts").run(until=20)
    resumed = Trainer(short, task, tmp_path / "parts")
    resumed.run()
    whole = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)["state_dict"]
    assert all(torch.equal(tensor, whole[name]) for name, tensor in resumed.model.state_dict().items())
    rows = [line.split(",") for line in (tmp_path / "whole" / "log.csv").read_text().splitlines()[1:]]
    assert float(rows[-1][3]) < float(rows[0][3])


def test_each_step_has_a_base_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, task = run_of("vit")
    seeds: list[int] = []
    initialized = task.initialized
    monkeypatch.setattr(task, "initialized", lambda c, seed: (seeds.append(seed), initialized(c, seed))[1])
    Trainer(replace(config, cycles=((4, 1.0e-3),)), task, tmp_path).run()
    assert len(seeds) == len(set(seeds)) == 4


def test_zero_shot_measures_a_prediction_on_its_base() -> None:
    config, task = run_of("gpt2")
    architecture = config.space.config(**SIZES["gpt2"])
    torch.manual_seed(0)
    model = Hypernetwork(config.hypernet)
    scores = [
        zero_shot(model, task, architecture, "test", seed=seed, base=base).loss
        for seed, base in ((0, "none"), (0, "default"), (0, "default"), (1, "default"))
    ]
    assert scores[1] == scores[2]
    assert len(set(scores)) == 3


def test_a_base_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="base: got 'orthogonal', expected one of none, default"):
        train_configuration({**MINUTE, "base": "orthogonal"}, "run.yaml")
