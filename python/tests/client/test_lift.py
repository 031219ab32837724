"""A lifted prediction differs from the plain one by seeded noise of the right size, however it is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from client_servers import SMALL_GPT2, SMALL_VIT, small_plan

import logah
from logah.__main__ import main
from logah.client import ProtocolError, RemoteError, VerificationError
from logah.client._generated import logah_pb2
from logah.client.request import predict_request
from logah.client.source import read_source
from logah.client.wire.checked_plan import check_plan
from logah.client.wire.prediction_stream import DataEvent

pytestmark = pytest.mark.server

LIFT = 0.5
GPT2: dict[str, Any] = {**SMALL_GPT2, "n_embd": 96, "vocab_size": 300}


def test_matrices_get_noise_of_so_many_deviations_and_vectors_none(server: str) -> None:
    with logah.connect(server) as client:
        plain = client.state_dict(GPT2)
        lifted = client.state_dict(GPT2, lift=LIFT, strict=True, sha256=True)
        seeded = client.state_dict(GPT2, lift=LIFT, seed=1)
    assert plain.keys() == lifted.keys()
    for name, before in plain.items():
        noise = lifted[name] - before
        if before.dim() == 1:
            assert not noise.any(), name
            continue
        # Three matrices, decoded apart, are in one tensor.
        parts = 3 if name.endswith("c_attn.weight") else 1
        for block, of_block in zip(before.chunk(parts, 1), noise.chunk(parts, 1), strict=True):
            # Five standard errors.
            bound = 5 / block.numel() ** 0.5
            assert abs(of_block.mean() / (LIFT * block.std())) < bound, name
            assert abs(of_block.std() / (LIFT * block.std()) - 1) < bound / 2**0.5, name
        other = seeded[name] - before
        assert abs(torch.corrcoef(torch.stack([noise.flatten(), other.flatten()]))[0, 1]) < 5 / before.numel() ** 0.5


def test_no_lift_is_what_it_was(server: str) -> None:
    with logah.connect(server) as client:
        plain, none = client.plan(GPT2), client.plan(GPT2, lift=0)
        lifted = client.plan(GPT2, lift=LIFT)
    assert plain == none
    assert (plain.lift, lifted.lift) == (0, LIFT)
    assert plain.fingerprint != lifted.fingerprint
    assert {tensor.rank for tensor in lifted.tensors} == {0}


def test_a_stream_that_goes_on_has_the_same_noise(server: str) -> None:
    with logah.connect(server) as client:
        whole = predict_request(read_source(GPT2), lift=LIFT)
        plan = client.plan_request(whole)
        data = b"".join(event.data for event in client.events(whole) if isinstance(event, DataEvent))
        whole.resume.fingerprint = plan.fingerprint
        whole.resume.offset = plan.total_bytes // 2 + 1
    with grpc.insecure_channel(server) as channel:
        predict = channel.unary_stream(
            "/logah.v1.LogahService/Predict",
            request_serializer=logah_pb2.PredictRequest.SerializeToString,
            response_deserializer=logah_pb2.PredictResponse.FromString,
        )
        rest = b"".join(message.chunk.data for message in predict(whole))
    assert data[plan.total_bytes // 2 + 1 :] == rest


def test_shards_have_the_noise_of_the_whole(server: str) -> None:
    with logah.connect(server) as client:
        whole = client.state_dict(GPT2, lift=LIFT)
        parts = [client.state_dict(GPT2, lift=LIFT, shard=(index, 2)) for index in range(2)]
    for name, tensor in whole.items():
        assert torch.equal(torch.cat([part[name] for part in parts if name in part]), tensor), name


def test_a_module_is_filled_with_what_is_lifted(server: str) -> None:
    transformers = pytest.importorskip("transformers")
    module = transformers.ViTForImageClassification(transformers.ViTConfig(**SMALL_VIT))
    with logah.connect(server) as client:
        report = client.initialize(module, lift=LIFT, seed=3)
        expected = client.state_dict(module, lift=LIFT, seed=3)
    assert report.lift == LIFT
    for name, value in module.state_dict().items():
        assert (value - expected[name]).abs().max() <= 1e-6 * expected[name].abs().max(), name
    assert report.verify().worst <= 1
    with torch.no_grad():
        module.classifier.weight.mul_(1.02)
    with pytest.raises(VerificationError, match=r"classifier\.weight"):
        report.verify()


def test_the_command_line_lifts(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(GPT2))
    flags = ["predict", str(config), "--server", server, "--quiet"]
    assert main([*flags, "--out", str(tmp_path / "out"), "--lift", "0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lift"] == LIFT
    with pytest.raises(SystemExit):
        main([*flags, "--out", str(tmp_path / "none"), "--lift", "11"])
    assert "expected a number from 0 to 10" in capsys.readouterr().err


@pytest.mark.parametrize("lift", [-1.0, 10.5, float("nan"), float("inf")])
def test_a_lift_beyond_bounds_is_refused(server: str, lift: float) -> None:
    with logah.connect(server) as client, pytest.raises(RemoteError, match=r"lift: is .*; 0 to 10 is allowed"):
        client.plan(GPT2, lift=lift)


def test_noise_has_no_factors(server: str) -> None:
    with (
        logah.connect(server) as client,
        pytest.raises(
            RemoteError, match=r"representation: is .* together with lift 0\.5; only REPRESENTATION_DENSE and"
        ),
    ):
        client.plan(GPT2, lift=LIFT, representation="factors")


def test_a_plan_must_have_the_lift_that_was_asked_for() -> None:
    plan = small_plan()
    assert check_plan(plan).lift == 0
    with pytest.raises(ProtocolError, match=r"plan\.lift"):
        check_plan(plan, lift=LIFT)
    plan.lift = LIFT
    assert check_plan(plan, lift=LIFT).lift == LIFT
    with pytest.raises(ProtocolError, match=r"plan\.lift"):
        check_plan(plan)
