"""What is refused before any call."""

from __future__ import annotations

from pathlib import Path

import pytest
from streams import CONFIG

import logah
from logah.client import LogahError, ProtocolError, RemoteError, RequestError, SourceError
from logah.errors import expect_equal


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
