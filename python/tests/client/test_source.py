"""What is refused before any call."""

from __future__ import annotations

import asyncio
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from paths import FIXTURES
from streams import CONFIG
from torch import nn

import logah
from logah.__main__ import main
from logah.client import (
    CoverageError,
    LogahError,
    ProtocolError,
    RemoteError,
    RequestError,
    SourceError,
    TraceError,
    aio,
)
from logah.client.request import predict_request
from logah.client.source import read_source
from logah.client.source_file import content_architecture
from logah.errors import GraphError, expect_equal
from logah.graph import Initialization


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({}, "neither a transformers config.json"),
        ({"nodes": [], "wrong": 1}, 'no field named "wrong"'),
        ({"nodes": 3}, "not an architecture graph"),
        ({"model_type": {1, 2}}, "cannot be written as JSON"),
        (3, "a int is no architecture"),
    ],
)
def test_what_is_no_architecture_is_refused_before_any_call(source: object, text: str) -> None:
    with logah.connect("127.0.0.1:1") as client, pytest.raises(SourceError, match=text):
        client.predict(source)  # type: ignore[arg-type]


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"\xff{")
    with logah.connect("127.0.0.1:1") as client:
        with pytest.raises(SourceError, match=r"config\.json is not JSON"):
            client.predict(path)
        with pytest.raises(FileNotFoundError):
            client.predict(tmp_path / "nothing.json")


@pytest.mark.parametrize("options", [{"seed": -1}, {"seed": 2**53}, {"dtype": "float64"}, {"shard": (-1, 2)}])
def test_arguments_that_no_request_can_carry_are_refused(options: dict[str, object]) -> None:
    with logah.connect("127.0.0.1:1") as client, pytest.raises(RequestError):
        client.predict(CONFIG, **options)  # type: ignore[arg-type]


def test_every_error_of_the_client_is_a_logah_error() -> None:
    assert all(issubclass(kind, LogahError) for kind in (ProtocolError, RemoteError, RequestError, SourceError))
    with pytest.raises(ProtocolError, match="x is 1, expected 2"):
        expect_equal("x", 1, 2)


def test_a_directory_is_read_as_its_config_json(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"is a directory without a config\.json"):
        read_source(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    architecture = read_source(str(tmp_path))
    assert architecture.path == tmp_path / "config.json"
    assert architecture.message == read_source(tmp_path / "config.json").message


@pytest.mark.parametrize("name", ["config.json", "graph.json", "model.onnx"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer.*git lfs pull"),
        ('{"model_type": "vit"}'.encode("utf-16"), "is text in UTF-16; expected UTF-8"),
        (b"\n<!DOCTYPE html>", "is a web page"),
        ((2).to_bytes(8, "little") + b"{}", "is a safetensors file"),
        (b"PK\x03\x04", "is a ZIP archive"),
    ],
)
def test_a_file_of_another_kind_is_called_what_it_is(name: str, content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=f"{name} {text}" if text.startswith("is") else text):
        read_source(tmp_path / name)


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(CONFIG).encode())
    architecture = read_source(path)
    assert architecture.config == architecture.message.transformers_config == json.dumps(CONFIG).encode()


def test_an_onnx_file_is_known_by_its_first_bytes_whatever_its_name_and_without_a_file(tmp_path: Path) -> None:
    content = min((FIXTURES / "onnx/cases").glob("*.onnx")).read_bytes()
    for name in ("model.onnx", "model"):
        (tmp_path / name).write_bytes(content)
    message = read_source(tmp_path / "model.onnx").message
    assert read_source(tmp_path / "model").message == message
    assert content_architecture(content, "standard input").message == message


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seed": 1.5}, "seed is 1.5; a whole number from 0 to"),
        ({"seed": None}, "seed is None"),
        ({"seed": True}, "seed is True; a whole number from 0 to"),
        ({"copies": "2"}, "copies is '2'"),
        ({"shard": "0/4"}, r"shard is '0/4'; expected \(index, count\)"),
        ({"shard": (1,)}, "shard is"),
        ({"shard": (0.5, 2)}, "shard index is 0.5"),
        ({"slices": {"a": 3}}, 'slice of "a" is 3'),
        ({"slices": {"a": [3]}}, 'slice of "a" is 3'),
        ({"slices": ["a"]}, "slices is"),
        ({"select": 3}, "select is 3"),
        ({"select": [3]}, "a pattern of select is 3"),
        ({"model": 3}, "model is 3"),
        ({"lift": "1"}, "lift is '1'"),
        ({"strength": None}, "strength is None; expected a number"),
        ({"base": "1"}, "base is '1'; expected a number"),
        ({"strict": "no"}, "strict is 'no'"),
        ({"dtype": torch.float64}, 'dtype is "torch.float64"; allowed: float32'),
    ],
)
def test_an_argument_of_another_type_is_named_with_what_is_allowed(options: dict[str, object], text: str) -> None:
    with logah.connect("127.0.0.1:1") as client, pytest.raises(RequestError, match=text):
        client.predict(CONFIG, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_element_types_of_torch_are_those_of_their_names(dtype: torch.dtype) -> None:
    name = str(dtype).removeprefix("torch.")
    architecture = read_source(CONFIG)
    named = predict_request(architecture, dtype=name)  # type: ignore[arg-type]
    assert predict_request(architecture, dtype=dtype, seed=np.int64(0)) == named  # type: ignore[arg-type]


@pytest.mark.parametrize("target", ["", " ", [], ["127.0.0.1:1", ""], None, 50051])
def test_a_target_that_is_no_address_is_refused(target: object) -> None:
    with pytest.raises(RequestError, match=r"target .*expected an address"):
        logah.connect(target)  # type: ignore[arg-type]


def test_a_closed_client_says_so(tmp_path: Path) -> None:
    client = logah.connect("127.0.0.1:1")
    client.close()
    calls = (
        lambda: client.plan(CONFIG),
        lambda: list(client.predict(CONFIG)),
        lambda: client.save(CONFIG, tmp_path / "out"),
        client.list_models,
    )
    for call in calls:
        with pytest.raises(RequestError, match="the client is closed"):
            call()

    async def use() -> None:
        client = aio.connect("127.0.0.1:1")
        await client.close()
        await client.plan(CONFIG)

    with pytest.raises(RequestError, match="the client is closed"):
        asyncio.run(use())


@pytest.mark.parametrize(
    ("module", "text"),
    [("config.json", "module is a str"), ({}, "module is a dict"), (nn.Linear, "module is the class Linear")],
)
def test_what_is_no_module_is_neither_filled_nor_traced(module: object, text: str) -> None:
    with logah.connect("127.0.0.1:1") as client, pytest.raises(RequestError, match=text):
        client.initialize(module)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=text):
        logah.client.trace(module)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["frozen", "special"])
@pytest.mark.parametrize("choice", [True, None, "Keep", []])
def test_what_becomes_of_own_values_is_keep_or_predict(name: str, choice: object) -> None:
    module = nn.Linear(2, 2)
    with (
        logah.connect("127.0.0.1:1") as client,
        pytest.raises(RequestError, match=re.escape(f"{name} is {choice}; allowed: keep, predict")),
    ):
        client.initialize(module, **{name: choice})  # type: ignore[arg-type]


class Scaled(nn.Module):
    """With a parameter on the meta device that no code fills."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.scale = nn.Parameter(torch.empty(3, 2, device="meta"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Linear, then scaled."""
        return self.linear(x) * self.scale.sum(0)


def test_hints_name_the_calls_that_help() -> None:
    with pytest.raises(TraceError, match=re.escape("logah.client.trace(module, (x,)), then initialize(module, graph)")):
        logah.client.trace(nn.Linear(2, 2))
    with pytest.raises(CoverageError, match=re.escape("as in logah.client.trace(module, ..., rules={...})")):
        logah.client.trace(Scaled(), (torch.ones(2),))
    with pytest.raises(GraphError, match='rule is "constant"; allowed: RULE_ZEROS, RULE_ONES'):
        Initialization("constant", value=1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("directory", ["file", "file/below", ""])
def test_a_directory_that_cannot_be_one_is_refused_before_any_call(directory: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    out = str(tmp_path / directory) if directory else ""
    text = "is a file, expected a directory" if directory else "directory is empty"
    with logah.connect("127.0.0.1:1") as client, pytest.raises(RequestError, match=text):
        client.save(CONFIG, out)
    assert (tmp_path / "file").read_text() == "kept"


def test_weights_are_not_put_beside_another_networks_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, given, out = tmp_path / "out/config.json", tmp_path / "config.json", tmp_path / "out"
    out.mkdir()
    there.write_text('{"model_type": "gpt2"}')
    given.write_text(json.dumps(CONFIG))
    text = f"{there} is there and differs from {given}; give another directory (--out), or move it away"
    with logah.connect("127.0.0.1:1") as client, pytest.raises(RequestError, match=re.escape(text)):
        client.save(given, out)
    assert main(["predict", str(given), "--out", str(out), "--server", "127.0.0.1:1"]) == 1
    assert capsys.readouterr().err == f"error: {text}\n"
    assert there.read_text() == '{"model_type": "gpt2"}'
    # The same network in other words is no other network.
    there.write_text(json.dumps(dict(reversed(CONFIG.items())), indent=3))
    with logah.connect("127.0.0.1:1", patience=0) as client, pytest.raises(RemoteError):
        client.save(given, out)


def test_an_empty_out_is_a_wrong_use_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(SystemExit) as ending:
        main(["predict", str(tmp_path), "--out", "", "--server", "127.0.0.1:1"])
    assert ending.value.code == 2
    assert "argument --out: expected the path of a directory" in capsys.readouterr().err


def test_the_command_reads_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["predict", "-", "--out", str(tmp_path / "out"), "--server", "127.0.0.1:1", "--patience", "0"]
    for content, text in ((b"", "error: standard input is empty"), (json.dumps(CONFIG).encode(), "is unavailable")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert main(command) == 1
        assert text in capsys.readouterr().err
