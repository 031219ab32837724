"""Modules filled in place from cores, which torch expands."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import pytest
import torch
from client_ranks import vit
from client_servers import SMALL_GPT2, SMALL_VIT
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

import logah
from logah.client import Client, RequestError, VerificationError
from logah.client.cores import Recipe, TensorCores
from logah.client.module.local_box import LocalBox
from logah.client.module.torch_expansion import fill_from_cores
from logah.client.module.verification import ExpectedElements
from logah.client.wire.core_data import CoreExpansion, block_data
from logah.client.wire.core_tensor import CoreTensor
from logah.client.wire.draws.rules import FillRule
from logah.client.wire.element_type import element_type_named
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.plan import CoreBlock, Expansion, TensorPlan

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return logah.connect(server)


def gpt2(device: str = "cpu", dtype: torch.dtype = torch.float32) -> nn.Module:
    with torch.device(device):
        return GPT2LMHeadModel(GPT2Config(**SMALL_GPT2)).to(dtype)


@pytest.mark.parametrize("kind", ["vit", "gpt2"])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_values_are_those_of_the_dense_prediction(client: Client, kind: str, device: str) -> None:
    module = vit(device) if kind == "vit" else gpt2(device)
    client.initialize(module, seed=3)
    state = client.state_dict(SMALL_VIT if kind == "vit" else SMALL_GPT2, seed=3)
    for name, tensor in module.state_dict().items():
        largest = state[name].abs().max()
        assert (tensor - state[name]).abs().max() <= 1e-6 * largest, name


@pytest.mark.parametrize("representation", ["core", "factors", "dense"])
def test_a_default_device_is_none_of_its_business(
    client: Client, representation: Literal["core", "factors", "dense"]
) -> None:
    expected, module = gpt2(), gpt2()
    client.initialize(expected, seed=3, representation=representation)
    # Of all devices the one that no number survives.
    with torch.device("meta"):
        client.initialize(module, seed=3, representation=representation)
    for own, other in zip(module.parameters(), expected.parameters(), strict=True):
        assert torch.equal(own, other)


@pytest.mark.parametrize("model", ["", "default"])
def test_cores_are_expanded_to_the_dense_prediction_by_a_recipe_for_all_layers(client: Client, model: str) -> None:
    cores = client.cores(SMALL_GPT2, seed=3, model=model)
    assert len({tensor.recipe for tensor in cores.tensors.values()}) < len(cores.tensors)
    dense = dict(client.predict(SMALL_GPT2, seed=3, model=model))
    for name, expected in dense.items():
        tensor = cores.tensors[name]
        values = tensor.recipe.expand(tensor.arrays, cores.layer)
        assert values.shape == expected.shape and np.abs(values - expected).max() <= 1e-6 * np.abs(expected).max(), name
    assert cores.tensors["lm_head.weight"] is cores.tensors["transformer.wte.weight"]


@pytest.mark.parametrize("threads", [1, 3])
def test_bits_do_not_depend_on_threads(client: Client, threads: int) -> None:
    expected, module = gpt2(), gpt2()
    client.initialize(expected, seed=3)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        client.initialize(module, seed=3)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for (name, value), other in zip(expected.named_parameters(), module.parameters(), strict=True):
        assert torch.equal(value, other), name


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_values_are_rounded_once(client: Client, dtype: torch.dtype) -> None:
    wide, narrow = vit(), vit(dtype=dtype)
    client.initialize(wide)
    client.initialize(narrow)
    for (name, exact), rounded in zip(wide.named_parameters(), narrow.parameters(), strict=True):
        assert torch.equal(exact.to(dtype), rounded), name


def test_what_the_caller_set_for_speed_changes_no_bit(client: Client) -> None:
    usual, hurried = vit(), vit()
    client.initialize(usual)
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16):
            client.initialize(hurried)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert all(torch.equal(a, b) for a, b in zip(usual.parameters(), hurried.parameters(), strict=True))


def test_a_module_keeps_its_storage_and_its_strides(client: Client) -> None:
    module, other = vit(), vit()
    other.classifier.weight = nn.Parameter(torch.randn(40, 10).T)
    addresses = [parameter.data_ptr() for parameter in module.parameters()]
    client.initialize(module)
    client.initialize(other)
    assert [parameter.data_ptr() for parameter in module.parameters()] == addresses
    assert torch.equal(module.classifier.weight, other.classifier.weight)
    assert not other.classifier.weight.is_contiguous()


def test_what_is_held_is_verified(client: Client) -> None:
    module = gpt2(dtype=torch.bfloat16)
    report = client.initialize(module, seed=1)
    verification = report.verify()
    assert verification.tensors == len(list(module.parameters()))
    assert 0 < verification.worst <= 1
    assert report.verify(seed=7).elements == verification.elements
    with torch.no_grad():
        module.transformer.ln_f.weight.mul_(1.02)
    with pytest.raises(VerificationError, match=r"ln_f\.weight"):
        report.verify()
    client.initialize(module, seed=1)
    with torch.no_grad():
        module.transformer.h[0].mlp.c_fc.weight.mul_(1.02)
        module.transformer.wpe.weight[:] = module.transformer.wpe.weight.roll(1, 0)
    with pytest.raises(VerificationError) as caught:
        report.verify()
    assert set(caught.value.names) == {"transformer.h.0.mlp.c_fc.weight", "transformer.wpe.weight"}


def test_one_rank_cannot_ask_for_others_where_there_are_none(client: Client) -> None:
    with pytest.raises(RequestError, match="init_process_group"):
        client.initialize(vit(), fetch="rank0")
    with pytest.raises(RequestError, match="whole network"):
        client.initialize(vit(), fetch="rank0", representation="dense")


RANK, ROWS = 4, 64
LAYER = ExpansionLayer(
    torch.randn(ROWS, RANK, generator=torch.Generator().manual_seed(1)).numpy(),
    torch.randn(ROWS, generator=torch.Generator().manual_seed(2)).numpy(),
)
EXPANSION = CoreExpansion(element_type_named("float32"), Expansion("", ROWS, RANK), LAYER)


def tensor_of(shape: tuple[int, ...], blocks: tuple[CoreBlock, ...], view: tuple[int, ...] = ()) -> TensorPlan:
    size = sum(block.bytes(EXPANSION.expansion, 4) for block in blocks)
    return TensorPlan(
        "t", shape, "predicted", 0, size, 0, "", True, 0, 0, 0, (0,) * len(shape), shape, (), blocks, view
    )


def product(layout: str, place: tuple[int, int, int, int], m: int, n: int, h: int = 0, w: int = 0) -> CoreBlock:
    row, rows, column, columns = place
    return CoreBlock(row, rows, column, columns, layout, m, n, h, w, 0, 0)


def lifted(block: CoreBlock) -> CoreBlock:
    return dataclasses.replace(block, lifted=True)


def rule(of: FillRule, place: tuple[int, int, int, int]) -> CoreBlock:
    return dataclasses.replace(product("rule", place, 0, 0), rule=of)


TENSORS = [
    tensor_of((7, 9), (product("matrix", (0, 7, 0, 9), 7, 9),)),
    # Repeated in both directions, and two blocks beside each other.
    tensor_of(
        (600, 1100), (product("matrix", (0, 600, 0, 700), 50, 60), product("matrix", (0, 600, 700, 400), 64, 64))
    ),
    tensor_of((3, 8, 5), (product("matrix", (0, 12, 0, 10), 12, 10),), (12, 10)),
    tensor_of((6, 4, 3, 2), (product("kernel", (0, 6, 0, 24), 18, 8, 3, 2),)),
    tensor_of((1, 12, 6), (product("positions", (0, 12, 0, 6), 3, 18),)),
    tensor_of((300, 40), (product("matrix_transposed", (0, 300, 0, 40), 30, 50),)),
    # Noise, on rows whose length no block of random words divides.
    tensor_of((50, 2051), (lifted(product("matrix", (0, 50, 0, 2051), 50, 60)),)),
    tensor_of((7, 4, 3, 3), (lifted(product("kernel", (0, 7, 0, 36), 21, 12, 3, 3)),)),
    # Below and beside what is drawn.
    tensor_of(
        (90, 33), (rule(FillRule("truncated_normal", 0.9), (0, 70, 0, 33)), product("matrix", (70, 20, 0, 33), 20, 33))
    ),
    tensor_of((9, 33), (product("matrix", (0, 9, 0, 20), 9, 20), rule(FillRule("uniform", bound=1), (0, 9, 20, 13)))),
]


def sent_for(tensor: TensorPlan) -> NDArray[np.uint8]:
    sent = torch.randn(tensor.bytes // 4, generator=torch.Generator().manual_seed(tensor.bytes)).numpy()
    sent = sent.copy()
    at = 0
    for block in tensor.core:
        if block.has_scale:
            sent[at : at + 2].view("<f8")[0] = 0.5
        if block.lifted:
            sent[at + 2 : at + 4].view("<f8")[0] = 0.25
        at += block.bytes(EXPANSION.expansion, 4) // 4
    return sent.view(np.uint8)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_part_of_any_tensor_has_the_bits_of_the_whole(data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(TENSORS))
    sent = sent_for(tensor)
    whole = torch.full(tensor.shape, torch.nan)
    fill_from_cores(whole, LocalBox((0,) * len(tensor.shape), tensor.shape), tensor, sent, EXPANSION)
    assert not whole.isnan().any()
    starts = [data.draw(st.integers(0, size - 1)) for size in tensor.shape]
    sizes = [data.draw(st.integers(1, size - start)) for size, start in zip(tensor.shape, starts, strict=True)]
    part = torch.full(sizes, torch.nan)
    fill_from_cores(part, LocalBox(tuple(starts), tuple(sizes)), tensor, sent, EXPANSION)
    cut = tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))
    assert torch.equal(part, whole[cut])


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda tensor: str(tensor.shape))
def test_what_is_filled_agrees_with_numpy_and_is_verified(tensor: TensorPlan) -> None:
    sent = sent_for(tensor)
    whole = LocalBox((0,) * len(tensor.shape), tensor.shape)
    filled = torch.full(tensor.shape, torch.nan)
    fill_from_cores(filled, whole, tensor, sent, EXPANSION)
    array = np.empty(tensor.matrix_view, np.float32)
    by_numpy = CoreTensor(tensor, sent, EXPANSION.element_type, EXPANSION.expansion, LAYER)
    by_numpy.fill(array)
    tiles = np.concatenate([tile.copy() for _, tile in by_numpy.tiles()])
    expected, tolerance = ExpectedElements(tensor, sent, EXPANSION).at(np.arange(tensor.elements))
    ways = [filled.numpy(), array, tiles]
    if not any(block.lifted for block in tensor.core):
        read = block_data(tensor, sent, EXPANSION.element_type, EXPANSION.expansion)
        recipe = Recipe(tensor.shape, tensor.matrix_view, tensor.core)
        cores = TensorCores("t", recipe, tuple(data for _, data in read))
        ways.append(recipe.expand(cores.arrays, (LAYER.weight, LAYER.bias)))
        assert ways[-1].shape == tensor.shape and ways[-1].dtype == np.float32
    for values in ways:
        assert (np.abs(values.reshape(-1) - expected) <= tolerance + 2**-24 * np.abs(expected)).all()
