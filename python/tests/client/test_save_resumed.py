"""Saving that goes on where an earlier run had to stop: of this client, and of the Node.js command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from client_servers import SMALL_GPT2, run_node

import logah
from logah.__main__ import main
from logah.client import DataEvent, Event, PlanEvent, ProtocolError, RequestError

_FILE = "model.safetensors"
_PARTIAL = f"{_FILE}.partial"


class _Stopped(Exception):
    """What ends a run."""


def _stop_at(end: int, error: BaseException) -> Callable[[Event], None]:
    def on_event(event: Event) -> None:
        if isinstance(event, DataEvent) and event.offset + len(event.data) >= end:
            raise error

    return on_event


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "given.json"
    path.write_text(json.dumps(SMALL_GPT2))
    return path


def _names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


@pytest.mark.server
@pytest.mark.parametrize("error", [_Stopped(), KeyboardInterrupt(), OSError("no room")], ids=repr)
def test_what_came_is_kept_and_the_next_run_goes_on_behind_the_last_whole_tensor(
    server: str, config: Path, tmp_path: Path, error: BaseException
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    with logah.connect(server) as client:
        client.save(config, whole, seed=3)
        total = client.plan(config, seed=3).total_bytes
        with pytest.raises(type(error)):
            client.save(config, out, seed=3, chunk_bytes=4096, resume=True, on_event=_stop_at(total // 2, error))
        assert _names(out) == {_PARTIAL}
        events: list[Event] = []
        saved = client.save(config, out, seed=3, chunk_bytes=4096, resume=True, on_event=events.append)
    assert isinstance(events[0], PlanEvent)
    ends = {tensor.end for tensor in saved.plan.sent}
    begins = [event.offset for event in events if isinstance(event, DataEvent)]
    assert 0 < begins[0] <= total // 2 + 4096
    assert begins[0] in ends
    assert _PARTIAL not in _names(out)
    assert (out / _FILE).read_bytes() == (whole / _FILE).read_bytes()


@pytest.mark.server
def test_what_one_command_line_has_kept_the_other_goes_on_with(server: str, config: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    with logah.connect(server) as client:
        client.save(config, whole)
        with pytest.raises(_Stopped):
            client.save(config, out, chunk_bytes=4096, resume=True, on_event=_stop_at(9000, _Stopped()))
    kept = (out / _PARTIAL).read_bytes()
    assert (whole / _FILE).read_bytes().startswith(kept)
    run_node("predict", str(config), "--out", str(out), "--server", server, "--quiet", "--resume")
    assert (out / _FILE).read_bytes() == (whole / _FILE).read_bytes()
    (out / _FILE).unlink()
    # Bytes behind the last whole tensor are not looked at.
    (out / _PARTIAL).write_bytes(kept + bytes(100))
    assert main(["predict", str(config), "--out", str(out), "--server", server, "--quiet", "--resume"]) == 0
    assert (out / _FILE).read_bytes() == (whole / _FILE).read_bytes()
    assert _PARTIAL not in _names(out)


@pytest.mark.server
@pytest.mark.parametrize("kept", [b"", b"other", bytes(100_000)], ids=len)
def test_it_begins_anew_where_what_was_kept_is_of_another_prediction(
    server: str, config: Path, tmp_path: Path, kept: bytes
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    out.mkdir()
    (out / _PARTIAL).write_bytes(kept)
    with logah.connect(server) as client:
        client.save(config, whole)
        client.save(config, out, resume=True)
    assert (out / _FILE).read_bytes() == (whole / _FILE).read_bytes()


@pytest.mark.server
def test_all_that_is_missing_is_the_name(server: str, config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with logah.connect(server) as client:
        client.save(config, out)
        content = (out / _FILE).read_bytes()
        (out / _FILE).rename(out / _PARTIAL)
        client.save(config, out, resume=True)
    assert (out / _FILE).read_bytes() == content


#: Saves until so many bytes have come, says so, and waits to be killed.
_SAVE_AND_WAIT = """
import sys
import logah
server, config, out, end = sys.argv[1:]
def on_event(event):
    if isinstance(event, logah.client.DataEvent) and event.offset >= int(end):
        print("begun", flush=True)
        sys.stdin.read()
with logah.connect(server) as client:
    client.save(config, out, chunk_bytes=4096, resume=True, on_event=on_event)
"""


@pytest.mark.server
@pytest.mark.parametrize("by_node", [False, True], ids=["python", "node"])
def test_what_a_killed_run_had_written_is_gone_on_with(
    server: str, config: Path, tmp_path: Path, by_node: bool
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    with logah.connect(server) as client:
        client.save(config, whole)
        total = client.plan(config).total_bytes
        arguments = [sys.executable, "-c", _SAVE_AND_WAIT, server, str(config), str(out), str(total // 2)]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == b"begun"
            process.kill()
        (left,) = out.glob(f"{_FILE}.*.partial")
        content = bytearray(left.read_bytes())
        assert len(content) > total // 2
        # Tells that the first byte of data is not fetched again.
        first = 8 + int.from_bytes(content[:8], "little")
        content[first] ^= 1
        left.write_bytes(content)
        if by_node:
            run_node("predict", str(config), "--out", str(out), "--server", server, "--quiet", "--resume")
        else:
            client.save(config, out, resume=True)
    expected = bytearray((whole / _FILE).read_bytes())
    expected[first] ^= 1
    assert (out / _FILE).read_bytes() == expected
    assert not list(out.glob(f"{_FILE}.*"))


@pytest.mark.server
def test_nothing_is_kept_of_an_answer_that_was_wrong(server: str, config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    wrong = _stop_at(9000, ProtocolError("chunk offset", 1, 2))
    with logah.connect(server) as client, pytest.raises(ProtocolError):
        client.save(config, out, chunk_bytes=4096, resume=True, on_event=wrong)
    assert not out.exists()


@pytest.mark.server
def test_it_is_sent_dense(server: str, config: Path, tmp_path: Path) -> None:
    with logah.connect(server) as client, pytest.raises(RequestError, match='expected "dense"'):
        client.save(config, tmp_path / "out", resume=True, representation="core")
    assert not (tmp_path / "out").exists()
