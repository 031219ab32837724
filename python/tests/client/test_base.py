"""A weakened prediction on a random base: strength, base and noise of the network's own start, however it is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from client_servers import SMALL_GPT2, SMALL_VIT, small_plan
from golden_graphs import build

import logah
from logah.__main__ import main
from logah.client import ProtocolError, RemoteError, VerificationError
from logah.client._generated import logah_pb2
from logah.client.wire.checked_plan import check_asked, check_plan

pytestmark = pytest.mark.server

STRENGTH = 0.3
BASE = 1.0
GPT2: dict[str, Any] = {**SMALL_GPT2, "n_embd": 96, "n_layer": 2, "vocab_size": 300}
VIT: dict[str, Any] = {**SMALL_VIT, "hidden_size": 48, "intermediate_size": 96}
#: Filled by rule beside what is predicted, or drawn by a rule of its own.
BY_RULE = ("cls_token", "position_embeddings")


@pytest.mark.parametrize("config", [GPT2, VIT], ids=["GPT-2", "ViT"])
def test_all_is_nearer_to_where_transformers_starts_it_and_matrices_get_its_noise(
    server: str, config: dict[str, Any]
) -> None:
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    with logah.connect(server) as client:
        plain, half = client.state_dict(config), client.state_dict(config, strength=0.5)
        weak = client.state_dict(config, strength=STRENGTH)
        blended = client.state_dict(config, strength=STRENGTH, base=BASE, sha256=True)
    own = build(_configuration(config), device="cpu").state_dict()
    noisy = 0
    for name, before in plain.items():
        noise = blended[name] - weak[name]
        if before.dim() == 1 or name.endswith(BY_RULE):
            assert before.dim() > 1 or not noise.any(), name
            assert before.dim() > 1 or (half[name] - (own[name] + before) / 2).abs().max() <= 2**-23, name
            continue
        noisy += 1
        assert torch.equal(half[name], before / 2), name
        assert (weak[name] - STRENGTH * before).abs().max() <= 1e-6 * before.abs().max(), name
        # Five standard errors of either sample; the cut of a truncated normal takes less.
        bound = 5 / before.numel() ** 0.5
        assert abs(noise.std() / (BASE * own[name].float().std()) - 1) < 2 * bound / 2**0.5, name
        assert abs(noise.mean() / noise.std()) < bound, name
    assert noisy >= 8


def _configuration(fields: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(**fields)


def test_shards_have_the_base_of_the_whole(server: str) -> None:
    with logah.connect(server) as client:
        whole = client.state_dict(GPT2, strength=STRENGTH, base=BASE)
        parts = [client.state_dict(GPT2, strength=STRENGTH, base=BASE, shard=(index, 2)) for index in range(2)]
    for name, tensor in whole.items():
        assert torch.equal(torch.cat([part[name] for part in parts if name in part]), tensor), name


@pytest.mark.parametrize("representation", ["auto", "dense"])
def test_a_module_is_filled_with_a_weak_prediction_on_its_base(server: str, representation: Any) -> None:
    transformers = pytest.importorskip("transformers")
    module = transformers.GPT2LMHeadModel(_configuration(GPT2))
    with logah.connect(server) as client:
        report = client.initialize(module, strength=STRENGTH, base=BASE, seed=3, representation=representation)
        expected = client.state_dict(module, strength=STRENGTH, base=BASE, seed=3)
    assert (report.strength, report.base, report.lift) == (STRENGTH, BASE, 0)
    for name, value in module.state_dict().items():
        error = 0 if representation == "dense" else 1e-6
        assert (value - expected[name]).abs().max() <= error * expected[name].abs().max(), name
    if representation == "dense":
        return
    assert report.verify().worst <= 1
    with torch.no_grad():
        module.transformer.wpe.weight.mul_(1.02)
    with pytest.raises(VerificationError, match=r"wpe\.weight"):
        report.verify()


@pytest.mark.parametrize("representation", ["core", "factors"])
def test_strength_alone_is_sent_in_every_form(server: str, representation: Any) -> None:
    with logah.connect(server) as client:
        dense = client.state_dict(GPT2, strength=STRENGTH)
        plan = client.plan(GPT2, strength=STRENGTH, representation=representation)
        expanded = client.state_dict(GPT2, strength=STRENGTH, representation=representation)
    assert plan.total_bytes < plan.dense_bytes
    for name, tensor in dense.items():
        assert (expanded[name] - tensor).abs().max() <= 1e-6 * tensor.abs().max(), name


def test_a_strength_of_one_and_no_base_are_what_it_was(server: str) -> None:
    with logah.connect(server) as client:
        plain, none = client.plan(GPT2), client.plan(GPT2, strength=1, base=0)
        blended = client.plan(GPT2, strength=STRENGTH, base=BASE)
    assert plain == none
    assert (plain.strength, plain.base, blended.strength, blended.base) == (1, 0, STRENGTH, BASE)
    assert plain.fingerprint != blended.fingerprint
    assert {tensor.rank for tensor in blended.tensors} == {0}
    assert plain.seeded_elements < blended.seeded_elements


def test_the_command_line_has_both(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(GPT2))
    flags = ["predict", str(config), "--server", server, "--quiet"]
    blended = ["--strength", "0.3", "--base", "1"]
    assert main([*flags, "--out", str(tmp_path / "out"), *blended, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["strength"], report["base"]) == (STRENGTH, BASE)
    for wrong, text in (
        (["--strength", "0"], "expected a number above 0 and at most 10"),
        (["--base", "11"], "expected a number from 0 to 10"),
    ):
        with pytest.raises(SystemExit):
            main([*flags, "--out", str(tmp_path / "none"), *wrong])
        assert text in capsys.readouterr().err


@pytest.mark.parametrize("strength", [0.0, -1.0, 10.5, float("nan"), float("inf")])
def test_a_strength_beyond_bounds_is_refused(server: str, strength: float) -> None:
    message = r"strength: is .*; above 0 and at most 10 is allowed"
    with logah.connect(server) as client, pytest.raises(RemoteError, match=message):
        client.plan(GPT2, strength=strength)


@pytest.mark.parametrize("base", [-1.0, 10.5, float("nan"), float("inf")])
def test_a_base_beyond_bounds_is_refused(server: str, base: float) -> None:
    with logah.connect(server) as client, pytest.raises(RemoteError, match=r"base: is .*; 0 to 10 is allowed"):
        client.plan(GPT2, base=base)


def test_a_plan_must_have_what_was_asked_for() -> None:
    plan, asked = small_plan(), logah_pb2.PredictRequest(strength=STRENGTH, base=BASE)
    assert (check_plan(plan).strength, check_plan(plan).base) == (1, 0)
    with pytest.raises(ProtocolError, match=r"plan\.strength is 1\.0, expected 0\.3"):
        check_asked(plan, asked)
    plan.strength = STRENGTH
    with pytest.raises(ProtocolError, match=r"plan\.base is 0\.0, expected 1\.0"):
        check_asked(plan, asked)
    plan.base = BASE
    assert check_asked(plan, asked).base == BASE
    with pytest.raises(ProtocolError, match=r"plan\.strength"):
        check_plan(plan)
