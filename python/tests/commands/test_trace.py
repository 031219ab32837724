"""`logah trace` prints what a trace finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers

from logah.__main__ import main
from logah.client import trace

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 50}


def test_the_graph_of_a_configuration_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = transformers.MistralConfig(**SIZES, num_key_value_heads=2)
    path = tmp_path / "config.json"
    path.write_text(config.to_json_string())
    assert main(["trace", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].split() == ["node", "operation", "shape", "reads", "name"]
    assert "model.layers.0.self_attn.q_proj.weight" in printed
    assert main(["trace", str(path), "--json"]) == 0
    graph = trace(transformers.MistralForCausalLM(config))
    assert json.loads(capsys.readouterr().out)["nodes"] == graph.to_json()["nodes"]


def test_a_model_type_that_transformers_does_not_know_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "mistrl"]) == 1
    assert "mistrl" in capsys.readouterr().err
