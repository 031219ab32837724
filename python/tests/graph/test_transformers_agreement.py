"""The golden graphs against transformers itself, and against the front-end that training uses."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from client_servers import CLI
from golden_graphs import DEFAULTS, MODEL_TYPES, NAMES, build, read_config, read_fields, read_graph
from paths import REPOSITORY
from random_configs import service
from torch import Tensor
from transformers import AutoConfig, PreTrainedModel

from logah.graph.architecture import ArchitectureGraph, Initialization, Prediction
from logah.graph.gpt2 import gpt2_graph
from logah.graph.llama import llama_graph
from logah.graph.vit import vit_graph

EXAMPLES = REPOSITORY / "examples"
# Families that training samples, and so builds graphs of.
GRAPHS = {"vit": vit_graph, "gpt2": gpt2_graph, **dict.fromkeys(("llama", "mistral", "qwen2"), llama_graph)}
TRAINED_CLASSES = {
    *("ViTForImageClassification", "GPT2LMHeadModel"),
    *("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM"),
}


def command_line_graph(directory: Path, *flags: str) -> dict[str, Any]:
    """What `logah graph` makes of the directory's config.json."""
    command = ["node", CLI, "graph", directory / "config.json", *flags]
    graph: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return graph


def test_there_are_three_golden_graphs_of_every_family() -> None:
    counts = Counter(MODEL_TYPES.values())
    assert set(counts) == set(DEFAULTS)
    assert min(counts.values()) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_graphs_are_named_after_their_class(name: str) -> None:
    graph = read_graph(name)
    assert (graph["name"], graph["family"]) == (type(build(read_config(name))).__name__, MODEL_TYPES[name])


def parameters_of(model: PreTrainedModel) -> dict[str, list[int]]:
    """Shapes by name, in the order of the state dict, which has buffers, too."""
    names = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    return {name: list(value.shape) for name, value in model.state_dict().items() if name in names}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_the_state_dict_in_its_order(name: str) -> None:
    state = parameters_of(build(read_config(name)))
    parameters = {parameter["name"]: parameter["shape"] for parameter in read_graph(name)["parameters"]}
    assert list(parameters.items()) == list(state.items())


def test_configurations_that_transformers_writes_stand_for_the_same_graphs(tmp_path: Path) -> None:
    with service() as front_end:
        for name in NAMES:
            model = build(read_config(name))
            model.config.architectures = [type(model).__name__]
            model.config.save_pretrained(tmp_path)
            for text in (
                (tmp_path / "config.json").read_text(),
                json.dumps(model.config.to_dict(), default=str),
            ):
                assert front_end.read(text).get("graph") == read_graph(name), name


def test_the_command_line_reads_a_configuration_that_transformers_writes(tmp_path: Path) -> None:
    model = build(read_config("qwen3-grouped"))
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(tmp_path)
    assert command_line_graph(tmp_path) == read_graph("qwen3-grouped")


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
        length = sum(block.length for block in parameter.blocks) * (parameter.repetitions or 1)
        entries = parameter.view or parameter.shape
        assert length == (entries[parameter.axis] if entries else 1)
        for block in parameter.blocks:
            assert isinstance(block.origin, Prediction | Initialization)


TRAINED = [
    name
    for name in NAMES
    if MODEL_TYPES[name] in GRAPHS
    and read_graph(name)["name"] in TRAINED_CLASSES
    and read_fields(name).get("num_labels") != 0
]


@pytest.mark.parametrize("name", TRAINED)
def test_training_builds_the_same_graph(name: str) -> None:
    golden = read_graph(name)
    config = read_config(name)
    fields = {**config.to_dict(), "num_labels": config.num_labels}
    assert GRAPHS[config.model_type](fields, golden["name"]).to_json() == golden


@pytest.mark.parametrize("name", NAMES)
def test_rules_give_what_transformers_gives(name: str) -> None:
    """Constants exactly; of noise the deviation, as far as its number of elements says it."""
    torch.manual_seed(0)
    state = build(read_config(name), "cpu").state_dict()
    for parameter in ArchitectureGraph.from_json(read_graph(name)).parameters:
        if parameter.tied_to:
            continue
        blocks = parameter.blocks * (parameter.repetitions or 1)
        # A scalar has one block, of one element.
        seen = state[parameter.name].view(parameter.view or parameter.shape or (1,))
        values = seen.split([block.length for block in blocks], parameter.axis)
        for block, value in zip(blocks, values, strict=True):
            if isinstance(block.origin, Initialization):
                assert is_as_ruled(value, block.origin), (parameter.name, block.origin)


def is_as_ruled(value: Tensor, rule: Initialization) -> bool:
    constants = {"RULE_ZEROS": 0.0, "RULE_ONES": 1.0, "RULE_CONSTANT": rule.value}
    if rule.rule in constants:
        return torch.equal(value, torch.full_like(value, constants[rule.rule]))
    if rule.rule == "RULE_SINUSOIDS":
        assert rule.start == 0.0
        rows, columns = value.shape
        angles = torch.arange(rows)[:, None] * rule.base ** (-torch.arange(columns // 2) / rule.divisor)
        waves = [angles.sin(), angles.cos()]
        table = torch.stack(waves, dim=2).flatten(1) if rule.interleaved else torch.cat(waves, dim=1)
        return torch.allclose(value, table, atol=1e-4)
    if rule.rule == "RULE_UNIFORM":
        # All of at least 16 within half the bound come once in 65,536 times.
        assert value.numel() >= 16
        return rule.bound / 2 < value.abs().max().item() <= rule.bound
    assert value.numel() >= 32
    # Five standard errors of a deviation.
    tolerance = 5 * rule.standard_deviation / (2 * value.numel()) ** 0.5
    return abs(value.std().item() - rule.standard_deviation) < tolerance


@pytest.mark.parametrize("name", sorted(path.name for path in (EXAMPLES / "architectures").iterdir()))
def test_published_sizes_have_the_parameters_of_transformers(name: str) -> None:
    directory = EXAMPLES / "architectures" / name
    graph = command_line_graph(directory, "--max-parameters", str(10**11))
    config = AutoConfig.from_pretrained(directory)
    assert config.architectures == [graph["name"]]
    parameters = {parameter["name"]: parameter["shape"] for parameter in graph["parameters"]}
    assert list(parameters.items()) == list(parameters_of(build(config)).items())


@pytest.mark.parametrize("example", ["vit-base-patch16-224", "gpt2", "gpt2-kjv"])
def test_examples_load_in_transformers(example: str) -> None:
    config = AutoConfig.from_pretrained(EXAMPLES / example)
    assert config.architectures == [DEFAULTS[config.model_type]]
    if config.model_type == "vit":
        assert config.num_labels == 1000
