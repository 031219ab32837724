"""The golden graphs against transformers itself, and against the front-end that training uses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from client_servers import CLI
from golden_graphs import DEFAULTS, NAMES, build, read_config, read_graph
from paths import REPOSITORY
from transformers import AutoConfig

from logah.graph.architecture import ArchitectureGraph, Initialization, Prediction
from logah.graph.gpt2 import gpt2_graph
from logah.graph.llama import llama_graph
from logah.graph.vit import vit_graph

EXAMPLES = REPOSITORY / "examples"
# Families that training samples, and so builds graphs of.
GRAPHS = {"vit": vit_graph, "gpt2": gpt2_graph, **dict.fromkeys(("llama", "mistral", "qwen2"), llama_graph)}


def command_line_graph(directory: Path, *flags: str) -> dict[str, Any]:
    """What `logah graph` makes of the directory's config.json."""
    command = ["node", CLI, "graph", directory / "config.json", *flags]
    graph: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return graph


def test_golden_graphs_are_there() -> None:
    assert {name.split("-")[0] for name in NAMES} == set(DEFAULTS)


@pytest.mark.parametrize("name", NAMES)
def test_graphs_are_named_after_their_class(name: str) -> None:
    graph = read_graph(name)
    assert (graph["name"], graph["family"]) == (type(build(read_config(name))).__name__, name.split("-")[0])


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_the_state_dict_in_its_order(name: str) -> None:
    state = {key: list(value.shape) for key, value in build(read_config(name)).state_dict().items()}
    parameters = {parameter["name"]: parameter["shape"] for parameter in read_graph(name)["parameters"]}
    assert list(parameters.items()) == list(state.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_that_transformers_writes_stands_for_the_same_graph(name: str, tmp_path: Path) -> None:
    model = build(read_config(name))
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(tmp_path)
    assert command_line_graph(tmp_path) == read_graph(name)
    (tmp_path / "config.json").write_text(json.dumps(model.config.to_dict(), default=str))
    assert command_line_graph(tmp_path) == read_graph(name)


@pytest.mark.parametrize("name", NAMES)
def test_tied_parameters_share_storage_and_others_do_not(name: str) -> None:
    model = build(read_config(name))
    firsts: dict[int, str] = {}
    tied = {
        key: firsts[id(value)]
        for key, value in model.named_parameters(remove_duplicate=False)
        if firsts.setdefault(id(value), key) != key
    }
    assert tied == {p["name"]: p["tiedTo"] for p in read_graph(name)["parameters"] if "tiedTo" in p}


@pytest.mark.parametrize("name", NAMES)
def test_every_element_has_one_origin(name: str) -> None:
    graph = ArchitectureGraph.from_json(read_graph(name))
    for parameter in graph.parameters:
        if parameter.tied_to:
            assert not parameter.blocks
            continue
        assert sum(block.length for block in parameter.blocks) == parameter.shape[parameter.axis]
        for block in parameter.blocks:
            assert isinstance(block.origin, Prediction | Initialization)


@pytest.mark.parametrize("name", [name for name in NAMES if name.split("-")[0] in GRAPHS])
def test_training_builds_the_same_graph(name: str) -> None:
    golden = read_graph(name)
    config = read_config(name)
    fields = {**config.to_dict(), "num_labels": config.num_labels}
    assert GRAPHS[config.model_type](fields, golden["name"]).to_json() == golden


@pytest.mark.parametrize("name", NAMES)
def test_rules_are_those_of_transformers(name: str) -> None:
    """What transformers makes zeros is zeros; a ViT's first token it draws from `trunc_normal_`."""
    config = read_config(name)
    state = build(config, "cpu").state_dict()
    for parameter in ArchitectureGraph.from_json(read_graph(name)).parameters:
        if parameter.tied_to:
            continue
        values = state[parameter.name].split([block.length for block in parameter.blocks], parameter.axis)
        for block, value in zip(parameter.blocks, values, strict=True):
            if not isinstance(block.origin, Initialization):
                continue
            if config.model_type == "vit":
                assert block.origin == Initialization("RULE_TRUNCATED_NORMAL", config.initializer_range)
            else:
                assert block.origin == Initialization("RULE_ZEROS", 0.0)
                assert not value.any()


@pytest.mark.parametrize("name", sorted(path.name for path in (EXAMPLES / "architectures").iterdir()))
def test_published_sizes_have_the_parameters_of_transformers(name: str) -> None:
    directory = EXAMPLES / "architectures" / name
    graph = command_line_graph(directory, "--max-parameters", str(10**11))
    config = AutoConfig.from_pretrained(directory)
    assert config.architectures == [graph["name"]]
    state = [(key, list(value.shape)) for key, value in build(config).state_dict().items()]
    assert [(parameter["name"], parameter["shape"]) for parameter in graph["parameters"]] == state


@pytest.mark.parametrize("example", ["vit-base-patch16-224", "gpt2", "gpt2-kjv"])
def test_examples_load_in_transformers(example: str) -> None:
    config = AutoConfig.from_pretrained(EXAMPLES / example)
    assert config.architectures == [DEFAULTS[config.model_type]]
    if config.model_type == "vit":
        assert config.num_labels == 1000
