"""Cores in directions of their own: the same predictions, and nodes whose cores are less alike."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from minute import MINUTE_LLAMA, skewed_text
from torch import Tensor, nn
from torch.nn.functional import normalize

from logah.graph import ArchitectureGraph
from logah.hypernet.hypernetwork import GraphFeatures, Hypernetwork
from logah.hypernet.low_rank_decoder import LowRankDecoder
from logah.targets.llama import LlamaTask
from logah.training.configuration import train_configuration
from logah.training.directions import spread_directions, used_rows
from logah.training.settings import TrainConfig
from logah.training.start import spread_predictions
from logah.training.train import Trainer

RANK = 16


@pytest.fixture
def config() -> TrainConfig:
    config = train_configuration(MINUTE_LLAMA, "test")
    return replace(config, hypernet=replace(config.hypernet, rank=RANK, ck=512))


@pytest.fixture
def graphs(config: TrainConfig) -> list[ArchitectureGraph]:
    rng = random.Random(0)
    task = LlamaTask(skewed_text())
    return [task.graph(config.space.sample(rng)) for _ in range(20)]


def alike(config: TrainConfig) -> Hypernetwork:
    """A hypernetwork whose cores lie in five directions, as those of trained models do in a few."""
    torch.manual_seed(0)
    model = Hypernetwork(config.hypernet)
    spread_predictions(model, 0.3)
    last = model.decoder.core[4]
    assert isinstance(last, nn.Linear)
    directions_KR = torch.rand(5, RANK)
    with torch.no_grad():
        # Of little that is the same for all nodes.
        mixed = (torch.randn(2 * RANK, 5, last.in_features) - 2).relu()
        last.weight.copy_(torch.einsum("kr,xki->xri", directions_KR, mixed).flatten(0, 1))
        last.bias.zero_()
    return model


def first_rows(model: Hypernetwork, graph: ArchitectureGraph) -> Tensor:
    assert isinstance(model.decoder, LowRankDecoder)
    features = GraphFeatures.of(graph, model.config)
    with torch.no_grad():
        return model.decoder.core(model.embed(features)[[b.prediction.node for b in features.blocks]])[:, :RANK]


def predicted(model: Hypernetwork, graph: ArchitectureGraph) -> dict[tuple[str, int], Tensor]:
    with torch.no_grad():
        return model(GraphFeatures.of(graph, model.config))


def test_predictions_stay_and_cores_are_less_alike(config: TrainConfig, graphs: list[ArchitectureGraph]) -> None:
    model = alike(config)
    spread = copy.deepcopy(model)
    spread_directions(spread, graphs)
    graph = graphs[0]
    expected = predicted(model, graph)
    for name, tensor in predicted(spread, graph).items():
        assert torch.allclose(tensor, expected[name], atol=0.02 * float(expected[name].abs().max())), name

    def likeness(hypernetwork: Hypernetwork) -> float:
        rows = normalize(first_rows(hypernetwork, graph), dim=1)
        return (rows @ rows.T).mean().item()

    assert likeness(spread) < 0.9 * likeness(model)
    assert (first_rows(spread, graph) >= 0).all()


def test_blocks_say_which_rows_of_their_core_they_are_made_of() -> None:
    used = used_rows((100, 30), rank=16, ck=512).view(2, 16)
    # A row of a core is 32 rows of a factor.
    assert used.sum(1).tolist() == [4, 1]
    assert used_rows((33,), rank=16, ck=512).view(2, 16).sum(1).tolist() == [2, 1]


def test_a_run_may_begin_so_and_goes_on_without_doing_it_again(config: TrainConfig, tmp_path: Path) -> None:
    short = replace(config, cycles=((20, 1.0e-3),), spread_directions=5)
    task = LlamaTask(skewed_text())
    plain, spread = (
        Trainer(run, task, tmp_path / "unused").model for run in (replace(short, spread_directions=0), short)
    )
    assert not torch.allclose(plain.state_dict()["decoder.core.4.weight"], spread.state_dict()["decoder.core.4.weight"])
    Trainer(short, task, tmp_path / "whole").run()
    Trainer(short, task, tmp_path / "parts").run(until=10)
    resumed = Trainer(short, task, tmp_path / "parts")
    resumed.run()
    whole = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)["state_dict"]
    assert all(torch.equal(tensor, whole[name]) for name, tensor in resumed.model.state_dict().items())


def test_a_dense_decoder_has_no_cores(config: TrainConfig, graphs: list[ArchitectureGraph]) -> None:
    dense = Hypernetwork(replace(config.hypernet, decoder="dense", slots=1))
    with pytest.raises(ValueError, match="spread_directions: the decoder is 'dense'"):
        spread_directions(dense, graphs)
