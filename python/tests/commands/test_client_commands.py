"""`logah plan`, `models` and `health` say what those of the Node.js command line do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from client_servers import SMALL_VIT, fake_server
from node_command import node_output
from paths import REPOSITORY

from logah.__main__ import main

EXAMPLES = REPOSITORY / "examples"
PLANS = {
    "a network of its own": [str(EXAMPLES / "vit-tiny-patch16-224/config.json")],
    "tied parameters and a shard": [str(EXAMPLES / "gpt2-kjv/config.json"), "--shard", "1/3", "--dtype", "bf16"],
    "copies of a narrower one, lifted": [str(EXAMPLES / "gpt2/config.json"), "--copies", "4", "--lift", "0.5"],
    "weak, on a base": [str(EXAMPLES / "gpt2/config.json"), "--strength", "0.3", "--base", "1"],
    "a selection": [str(EXAMPLES / "gpt2/config.json"), "--select", "*.bias", "--seed", "9007199254740991"],
}


@pytest.mark.server
@pytest.mark.parametrize("arguments", PLANS.values(), ids=PLANS)
def test_a_plan_is_printed_as_the_other_command_line_prints_it(
    arguments: list[str], server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["plan", *arguments, "--server", server]
    assert main(command) == 0
    assert capsys.readouterr().out == node_output(*command)
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(node_output(*command, "--json"))


@pytest.mark.server
@pytest.mark.parametrize("command", ["plan", "predict"])
def test_a_misspelt_field_of_a_configuration_is_noted(
    command: str, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    fields = {"model_type": "vit", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config.write_text(json.dumps({**fields, "intermediate_size": 64, "image_size": 32, "pach_size": 8}))
    out = ["--out", str(tmp_path / "out")] if command == "predict" else []
    assert main([command, str(config), *out, "--server", server]) == 0
    noted = 'architecture.transformers_config.pach_size is no field of "vit" and is ignored; did you mean patch_size?'
    assert f"note: {noted}\n" in capsys.readouterr().err


@pytest.mark.server
def test_warnings_of_a_plan_go_to_standard_error(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(EXAMPLES / "gpt2/config.json"), "--server", server]) == 0
    printed = capsys.readouterr()
    assert "warning: " in printed.err
    assert "warning: " not in printed.out


@pytest.mark.server
def test_models_are_listed_as_the_other_command_line_lists_them(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["models", "--server", server]
    assert main(command) == 0
    assert capsys.readouterr().out == node_output(*command)
    assert main([*command, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == json.loads(node_output(*command, "--json"))
    assert all(model["builtIn"] or model["training"]["ranges"] for model in content["models"])


@pytest.mark.server
@pytest.mark.parametrize("service", ["", "logah.v1.LogahService"])
def test_a_server_that_is_well_serves(service: str, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["health", "--server", server, "--service", service]
    assert main(command) == 0
    assert capsys.readouterr().out == node_output(*command) == "SERVING\n"


@pytest.mark.server
def test_an_unknown_service_is_not_well(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["health", "--server", server, "--service", "logah.v9"]
    assert main(command) == 1
    with pytest.raises(subprocess.CalledProcessError):
        node_output(*command)
    assert "logah.v9" in capsys.readouterr().err


def test_a_server_without_the_protocol_of_health_and_one_that_is_not_there_are_not_well(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fake_server(lambda request, context: iter(())) as fake:
        assert main(["health", "--server", fake.address]) == 1
    assert "error: " in capsys.readouterr().err
    assert main(["health", "--server", fake.address]) == 1
    assert capsys.readouterr().err.startswith(f"error: server {fake.address} is unavailable")


@pytest.mark.server
def test_a_wrong_field_is_named(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**SMALL_VIT, "num_attention_heads": 3}))
    assert main(["plan", str(path), "--server", server]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: the request is wrong\n  architecture.transformers_config.")
    assert "num_attention_heads" in error
