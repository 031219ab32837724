"""Terms against likeness, silence and excess, networks that lose layers, and the way of a look-ahead as gradient."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from minute import MINUTE, MINUTE_GPT2, MINUTE_LLAMA, bright_images, skewed_text
from torch import Tensor

from logah.errors import ConfigurationError
from logah.evaluation.diversity import mean_absolute_cosine
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.gpt2 import Gpt2Task
from logah.targets.llama import LlamaTask
from logah.targets.state_blocks import is_matrix, map_predicted, predicted_blocks
from logah.targets.task import Task, predict_state
from logah.targets.vit import VitTask
from logah.training.configuration import train_configuration
from logah.training.layer_drop import depth_of, draw_kept, without_layers
from logah.training.objective import Objective
from logah.training.terms import excess, likeness, silence
from logah.training.train import Trainer

VIT = {"width": 24, "layers": 2, "patch_size": 14, "heads": 3, "mlp_ratio": 2}
TEXT = {"width": 24, "layers": 2, "context": 16, "heads": 3, "mlp_ratio": 2}
WAY = {"steps": [3], "rates": [1.0e-3, 1.0e-3], "batch_size": 8, "gradient": "way"}


def prediction_after(directory: Path, **settings: Any) -> tuple[VitTask, Mapping[str, Any], dict[str, Tensor]]:
    """What a run with these settings predicts for a network."""
    task = VitTask(bright_images())
    config = train_configuration({**MINUTE, **settings}, "test")
    trainer = Trainer(config, task, directory)
    trainer.run()
    architecture = config.space.config(**VIT)
    with torch.no_grad():
        return task, architecture, predict_state(trainer.model, task.graph(architecture), torch.Generator())


def test_likeness_is_one_for_the_same_matrices_and_none_for_matrices_at_right_angles() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    b = torch.tensor([[0.0, 3.0], [1.0, 0.0]])
    assert likeness([a, -2 * a]).item() == pytest.approx(1)
    assert likeness([a, b]).item() == 0
    assert likeness([a, a, b]).item() == pytest.approx(1 / 3)
    assert likeness([a, torch.ones(2, 3)]).item() == 0


def test_silence_counts_what_lies_below_the_deviation_and_nothing_above() -> None:
    loud, quiet = torch.full((4, 3), 0.5), torch.full((2, 2), 0.02)
    assert silence([loud], 0.1).item() == 0
    assert silence([loud, quiet], 0.1).item() == pytest.approx(torch.log(torch.tensor(5.0)).item() ** 2 / 2)


def test_excess_counts_what_lies_above_the_deviation_and_nothing_below() -> None:
    loud, quiet = torch.full((4, 3), 0.5), torch.full((2, 2), 0.02)
    assert excess([quiet], 0.1).item() == 0
    assert excess([loud, quiet], 0.1).item() == pytest.approx(torch.log(torch.tensor(5.0)).item() ** 2 / 2)
    assert torch.isfinite(excess([torch.zeros(3, 3)], 0.1))


def test_training_with_a_term_against_excess_predicts_no_matrix_far_above_its_bound(tmp_path: Path) -> None:
    largest = []
    for weight in (0.0, 5.0):
        settings = {"excess": weight, "excess_from": 3.0, "predicted_scale": 2.0, "penalty": 0.0}
        task, architecture, state = prediction_after(tmp_path / str(weight), **settings)
        graph = task.graph(architecture)
        matrices = [block for block, _ in predicted_blocks(graph, state) if is_matrix(block)]
        largest.append(max(m.square().mean().sqrt().item() for m in matrices) / graph.initializer_range)
    assert largest[0] > 6
    assert largest[1] < 4


@pytest.mark.parametrize(("large", "counts"), [("ROLE_EMBEDDING", False), ("ROLE_MATRIX", True)])
def test_the_term_against_excess_leaves_tables_alone(large: str, counts: bool) -> None:
    task, config = Gpt2Task(skewed_text()), train_configuration({**MINUTE_GPT2, "excess": 1.0, "penalty": 0.0}, "test")
    model = Hypernetwork(config.hypernet)
    graph = task.graph(config.space.config(**TEXT))
    state = predict_state(model, graph, torch.Generator())
    fixed = map_predicted(graph, state, lambda t, o: torch.full_like(t, 50.0 if o.role == large else 0.01))
    objective = Objective(config, task, model, random.Random(0), torch.Generator())
    assert (objective._terms(graph, fixed).item() > 0) == counts


def test_the_gradient_of_silence_is_finite_for_zeros_and_for_what_is_nearly_so() -> None:
    for value in (0.0, 1e-20, 1e-6):
        matrix = torch.full((3, 3), value, requires_grad=True)
        silence([matrix], 0.02).backward()
        assert matrix.grad is not None
        assert torch.isfinite(matrix.grad).all()


def test_training_with_a_term_against_likeness_predicts_matrices_that_are_less_alike(tmp_path: Path) -> None:
    cosines = []
    for weight in (0.0, 5.0):
        task, architecture, state = prediction_after(tmp_path / str(weight), likeness=weight)
        cosines.append(mean_absolute_cosine(task.graph(architecture), state))
    assert cosines[1] < 0.7 * cosines[0]


def test_training_with_a_term_against_silence_predicts_no_matrix_far_below_the_default_deviation(
    tmp_path: Path,
) -> None:
    least = []
    for weight in (0.0, 1.0):
        task, architecture, state = prediction_after(tmp_path / str(weight), silence=weight, predicted_scale=0.003)
        graph = task.graph(architecture)
        matrices = [block for block, _ in predicted_blocks(graph, state) if is_matrix(block)]
        least.append(min(m.square().mean().sqrt().item() for m in matrices) / graph.initializer_range)
    assert least[0] < 0.6
    assert least[1] > 1


@pytest.mark.parametrize("family", ["vit", "gpt2", "llama"])
def test_a_network_without_layers_is_one_of_fewer_layers_with_the_parameters_that_are_left(family: str) -> None:
    value = {"vit": MINUTE, "gpt2": MINUTE_GPT2, "llama": MINUTE_LLAMA}[family]
    tasks: dict[str, Task] = {
        "vit": VitTask(bright_images()),
        "gpt2": Gpt2Task(skewed_text()),
        "llama": LlamaTask(skewed_text()),
    }
    task, space = tasks[family], train_configuration(value, "test").space
    sizes = {**(VIT if family == "vit" else TEXT), "layers": 3, **({"biased": 1} if family == "llama" else {})}
    config = space.config(**sizes)
    assert depth_of(config) == 3
    state = task.initialized(config, 0)
    thinner, left = without_layers(config, state, [0, 2])
    assert thinner == space.config(**{**sizes, "layers": 2})
    expected = task.initialized(thinner, 0)
    assert {name: tensor.shape for name, tensor in left.items()} == {n: t.shape for n, t in expected.items()}
    of_last = {name.replace(".2.", ".1."): tensor for name, tensor in state.items() if ".2." in name}
    assert all(left[name] is tensor for name, tensor in of_last.items())
    whole, same = without_layers(config, state, [0, 1, 2])
    assert (whole, same) == (config, state)


def test_at_least_one_layer_stays_and_each_is_the_last_one_sometimes() -> None:
    rng = random.Random(0)
    drawn = [draw_kept(3, 0.5, rng) for _ in range(200)]
    assert {kept[-1] for kept in drawn} == {0, 1, 2}
    assert max(len(kept) for kept in drawn) == 3
    assert all(kept == sorted(set(kept)) for kept in drawn)
    assert {tuple(draw_kept(2, 0.999999, rng)) for _ in range(100)} == {(0,), (1,)}


def test_training_that_drops_layers_learns_and_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    config = train_configuration({**MINUTE, "layer_drop": 0.5, "cycles": [[40, 5.0e-3]]}, "test")
    task = VitTask(bright_images())
    Trainer(config, task, tmp_path / "whole").run()
    Trainer(config, task, tmp_path / "parts").run(until=20)
    resumed = Trainer(config, task, tmp_path / "parts")
    resumed.run()
    whole = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)["state_dict"]
    assert all(torch.equal(tensor, whole[name]) for name, tensor in resumed.model.state_dict().items())
    rows = [line.split(",") for line in (tmp_path / "whole" / "log.csv").read_text().splitlines()[1:]]
    assert float(rows[-1][3]) < float(rows[0][3])


def test_the_gradient_of_the_way_is_the_prediction_less_where_training_took_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = train_configuration({**MINUTE, "lookahead": WAY, "penalty": 0.0}, "test")
    torch.manual_seed(0)
    model = Hypernetwork(config.hypernet)
    objective = Objective(config, VitTask(bright_images()), model, random.Random(0), torch.Generator().manual_seed(0))
    monkeypatch.setattr(objective, "_look_ahead", lambda _, state: {n: 0.5 * t.detach() for n, t in state.items()})
    objective.backward(2.0)
    drawn = random.Random(0)
    predicted = predict_state(model, objective.task.graph(config.space.sample(drawn)), torch.Generator())
    given = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    # Half of the prediction is the gradient of a quarter of its square.
    (2.0 * sum(t.square().sum() for t in predicted.values() if t.requires_grad) / 4).backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert torch.allclose(given[name], parameter.grad, rtol=1e-4, atol=1e-6), name


def test_training_by_the_way_lowers_the_loss(tmp_path: Path) -> None:
    config = train_configuration({**MINUTE, "lookahead": WAY, "cycles": [[100, 5.0e-3]]}, "test")
    Trainer(config, VitTask(bright_images()), tmp_path).run()
    losses = [float(line.split(",")[3]) for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert losses[-1] < 0.98 * losses[0]


def test_runs_without_the_new_settings_are_what_they_were(tmp_path: Path) -> None:
    """The random streams too: a term or a drop that is off draws nothing."""
    task = VitTask(bright_images())
    plain = train_configuration({**MINUTE, "cycles": [[5, 5.0e-3]]}, "test")
    off = replace(plain, likeness=0.0, silence=0.0, excess=0.0, layer_drop=0.0)
    first, second = Trainer(plain, task, tmp_path / "plain"), Trainer(off, task, tmp_path / "off")
    first.run()
    second.run()
    assert first.rng.getstate() == second.rng.getstate()
    assert all(torch.equal(t, second.model.state_dict()[n]) for n, t in first.model.state_dict().items())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"likeness": -1.0}, "likeness: got -1.0, expected 0 or more"),
        ({"silence": float("nan")}, "silence: got nan, expected 0 or more"),
        ({"excess": -0.1}, "excess: got -0.1, expected 0 or more"),
        ({"excess_from": 0.0}, "excess_from: got 0.0, expected more than 0"),
        ({"layer_drop": 1.0}, "layer_drop: got 1.0, expected 0 or more, and less than 1"),
        ({"layer_drop": 0.5, "lookahead": WAY}, "layer_drop: with lookahead's gradient of the way"),
        ({"lookahead": {**WAY, "steps": [0, 3]}}, r"lookahead: steps: got \[0, 3\], expected at least 1 each"),
        ({"lookahead": {**WAY, "gradient": "start"}}, "gradient: got 'start', expected one of end, way"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        train_configuration({**MINUTE, **settings}, "run.yaml")
