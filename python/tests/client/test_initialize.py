"""Modules filled in place: on the CPU, on the meta device, and sharded over ranks."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
from pathlib import Path

import client_ranks
import numpy
import pytest
import torch
from client_ranks import vit
from client_servers import SMALL_GPT2, SMALL_VIT
from torch import nn
from traced_networks import VisionTransformer
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaModel

import logah
from logah.client import Client, CoverageError, SourceError, trace
from logah.client.module.meta_buffers import materialize_buffers

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return logah.connect(server)


@pytest.fixture(scope="module")
def state(client: Client) -> dict[str, torch.Tensor]:
    return client.state_dict(SMALL_VIT)


def check_equal(module: nn.Module, state: dict[str, torch.Tensor]) -> None:
    own = module.state_dict()
    assert own.keys() == state.keys()
    assert all(torch.equal(tensor, state[name].to(tensor.dtype)) for name, tensor in own.items())


def test_a_module_keeps_its_storage(client: Client, state: dict[str, torch.Tensor]) -> None:
    module = vit()
    addresses = [parameter.data_ptr() for parameter in module.parameters()]
    report = client.initialize(module, representation="dense")
    check_equal(module, state)
    assert [parameter.data_ptr() for parameter in module.parameters()] == addresses
    coverage = client.plan(SMALL_VIT).coverage
    assert (report.predicted, report.tiled, report.initialized, report.tied) == (
        coverage.predicted,
        coverage.tiled,
        coverage.initialized,
        coverage.tied,
    )
    assert report.untouched == ()


def test_parameters_on_the_meta_device_become_real(client: Client, state: dict[str, torch.Tensor]) -> None:
    module = vit("meta")
    module.classifier.requires_grad_(False)
    client.initialize(module, frozen="predict", representation="dense")
    check_equal(module, state)
    assert not module.classifier.weight.requires_grad
    assert module.vit.layernorm.weight.requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_values_are_those_of_float32_rounded_once(
    client: Client, state: dict[str, torch.Tensor], dtype: torch.dtype
) -> None:
    module = vit(dtype=dtype)
    client.initialize(module, representation="dense")
    check_equal(module, state)
    module.classifier.float()
    client.initialize(module, representation="dense")
    check_equal(module, state)


def test_storage_that_is_not_contiguous_is_filled_too(client: Client, state: dict[str, torch.Tensor]) -> None:
    module = vit()
    module.classifier.weight = nn.Parameter(torch.randn(40, 10).T)
    client.initialize(module, representation="dense")
    check_equal(module, state)


def test_ties_are_kept(client: Client) -> None:
    for device in ("cpu", "meta"):
        with torch.device(device):
            module = GPT2LMHeadModel(GPT2Config(**SMALL_GPT2))
        report = client.initialize(module, representation="dense")
        assert module.lm_head.weight is module.transformer.wte.weight
        assert report.tied == module.lm_head.weight.numel()
        check_equal(module, client.state_dict(SMALL_GPT2))


def test_a_compiled_module_is_filled_too(client: Client, state: dict[str, torch.Tensor]) -> None:
    module = vit()
    client.initialize(torch.compile(module), representation="dense")
    check_equal(module, state)


def test_a_parameter_that_the_plan_lacks_is_an_error_that_names_it(client: Client) -> None:
    module = vit()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    module.extra = nn.Linear(2, 2)
    with pytest.raises(CoverageError, match=r"extra\.weight, extra\.bias") as caught:
        client.initialize(module, representation="dense")
    assert caught.value.names == ("extra.weight", "extra.bias")
    assert all(torch.equal(module.state_dict()[name], tensor) for name, tensor in before.items())
    report = client.initialize(module, strict=False, representation="dense")
    assert report.untouched == ("extra.weight", "extra.bias")
    module.extra.to("meta")
    with pytest.raises(CoverageError, match="meta device"):
        client.initialize(module, strict=False, representation="dense")


def test_a_tensor_that_the_module_lacks_is_an_error_that_names_it(
    client: Client, state: dict[str, torch.Tensor]
) -> None:
    module = vit()
    module.classifier = nn.Identity()
    with pytest.raises(CoverageError, match=r"classifier\.weight, classifier\.bias"):
        client.initialize(module, SMALL_VIT, representation="dense")
    client.initialize(module, SMALL_VIT, strict=False, representation="dense")
    check_equal(module, {name: tensor for name, tensor in state.items() if "classifier" not in name})


def test_a_shape_or_a_tie_that_differs_is_an_error_that_names_it(client: Client) -> None:
    module = vit()
    module.classifier.bias = nn.Parameter(torch.zeros(11))
    with pytest.raises(CoverageError, match=r'"classifier\.bias" has shape \(11,\); the plan has \(10,\)'):
        client.initialize(module, representation="dense")
    module = GPT2LMHeadModel(GPT2Config(**SMALL_GPT2))
    module.lm_head.weight = nn.Parameter(module.lm_head.weight.detach().clone())
    with pytest.raises(CoverageError, match="tie them first"):
        client.initialize(module, representation="dense")
    module = vit()
    module.vit.layernorm.weight = module.vit.layernorm.bias
    with pytest.raises(CoverageError, match="shares one parameter"):
        client.initialize(module, representation="dense")


def test_a_module_must_say_its_architecture_or_be_told(client: Client, state: dict[str, torch.Tensor]) -> None:
    module = vit()
    plain = nn.Module()
    plain.vit, plain.classifier = module.vit, module.classifier
    with pytest.raises(SourceError, match="does not say its inputs"):
        client.initialize(plain, representation="dense")
    client.initialize(plain, SMALL_VIT, representation="dense")
    check_equal(module, state)


def test_a_module_whose_class_the_server_does_not_read_is_traced(client: Client) -> None:
    body = vit("meta").vit
    report = client.initialize(body, seed=2, representation="dense")
    check_equal(body, client.state_dict(trace(body), seed=2))
    assert report.fingerprint == client.plan(body, seed=2).fingerprint
    assert report.predicted + report.tiled + report.initialized == sum(p.numel() for p in body.parameters())


def test_a_traced_module_is_the_network_of_its_configuration(client: Client) -> None:
    for module in (vit(), GPT2LMHeadModel(GPT2Config(**SMALL_GPT2))):
        assert client.plan(trace(module)).fingerprint == client.plan(module.config).fingerprint


def test_a_module_without_a_configuration_is_filled_by_its_trace(client: Client, tmp_path: Path) -> None:
    with torch.device("meta"):
        module = VisionTransformer(28, 7, 2, 2, 32, 48, 10)
    graph = trace(module, (torch.empty(1, 3, 28, 28),))
    client.initialize(module, graph, seed=3, representation="dense")
    assert not any(parameter.is_meta for parameter in module.parameters())
    with torch.no_grad():
        assert module.eval()(torch.ones(1, 3, 28, 28)).isfinite().all()
    saved = client.save(graph, tmp_path, seed=3)
    assert saved.config_path is None
    state = client.state_dict(graph, seed=3)
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())


def test_every_method_takes_a_module(
    client: Client, server: str, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    module = vit("meta")
    assert all(numpy.array_equal(array, state[name]) for name, array in client.predict(module))
    assert client.state_dict(module).keys() == state.keys()
    saved = client.save(module, tmp_path)
    assert saved.config_path is not None
    assert json.loads(saved.config_path.read_text())["architectures"] == ["ViTForImageClassification"]

    async def body() -> dict[str, torch.Tensor]:
        async with logah.aio.connect(server) as connection:
            await connection.plan(module)
            return await connection.state_dict(module.vit)

    traced = client.state_dict(module.vit)
    assert all(torch.equal(tensor, traced[name]) for name, tensor in asyncio.run(body()).items())


def test_meta_buffers_are_computed_by_their_modules_or_named() -> None:
    rope = LlamaConfig(hidden_size=16, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8, vocab_size=20)
    bert = BertConfig(hidden_size=16, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8, vocab_size=20)
    for kind, config in ((LlamaModel, rope), (BertModel, bert)):
        with torch.device("meta"):
            module = kind(config)
        materialize_buffers(module, None)
        for name, buffer in kind(config).named_buffers():
            assert torch.equal(module.get_buffer(name), buffer), name
        assert all(parameter.is_meta for parameter in module.parameters())
    with torch.device("meta"):
        norm = nn.Sequential(nn.BatchNorm1d(3))
    materialize_buffers(norm, "cpu")
    assert norm[0].running_var.tolist() == [1, 1, 1]
    norm.register_buffer("table", torch.empty(2, device="meta"))
    with pytest.raises(CoverageError, match="table"):
        materialize_buffers(norm, "cpu")
    assert norm.table.is_meta


@pytest.fixture(scope="module")
def failures(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By case: what went wrong, on any rank."""
    directory = tmp_path_factory.mktemp("ranks")
    # One process imports torch and transformers for all ranks; it never calls, so gRPC is safe to fork.
    multiprocessing.set_forkserver_preload(["client_ranks"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        patch.setenv("OMP_NUM_THREADS", "1")
        torch.multiprocessing.start_processes(
            client_ranks.run_rank, (server, str(directory)), nprocs=client_ranks.RANKS, start_method="forkserver"
        )
    found: dict[str, list[str]] = {}
    for rank in range(client_ranks.RANKS):
        for case, failure in json.loads(Path(directory, f"{rank}.json").read_text()).items():
            found.setdefault(case, []).append(f"rank {rank}: {failure}")
    return found


@pytest.mark.parametrize("case", client_ranks.CASES)
def test_ranks_together_hold_the_full_prediction(case: str, failures: dict[str, list[str]]) -> None:
    assert case not in failures, "\n".join(failures[case])
