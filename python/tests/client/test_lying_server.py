"""What the client makes of a server that lies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from client_servers import (
    fake_server,
    honest_messages,
)
from streams import CONFIG, LIES, answering

import logah
from logah.client import ProtocolError


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_is_caught_and_no_file_is_left(lie: str, tmp_path: Path) -> None:
    messages, subject = LIES[lie]
    with fake_server(answering(messages)) as fake, logah.connect(fake.address) as client:
        with pytest.raises(ProtocolError) as caught:
            client.save(CONFIG, tmp_path / "new" / "out")
        assert caught.value.subject == subject
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_files_of_before_alone(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"old weights")
    # The same network's in another layout: beside another's nothing would be written at all.
    config = json.dumps(CONFIG, indent=7).encode()
    (tmp_path / "config.json").write_bytes(config)
    messages, _ = LIES["wrong digest"]
    with fake_server(answering(messages)) as fake, logah.connect(fake.address) as client, pytest.raises(ProtocolError):
        client.save(CONFIG, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "model.safetensors": b"old weights",
        "config.json": config,
    }


def test_arrays_come_in_order_with_their_shapes_and_are_the_callers_own() -> None:
    with fake_server(answering(honest_messages())) as fake, logah.connect(fake.address) as client:
        arrays = dict(client.predict(CONFIG))
    assert list(arrays) == ["a", "b", "c"]
    assert [array.shape for array in arrays.values()] == [(2, 3), (4,), (5, 2)]
    assert all(array.dtype == np.float32 and array.flags.writeable for array in arrays.values())
