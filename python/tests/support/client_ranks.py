"""What each rank runs in the tests of `Client.initialize` on sharded modules: one group of four processes for all."""

from __future__ import annotations

import datetime
import json
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import torch
import torch.distributed as dist
from client_servers import SMALL_GPT2, SMALL_VIT
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.testing import assert_close
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaModel,
    PreTrainedModel,
    ViTConfig,
    ViTForImageClassification,
    WhisperConfig,
    WhisperModel,
)

import logah
from logah.client import Client, RemoteError, ShardingError, trace
from logah.client.request import Representation

RANKS = 4
#: Wide enough for factors to be smaller than what they are the factors of, and of an odd number of rows.
WIDE_VIT = {**SMALL_VIT, "hidden_size": 132, "intermediate_size": 523}


#: As `Client.initialize` takes it.
Sent = Literal["auto", "dense"]


def vit(device: str = "cpu", dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    with torch.device(device):
        return ViTForImageClassification(ViTConfig(**SMALL_VIT)).to(dtype).eval()


def check_whole(module: nn.Module, state: dict[str, Tensor]) -> None:
    """Local parts, and what the ranks have together, equal the full prediction bit for bit."""
    names = set()
    for name, parameter in module.named_parameters():
        assert isinstance(parameter, DTensor)
        assert not parameter.is_meta
        assert torch.equal(parameter.full_tensor(), state[name]), name
        names.add(name)
    assert names == {
        name
        for name, tensor in state.items()
        if not any(tensor.data_ptr() == state[other].data_ptr() for other in names - {name})
    }


def whole_state(client: Client, module: nn.Module, representation: Sent, seed: int = 0) -> dict[str, Tensor]:
    """What a module that is not sharded holds afterwards; dense, what the server sends."""
    if representation == "dense":
        dtype = str(next(module.parameters()).dtype).removeprefix("torch.")
        return client.state_dict(module.config, seed=seed, dtype=dtype)  # type: ignore[arg-type, arg-type]
    client.initialize(module, seed=seed, representation=representation)
    return module.state_dict()


def sharded(client: Client, count: int, device: str, representation: Sent, dtype: torch.dtype = torch.float32) -> None:
    """FSDP2 over the first `count` ranks, each block a group of its own; then a forward pass."""
    mesh = DeviceMesh("cpu", list(range(count)))
    if dist.get_rank() >= count:
        return
    module = vit(device, dtype)
    for layer in module.vit.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(module, mesh=mesh)
    report = client.initialize(module, seed=2, representation=representation)
    name = str(dtype).removeprefix("torch.")
    sent: Representation = "core" if representation == "auto" else representation
    plan = client.plan(SMALL_VIT, seed=2, dtype=name, representation=sent)  # type: ignore[arg-type]
    assert report.fingerprint == plan.fingerprint
    state = whole_state(client, vit(dtype=dtype), representation, seed=2)
    check_whole(module, state)
    if representation == "auto":
        assert report.verify().elements > 0
    whole = vit(dtype=dtype)
    whole.load_state_dict(state)
    images = torch.linspace(-1, 1, 28 * 28, dtype=dtype).reshape(1, 1, 28, 28)
    with torch.no_grad():
        assert_close(module(images).logits, whole(images).logits)
    # The forward pass has gathered the root's parameters; what is filled now must not be thrown away with them.
    client.initialize(module, seed=3, representation=representation)
    state = whole_state(client, vit(dtype=dtype), representation, seed=3)
    check_whole(module, state)
    with torch.no_grad():
        whole.load_state_dict(state)
        assert_close(module(images).logits, whole(images).logits)


def factored(client: Client, device: str) -> None:
    """Each rank multiplies its own rows, or its own columns, of factors that it was sent whole."""
    unsharded = ViTForImageClassification(ViTConfig(**WIDE_VIT))
    client.initialize(unsharded, representation="factors")
    state = unsharded.state_dict()
    for dimension in (0, 1):
        mesh = DeviceMesh("cpu", [0, 1, 2, 3])
        with torch.device(device):
            module = ViTForImageClassification(ViTConfig(**WIDE_VIT))
        for owner in module.modules():
            for name, parameter in list(owner._parameters.items()):
                if parameter is not None:
                    placements = [Shard(dimension if parameter.ndim == 2 else 0)]
                    owner._parameters[name] = nn.Parameter(distribute_tensor(parameter.data, mesh, placements))
        client.initialize(module, representation="factors")
        check_whole(module, state)


def hybrid(client: Client, representation: Sent) -> None:
    """Two replicas of two shards."""
    module = vit("meta")
    fully_shard(module, mesh=init_device_mesh("cpu", (2, 2), mesh_dim_names=("replicate", "shard")))
    client.initialize(module, representation=representation)
    check_whole(module, whole_state(client, vit(), representation))


def one_asks(client: Client, device: str) -> None:
    """Rank 0 asks the server, and the others, which could not reach it, have the same."""
    module = vit(device)
    fully_shard(module, mesh=init_device_mesh("cpu", (RANKS,)))
    nowhere = logah.connect("127.0.0.1:1", patience=0)
    own = client if dist.get_rank() == 0 else nowhere
    report = own.initialize(module, seed=4, fetch="rank0")
    assert report.verify().worst <= 1
    check_whole(module, whole_state(client, vit(), "auto", seed=4))
    try:
        own.initialize(module, model="unknown", fetch="rank0")
    except RemoteError as error:
        assert "unknown" in str(error)
    else:
        raise AssertionError("not refused")


def tied(client: Client, device: str, representation: Sent) -> None:
    with torch.device(device):
        module = GPT2LMHeadModel(GPT2Config(**SMALL_GPT2))
    fully_shard(module, mesh=init_device_mesh("cpu", (RANKS,)))
    client.initialize(module, representation=representation)
    assert module.lm_head.weight is module.transformer.wte.weight
    whole = GPT2LMHeadModel(GPT2Config(**SMALL_GPT2)).eval()
    state = whole_state(client, whole, representation)
    check_whole(module, state)
    whole.load_state_dict(state)
    tokens = torch.arange(8).reshape(1, 8)
    with torch.no_grad():
        assert_close(module.eval()(tokens).logits, whole(tokens).logits)


def two_dimensions(client: Client, device: str, representation: Sent) -> None:
    """Parameters cut along both dimensions of a mesh, the last dimension of the patch kernel among them."""
    mesh = init_device_mesh("cpu", (2, 2))
    module = vit()
    for owner in module.modules():
        for name, parameter in list(owner._parameters.items()):
            if parameter is None:
                continue
            last = parameter.ndim - 1
            placements = [Shard(0), Shard(last)] if last and parameter.shape[0] > 1 else [Replicate(), Shard(0)]
            owner._parameters[name] = nn.Parameter(distribute_tensor(parameter.data, mesh, placements))
    if device == "meta":
        module = module.to("meta")
    client.initialize(module, representation=representation)
    check_whole(module, whole_state(client, vit(), representation))


def tensor_parallel(client: Client, device: str, representation: Sent) -> None:
    """FSDP over tensor parallelism; parameters that are not parallel have no share of the second mesh dimension."""
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("fsdp", "parallel"))
    module = vit(device)
    for layer in module.vit.layers:
        parallelize_module(layer.mlp, mesh["parallel"], {"fc1": ColwiseParallel(), "fc2": RowwiseParallel()})
    fully_shard(module, mesh=mesh["fsdp"])
    assert any(
        type(placement).__name__ == "_StridedShard" for placement in module.vit.layers[0].mlp.fc1.weight.placements
    )
    client.initialize(module, representation=representation)
    check_whole(module, whole_state(client, vit(), representation))


def emptied(client: Client) -> None:
    """FSDP2's usual order: the meta device, `fully_shard`, `to_empty`. Frozen tables and buffers are computed."""
    sizes = {"d_model": 16, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "vocab_size": 40}
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3}
    config = WhisperConfig(
        **sizes, **tokens, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=8,
        max_source_positions=20, max_target_positions=8,
    )  # fmt: skip
    with torch.device("meta"):
        module = WhisperModel(config)
    graph = trace(module)
    fully_shard(module, mesh=init_device_mesh("cpu", (RANKS,)))
    module.to_empty(device="cpu")
    report = client.initialize(module, graph, seed=2, representation="dense")
    table = "encoder.embed_positions.weight"
    assert report.kept_parameters == {table: "frozen"}
    positions = module.get_parameter(table)
    assert isinstance(positions, DTensor)
    assert torch.equal(positions.full_tensor(), WhisperModel(config).get_parameter(table))
    state = client.state_dict(graph, seed=2)
    for name, parameter in module.named_parameters():
        assert isinstance(parameter, DTensor)
        whole = parameter.full_tensor()
        padding = 0 if name == "decoder.embed_tokens.weight" else len(whole)
        if name != table:
            assert torch.equal(whole[:padding], state[name][:padding]), name
            assert torch.equal(whole[padding + 1 :], state[name][padding + 1 :]), name
    with torch.device("meta"):
        turning = LlamaModel(LlamaConfig(hidden_size=16, num_attention_heads=2, num_hidden_layers=1, vocab_size=20))
    graph = trace(turning)
    fully_shard(turning, mesh=init_device_mesh("cpu", (RANKS,)))
    turning.to_empty(device="cpu")
    turning.rotary_emb.inv_freq.fill_(1e30)
    client.initialize(turning, graph)
    assert torch.equal(turning.rotary_emb.inv_freq, LlamaModel(turning.config).rotary_emb.inv_freq)


def refused(client: Client) -> None:
    """A partial sum is no part of the tensor."""
    mesh = init_device_mesh("cpu", (RANKS,))
    module = vit()
    bias = module.classifier.bias.data
    module.classifier.bias = nn.Parameter(DTensor.from_local(bias, mesh, [Partial()]))
    try:
        client.initialize(module)
    except ShardingError as error:
        assert "classifier.bias" in str(error)
    else:
        raise AssertionError("not refused")


_FILLED: dict[str, Callable[[Client, Sent], None]] = {
    **{
        f"fsdp on {count} ranks, {device}": partial(sharded, count=count, device=device)
        for count in (1, 2, 3, 4)
        for device in ("cpu", "meta")
    },
    "fsdp in bfloat16": partial(sharded, count=3, device="meta", dtype=torch.bfloat16),
    "replicas of shards": hybrid,
    **{
        f"{name}, {device}": partial(case, device=device)
        for name, case in (
            ("tied weights", tied),
            ("fsdp over tensor parallelism", tensor_parallel),
            ("two dimensions", two_dimensions),
        )
        for device in ("cpu", "meta")
    },
}

CASES: dict[str, Callable[[Client], None]] = {
    **{
        f"{name}, {representation}": partial(case, representation=representation)
        for name, case in _FILLED.items()
        for representation in ("dense", "auto")
    },
    "factors, cpu": partial(factored, device="cpu"),
    "factors, meta": partial(factored, device="meta"),
    "one rank asks, cpu": partial(one_asks, device="cpu"),
    "one rank asks, meta": partial(one_asks, device="meta"),
    "memory that holds nothing": emptied,
    "partial sums are refused": refused,
}


def run_rank(rank: int, server: str, directory: str) -> None:
    """Runs every case; writes the trace of each that fails."""
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{directory}/rendezvous",
        rank=rank,
        world_size=RANKS,
        timeout=datetime.timedelta(seconds=20),
    )
    failures: dict[str, str] = {}
    with logah.connect(server) as client:
        for name, case in CASES.items():
            try:
                case(client)
                dist.barrier()
            except Exception:
                failures[name] = traceback.format_exc()
                break
    Path(directory, f"{rank}.json").write_text(json.dumps(failures))
    dist.destroy_process_group()
