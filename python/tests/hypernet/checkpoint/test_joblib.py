"""Reading what joblib wrote: the same tensors, and never more than tensors."""

import bz2
import lzma
import os
import pickle
import struct
import zlib
from pathlib import Path

import pytest
import torch
from examples import JOBLIB_CONFIG, joblib_state
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity_graphs import REPOSITORY

from logah.errors import CheckpointError
from logah.hypernet.checkpoint import load_checkpoint
from logah.hypernet.checkpoint.joblib import pickle_machine, refusal
from logah.hypernet.checkpoint.joblib.refusal import JoblibError
from logah.hypernet.checkpoint.joblib.state_dict import read_state_dict
from logah.hypernet.checkpoint.joblib.torch_storage import TORCH_MAGIC

FIXTURES = REPOSITORY / "test" / "fixtures" / "joblib"
TENSORS = (FIXTURES / "tensors.joblib").read_bytes()
ARRAYS = (FIXTURES / "arrays.joblib").read_bytes()


def written(directory: Path, content: bytes) -> Path:
    path = directory / "checkpoint.joblib"
    path.write_bytes(content)
    return path


def refused(directory: Path, content: bytes, message: str) -> None:
    with pytest.raises(CheckpointError, match=rf"checkpoint\.joblib: .*{message}"):
        load_checkpoint(written(directory, content))


def test_a_ghn3_of_joblib_loads_as_the_same_state_of_torch_does(tmp_path):
    torch.save(joblib_state(), tmp_path / "checkpoint.pt")
    theirs = load_checkpoint(tmp_path / "checkpoint.pt").model
    ours = load_checkpoint(FIXTURES / "ghn3.zlib.joblib").model
    assert ours.config == theirs.config == JOBLIB_CONFIG
    expected = theirs.state_dict()
    assert ours.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in ours.state_dict().items())


@pytest.mark.parametrize(
    "kind", ["tensors", "arrays", *(f"tensors.{c}" for c in ("zlib", "gzip", "bz2", "xz", "lzma"))]
)
def test_tensors_and_arrays_come_as_they_were(kind):
    state = read_state_dict(FIXTURES / f"{kind}.joblib")
    expected = {name: tensor for name, tensor in joblib_state().items() if name.startswith("ln.")}
    expected["transposed"] = torch.arange(6.0).reshape(2, 3).T
    assert list(state) == list(expected)
    assert all(torch.equal(state[name], tensor) for name, tensor in expected.items())


class Malicious:
    """Unpickled carelessly, it makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (os.system, (f"touch {self.trace}",))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("compress", [bytes, zlib.compress, bz2.compress, lzma.compress])
def test_no_code_of_a_file_runs(tmp_path, protocol, compress):
    content = pickle.dumps({"ln.weight": Malicious(tmp_path / "trace")}, protocol=protocol)
    refused(tmp_path, compress(content), "it names (posix|nt).system, allowed are collections.OrderedDict")
    assert not (tmp_path / "trace").exists()


def test_no_code_of_a_storage_runs(tmp_path):
    class Storage:
        def __reduce__(self):
            return (torch.storage._load_from_bytes, (TORCH_MAGIC + evil,))

    evil = pickle.dumps(Malicious(tmp_path / "trace"), protocol=2)
    refused(
        tmp_path, pickle.dumps({"a": Storage()}, protocol=4), "it names (posix|nt).system, allowed are torch.BFloat16"
    )
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TENSORS[:-40], "the pickle is damaged"),
        (zlib.compress(TENSORS)[:-9], "the compressed content ends early"),
        (zlib.compress(TENSORS)[:9] + b"\xff" * 30, "the compressed content is damaged"),
        (pickle.dumps([]), "got list, expected a mapping"),
        (pickle.dumps({"a": 1}), "a: got int, expected a tensor"),
        (pickle.dumps({1: None}), "has int as a key, expected a string"),
        (pickle.dumps({"x" * 2000: None}), "has a string of 2000 characters"),
        (b"\x80\x04\x82\x01.", "pickle instruction EXT1"),
        (b"\x80\x02NQ.", "pickle instruction BINPERSID"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x", "the pickle is damaged"),
        (ARRAYS.replace(b"\x8c\x02f4", b"\x8c\x02O8"), "has an array of type O8, allowed are f2, f4, f8"),
        (ARRAYS.replace(b"K\x03K\x02\x86", b"J\xff\xff\xff\x7fK\x02\x86"), "17179869176 bytes expected, .* are left"),
        (TENSORS.replace(b"K\x03K\x02\x86", b"J\xff\xff\xff\x7fK\x02\x86"), "do not fit 6 elements"),
        (TENSORS, "embed.weight: missing"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_came(tmp_path, content, message):
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(written(tmp_path, content))


@pytest.mark.parametrize("compress", [zlib.compress, bz2.compress, lzma.compress])
def test_a_decompression_bomb_is_refused_at_the_limit(tmp_path, monkeypatch, compress):
    monkeypatch.setattr(refusal, "MAX_BYTES", 3 << 20)
    refused(tmp_path, compress(bytes(1 << 24)), "decompresses to more than the 3145728 bytes")


def test_the_number_of_instructions_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(pickle_machine, "MAX_INSTRUCTIONS", 1000)
    refused(tmp_path, b"\x80\x04" + b"N" * 2000 + b".", "more than the 1000 instructions")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([TENSORS, ARRAYS, zlib.compress(TENSORS)]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6)), max_size=4),
)
def test_a_changed_file_is_read_or_refused_and_nothing_else(tmp_path, content, changes):
    changed = bytearray(content)
    for place, piece in changes:
        at = 1 + int(place * (len(changed) - 1))
        changed[at : at + len(piece)] = piece
    try:
        state = read_state_dict(written(tmp_path, bytes(changed)))
    except JoblibError:
        return
    assert all(tensor.nbytes <= len(TENSORS) for tensor in state.values())
