"""Files under construction that killed runs have left, with real processes."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from logah.client.partial_file import whole_file, write_all

_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_WRITE_AND_WAIT = """
import sys
from pathlib import Path
from logah.client.partial_file import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"begun")
    print("begun", flush=True)
    sys.stdin.read()
"""


def _names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


def _writer(path: Path) -> subprocess.Popen[bytes]:
    """A process that has begun to write the file, and goes on until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITE_AND_WAIT, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"begun"
    return process


def test_an_error_of_writing_names_the_file() -> None:
    with open("/dev/full", "wb", buffering=0) as file, pytest.raises(OSError, match=r"No space left.*'/dev/full'"):
        write_all(file, b"more than there is room for")


def test_what_a_killed_process_has_left_goes_when_the_file_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with _writer(path) as process:
        (left,) = _names(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert _names(tmp_path) == {left}
    with whole_file(path) as file:
        assert left not in _names(tmp_path)
        file.write(b"whole")
    assert _names(tmp_path) == {path.name}
    assert path.read_bytes() == b"whole"


def test_what_a_process_is_writing_stays_and_so_do_other_files(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    stays = {
        f"{path.name}.ffffffff-1-00000004.partial",
        f"{path.name}.partial",
        f"{path.name}.txt.partial",
        f"other.{_HOST}-{2**22 + 1}-00000005.partial",
    }
    for name in stays:
        (tmp_path / name).touch()
    with _writer(path) as process:
        (at_work,) = _names(tmp_path) - stays
        with whole_file(path) as file:
            file.write(b"mine")
        assert _names(tmp_path) == {*stays, at_work, path.name}
        process.communicate()
    assert process.returncode == 0
    assert _names(tmp_path) == {*stays, path.name}
    assert path.read_bytes() == b"begun"


def test_two_files_of_one_process_leave_each_other_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"model.safetensors.{_HOST}-{os.getpid()}-00000002.partial").touch()
    with whole_file(tmp_path / "model.safetensors") as first, whole_file(Path("model.safetensors")) as second:
        assert len(_names(tmp_path)) == 2
        first.write(b"first")
        second.write(b"second")
    assert _names(tmp_path) == {"model.safetensors"}


def test_files_of_another_machine_go_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for name in (f"{path.name}.ffffffff-1-00000001.partial", f"{path.name}.0123abcd.partial"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    with whole_file(path):
        pass
    assert _names(tmp_path) == {path.name}
