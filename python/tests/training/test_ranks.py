"""Training in two processes over gloo, as torchrun starts them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import training_ranks
import yaml
from minute import MINUTE_GPT2, bright_images
from torch import Tensor

from logah.errors import DeviceError, ResumeError
from logah.targets.vit import VitTask
from logah.training.ranks import stream_seed, torchrun_ranks
from logah.training.train import Trainer

LINE = "And God said, Let there be light: and there was light.\n"


def torchrun(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    paths = os.pathsep.join(path for path in sys.path if path)
    result = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both ranks ran every case."""
    path = tmp_path_factory.mktemp("ranks")
    torchrun(training_ranks.__file__, str(path))
    return path


@pytest.fixture(scope="module")
def found(directory: Path) -> list[dict[str, dict[str, Any]]]:
    """What each rank found, by case."""
    return [torch.load(directory / f"{rank}.pt", weights_only=True) for rank in range(training_ranks.COUNT)]


def assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    for name, tensor in a.items():
        assert torch.equal(tensor, b[name]), name


def test_ranks_end_with_equal_weights(found: list[dict[str, dict[str, Any]]]) -> None:
    first, second = found
    assert_equal(first["whole"]["state"], second["whole"]["state"])
    assert_equal(first["whole"]["ema"], second["whole"]["ema"])


def test_a_run_of_two_ranks_is_another_than_that_of_one(found: list[dict[str, dict[str, Any]]], tmp_path: Path) -> None:
    alone = Trainer(training_ranks.CONFIG, VitTask(bright_images()), tmp_path)
    alone.run()
    weight = "decoder.l2.weight"
    assert not torch.allclose(alone.model.state_dict()[weight], found[0]["whole"]["state"][weight])
    assert stream_seed(1, 0) == 1
    assert len({stream_seed(seed, rank) for seed in (1, 2) for rank in range(8)}) == 16


def test_two_ranks_that_were_stopped_go_on_to_the_same_weights(found: list[dict[str, dict[str, Any]]]) -> None:
    for rank in found:
        assert rank["in_parts"]["resumed_at"] == 10
        assert_equal(rank["in_parts"]["state"], rank["whole"]["state"])


def test_the_first_rank_alone_validates_and_writes(found: list[dict[str, dict[str, Any]]], directory: Path) -> None:
    assert [rank["whole"]["validations"] for rank in found] == [3, 0]
    assert sorted(path.name for path in (directory / "whole").iterdir()) == [
        "best.pt",
        "checkpoint.pt",
        "curves.png",
        "log.csv",
        "validation.csv",
    ]
    assert [line.split(",")[0] for line in (directory / "whole/validation.csv").read_text().splitlines()] == [
        "step",
        "10",
        "20",
        "30",
    ]


def test_a_weight_that_some_ranks_do_not_use_has_a_mean_gradient_and_one_that_none_uses_has_none(
    found: list[dict[str, dict[str, Any]]],
) -> None:
    for rank in found:
        both, one, none = rank["gradients"]["gradients"]
        assert both.tolist() == [2.0, 2.0]
        assert one.tolist() == [1.5, 1.5]
        assert none is None
        assert rank["gradients"]["values"] == [0.5, 5.0]


def test_a_loss_that_is_not_finite_on_one_rank_skips_the_step_on_all(found: list[dict[str, dict[str, Any]]]) -> None:
    for rank in found:
        assert "3 steps in a row" in rank["one_rank_not_finite"]["message"]
        assert rank["one_rank_not_finite"]["moved"] == []
        assert rank["one_rank_not_finite"]["skipped"] == 3


def test_another_number_of_ranks_does_not_go_on_from_the_checkpoint(
    found: list[dict[str, dict[str, Any]]], directory: Path
) -> None:
    with pytest.raises(ResumeError, match="written by 2 ranks, this run has 1; start it with --nproc-per-node 2"):
        Trainer(training_ranks.CONFIG, VitTask(bright_images()), directory / "whole")


def test_the_command_trains_two_ranks_on_a_text_of_ones_own(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{number} {LINE}" for number in range(600)))
    configuration = {
        **MINUTE_GPT2,
        "space": {**MINUTE_GPT2["space"], "vocab_size": 300},
        "data": {"text": str(text)},
        "cycles": [[20, 5.0e-3]],
        "validation": {"limit": 100, "networks": [{"width": 24, "layers": 1, "context": 16, "heads": 3}]},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(configuration))
    out = tmp_path / "out"
    arguments = ("-m", "logah", "train", str(tmp_path / "run.yaml"), "--out", str(out), "--device", "cpu")
    result = torchrun(*arguments, LOGAH_CACHE=str(tmp_path / "cache"))
    assert result.stdout.splitlines() == [str(out / "checkpoint.pt")]
    # One bar of progress, with the loss, the speed and the time left.
    assert result.stderr.count(" 0/20 steps") == 1
    assert re.search(r"20/20 steps, .* left, .* steps/s.* loss=", result.stderr)
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "best.pt").exists()
    assert sorted(path.name for path in (out / "tokenizer").iterdir()) == ["tokenizer.json", "tokenizer_config.json"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused_and_auto_takes_the_cpu() -> None:
    with pytest.raises(DeviceError, match="--device cuda: process 0 of this machine has no CUDA device; there are 0"):
        with torchrun_ranks("cuda"):
            pass
    with torchrun_ranks("auto") as (ranks, device):
        assert (ranks.count, device.type) == (1, "cpu")
