"""Loading checkpoints: our own, the authors', and what is neither."""

import argparse
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from examples import ALIGNED, DENSE, LOW_RANK, authors_checkpoint, authors_state, random_model

from logah.errors import CheckpointError
from logah.hypernet.checkpoint import load_checkpoint
from logah.hypernet.config import LANGUAGE_OPERATIONS
from logah.hypernet.hypernetwork import Hypernetwork

#: Their files do not record the cutoff and get the evaluation's.
AUTHORS_LOW_RANK = replace(LOW_RANK, cutoff=250)
AUTHORS_DENSE = replace(DENSE, cutoff=250)


def saved(directory: Path, content: Any) -> Path:
    path = directory / "checkpoint.pt"
    torch.save(content, path)
    return path


def assert_same_weights(ours: Hypernetwork, other: Hypernetwork) -> None:
    state = other.state_dict()
    assert ours.state_dict().keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in ours.state_dict().items())


@pytest.mark.parametrize("config", [AUTHORS_LOW_RANK, AUTHORS_DENSE], ids=["logah", "ghn3"])
def test_a_checkpoint_of_the_authors_loads(tmp_path, config):
    model = random_model(config)
    loaded = load_checkpoint(saved(tmp_path, authors_checkpoint(model)))
    assert (loaded.source, loaded.averaged, loaded.step) == ("authors", False, 17)
    assert loaded.model.config == config
    assert_same_weights(loaded.model, model)
    assert not loaded.model.training


def test_a_language_checkpoint_loads_without_the_fields_that_it_omits(tmp_path):
    model = random_model(replace(AUTHORS_LOW_RANK, operations=LANGUAGE_OPERATIONS))
    content = authors_checkpoint(model)
    for key in ("num_classes", "hid", "heads", "layers", "lora_r", "max_ck_lora"):
        del content["config"][key]
    assert load_checkpoint(saved(tmp_path, content)).model.config == model.config


def test_compiled_and_namespaced_checkpoints_load(tmp_path):
    model = random_model(AUTHORS_LOW_RANK)
    state = {f"_orig_mod.{name}": tensor for name, tensor in authors_state(model).items()}
    arguments = argparse.Namespace(lr=1e-3, name="run", layers=[1, 2])
    content = authors_checkpoint(model, state_dict=state, args=arguments, ema_state_dict=None, optimizer={"state": {}})
    assert_same_weights(load_checkpoint(saved(tmp_path, content)).model, model)


def test_the_average_of_the_authors_is_taken_on_request_only(tmp_path):
    last, average = random_model(AUTHORS_LOW_RANK, 1), random_model(AUTHORS_LOW_RANK, 2)
    # An average names a shared tensor once.
    shadow = {k: v for k, v in authors_state(average).items() if not k.startswith("decoder.seq.")}
    path = saved(tmp_path, authors_checkpoint(last, ema_state_dict=shadow))
    assert_same_weights(load_checkpoint(path).model, last)
    loaded = load_checkpoint(path, ema=True)
    assert loaded.averaged
    assert_same_weights(loaded.model, average)


def test_an_average_that_is_not_there_is_reported(tmp_path):
    path = saved(tmp_path, authors_checkpoint(random_model(LOW_RANK), ema_state_dict=None))
    with pytest.raises(CheckpointError, match="ema_state_dict: got NoneType, expected a mapping of tensors"):
        load_checkpoint(path, ema=True)


def test_a_bare_state_dict_of_ghn3_with_its_tables_at_the_top_level_loads(tmp_path):
    model = random_model(replace(AUTHORS_DENSE, max_shape=(12, 12, 11, 11)))
    tables = ("centrality_embed_in", "centrality_embed_out", "input_dist_embed")
    bare = {
        name.removeprefix("gnn.0.") if name.split(".")[2:3] and name.split(".")[2] in tables else name: tensor
        for name, tensor in authors_state(model).items()
    }
    assert "centrality_embed_in.weight" in bare
    loaded = load_checkpoint(saved(tmp_path, bare))
    assert loaded.model.config == model.config
    assert_same_weights(loaded.model, model)


def test_half_precision_weights_become_float32(tmp_path):
    content = authors_checkpoint(random_model(LOW_RANK))
    content["state_dict"] = {name: tensor.half() for name, tensor in content["state_dict"].items()}
    model = load_checkpoint(saved(tmp_path, content)).model
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float32}


def test_a_cutoff_replaces_the_checkpoints_own(tmp_path):
    path = saved(tmp_path, authors_checkpoint(random_model(LOW_RANK)))
    assert load_checkpoint(path, cutoff=50).model.config.cutoff == 50
    with pytest.raises(CheckpointError, match="cutoff: got 255, expected 1 to 254"):
        load_checkpoint(path, cutoff=255)


def own_checkpoint(model: Hypernetwork, average: Hypernetwork, **changes: Any) -> dict[str, Any]:
    return {
        "format": "logah-checkpoint-1",
        "config": json.dumps({"hypernet": model.config.to_json(), "steps": 10}),
        "step": 10,
        "state_dict": model.state_dict(),
        "ema_state_dict": average.state_dict(),
        **changes,
    }


def test_our_checkpoint_loads_its_average_unless_told_otherwise(tmp_path):
    last, average = random_model(ALIGNED, 1), random_model(ALIGNED, 2)
    path = saved(tmp_path, own_checkpoint(last, average))
    loaded = load_checkpoint(path)
    assert (loaded.source, loaded.averaged, loaded.step) == ("logah", True, 10)
    assert loaded.model.config == ALIGNED
    assert_same_weights(loaded.model, average)
    assert_same_weights(load_checkpoint(path, ema=False).model, last)


class Malicious:
    """Unpickled carelessly, it makes a directory."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (os.mkdir, (str(self.trace),))


@pytest.mark.parametrize("key", ["args", "state_dict", "config"])
def test_no_code_of_a_checkpoint_runs(tmp_path, key):
    trace = tmp_path / "trace"
    path = saved(tmp_path, authors_checkpoint(random_model(LOW_RANK), **{key: Malicious(trace)}))
    with pytest.raises(CheckpointError, match=r"holds more than tensors and plain values .*mkdir"):
        load_checkpoint(path)
    assert not trace.exists()


def test_no_code_of_a_plain_pickle_runs(tmp_path):
    trace = tmp_path / "trace"
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps({"state_dict": Malicious(trace)}, protocol=2))
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 truncated"])
def test_a_file_that_is_no_checkpoint_is_reported(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt"):
        load_checkpoint(path)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.pt")


def changed_state(**changes: Any) -> dict[str, Any]:
    """The authors' format with tensors replaced, or removed where None; `__` stands for a dot."""
    content = authors_checkpoint(random_model(LOW_RANK))
    for name, value in changes.items():
        content["state_dict"][name.replace("__", ".")] = value
    content["state_dict"] = {name: value for name, value in content["state_dict"].items() if value is not None}
    return content


def changed_config(**changes: Any) -> dict[str, Any]:
    content = authors_checkpoint(random_model(LOW_RANK))
    content["config"] |= changes
    content["config"] = {key: value for key, value in content["config"].items() if value is not None}
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: [1, 2], "expected a mapping with string keys, got list"),
        (lambda: {"state_dict": 3}, "state_dict: got int, expected a mapping of tensors"),
        (lambda: changed_state(ln__weight="x"), "state_dict ln.weight: got str, expected a tensor"),
        (lambda: changed_state(embed__weight=None), "embed.weight: missing"),
        (
            lambda: changed_state(embed__weight=torch.zeros(16)),
            r"embed.weight: got shape \[16\], expected 2 dimensions",
        ),
        (lambda: changed_state(embed__weight=torch.zeros(16, 16)), r"embed.weight: got 16 rows, expected 15 .* or 18"),
        (lambda: changed_state(gnn__0__ln2__bias=None), "missing: encoder.layers.0.ln2.bias$"),
        (lambda: changed_state(gnn__0__surprise=torch.zeros(1)), "gnn.0.surprise: unexpected"),
        (lambda: changed_state(gnn__0__ln2__gain=torch.zeros(1)), "unexpected: encoder.layers.0.ln2.gain$"),
        (
            lambda: changed_state(gnn__1__ff__net__0__bias=torch.zeros(63)),
            r"encoder.layers.1.ff.0.bias: got shape \[63\], expected \[64\]",
        ),
        (
            lambda: changed_state(ln__bias=torch.zeros(16, dtype=torch.int64)),
            "encoder.norm.bias: got torch.int64, expected floating point",
        ),
        (
            lambda: changed_state(decoder__seq__1__bias=torch.zeros(3)),
            r"decoder.seq.1.bias: shape \[3\] differs from decoder.l2's",
        ),
        (
            lambda: changed_state(input_dist_embed__weight=torch.zeros(1001, 16)),
            "input_dist_embed.weight: came twice",
        ),
        (lambda: changed_state(gnn__gru__weight=torch.zeros(1)), "GHN-2"),
        (
            lambda: changed_state(decoder_1d__fc__0__weight=torch.zeros(1, 1)),
            "decoder_1d.fc.0.weight: .* not supported",
        ),
        (lambda: changed_config(hid=32), "config hid: got 32, but the tensors say 16"),
        (lambda: changed_config(lora_r=8), "config lora_r: got 8, but the tensors say 6"),
        (
            lambda: changed_config(num_classes=16),
            "embed_channel.weight: got 392 rows, expected 391 with num_classes 16",
        ),
        (lambda: changed_config(max_shape=None), "config max_shape: missing"),
        (lambda: changed_config(max_shape=(8, 8)), r"config max_shape: got \(8, 8\), expected 4 positive integers"),
        (lambda: changed_config(num_classes="10"), "config num_classes: got '10', expected a positive integer"),
        (lambda: changed_config(max_shape="8"), "config max_shape: got '8', expected 4 positive integers"),
        (lambda: changed_config(weight_norm=False), "config weight_norm: got False"),
        (lambda: {**changed_config(), "config": 5}, "config: got int, expected a mapping"),
        (
            lambda: own_checkpoint(random_model(LOW_RANK), random_model(LOW_RANK), format="logah-checkpoint-9"),
            "format: got 'logah-checkpoint-9', expected 'logah-checkpoint-1'",
        ),
        (
            lambda: own_checkpoint(random_model(LOW_RANK), random_model(LOW_RANK), config="{}"),
            "config: not the JSON of a training configuration",
        ),
        (
            lambda: own_checkpoint(
                random_model(LOW_RANK),
                random_model(LOW_RANK),
                config=json.dumps({"hypernet": {**LOW_RANK.to_json(), "normalization": "fan_out"}}),
            ),
            "config: normalization: got 'fan_out'; a low_rank decoder has fan_in or std",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_what_came_and_what_is_expected(tmp_path, content, message):
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(saved(tmp_path, content()))
