"""Factors expanded by the client: by the contract's definition, and against the real server's dense prediction."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import grpc
import numpy as np
import pytest
import torch
from client_servers import (
    REPOSITORY,
    SMALL_GPT2,
    SMALL_VIT,
    chunk_message,
    fake_server,
    plan_message,
    run_node,
    summary_message,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file
from transformers import GPT2Config, GPT2LMHeadModel

import logah
from logah.__main__ import main
from logah.client import Client, ProtocolError, RemoteError, RequestError
from logah.client._generated import logah_pb2
from logah.client.request import Representation
from logah.client.wire import factored_tensor
from logah.client.wire.checked_plan import check_plan
from logah.client.wire.element_type import ELEMENT_TYPES, DtypeName, element_type_named
from logah.client.wire.factored_tensor import FactoredTensor
from logah.client.wire.plan import FactorBlock, TensorPlan

CONFIG = {"model_type": "vit"}
#: Wide enough for factors to be smaller than their product; the table of tokens repeats its rows.
WIDE_VIT = {**SMALL_VIT, "hidden_size": 132, "intermediate_size": 523}
WIDE_GPT2 = {**SMALL_GPT2, "n_embd": 96, "vocab_size": 3001}
DTYPES: tuple[DtypeName, ...] = ("float32", "float16", "bfloat16")
#: What rounding can add to the 1e-6 by which products may differ, relative to a value.
ROUNDING = {"float32": 0.0, "float16": 2**-10, "bfloat16": 2**-7}


def tensor_plan(shape: tuple[int, int], blocks: tuple[FactorBlock, ...]) -> TensorPlan:
    count = sum((block.m + block.n) * block.rank for block in blocks)
    elements = shape[0] * shape[1]
    return TensorPlan("w", shape, "tiled", 1, 4 * count, 0, "", True, elements, 0, 0, (0, 0), shape, blocks)


def by_definition(shape: tuple[int, int], blocks: tuple[FactorBlock, ...], values: NDArray[np.float32]) -> np.ndarray:
    dense = np.full(shape, np.nan)
    at = 0
    for block in blocks:
        a = values[at : at + block.m * block.rank].reshape(block.m, -1).astype(float)
        at += a.size
        b = values[at : at + block.n * block.rank].reshape(block.n, -1).astype(float)
        at += b.size
        for p in range(block.rows):
            for q in range(block.columns):
                dense[block.row + p, block.column + q] = a[p % block.m] @ b[q % block.n]
    return dense


@st.composite
def factored(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[FactorBlock, ...]]:
    """A shape, and blocks side by side or one below the other that cover it."""
    rank, across = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    beside = draw(st.booleans())
    blocks, at = [], 0
    for length in draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)):
        rows, columns = (across, length) if beside else (length, across)
        row, column = (0, at) if beside else (at, 0)
        m, n = draw(st.integers(1, rows)), draw(st.integers(1, columns))
        blocks.append(FactorBlock(row, rows, column, columns, m, n, rank))
        at += length
    return (across, at) if beside else (at, across), tuple(blocks)


def values_for(blocks: tuple[FactorBlock, ...]) -> NDArray[np.float32]:
    count = sum((block.m + block.n) * block.rank for block in blocks)
    return ((np.arange(count) * 37 + 5) % 19 - 9).astype(np.float32)


@given(factored(), st.integers(1, 40), st.data())
def test_every_element_is_as_the_contract_defines_it(
    matrix: tuple[tuple[int, int], tuple[FactorBlock, ...]], tile_elements: int, data: st.DataObject
) -> None:
    shape, blocks = matrix
    first = data.draw(st.integers(0, shape[0] - 1))
    last = data.draw(st.integers(first + 1, shape[0]))
    values = values_for(blocks)
    expected = by_definition(shape, blocks, values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factored_tensor, "TILE_ELEMENTS", tile_elements)
        tensor = FactoredTensor(tensor_plan(shape, blocks), values.view(np.uint8))
        seen = []
        for row, tile in tensor.tiles(first, last):
            assert tile.shape[1] == shape[1]
            assert len(tile) == 1 or tile.size <= tile_elements
            np.testing.assert_array_equal(tile, expected[row : row + len(tile)])
            seen += range(row, row + len(tile))
    assert set(range(first, last)) <= set(seen)
    assert len(seen) == len(set(seen))


def test_numbers_are_rounded_as_numpy_and_torch_do() -> None:
    cases = json.loads((REPOSITORY / "test/fixtures/numbers/conversions.json").read_text())
    values = np.array(cases["f32"], np.uint32).view(np.float32)
    for name, key in (("float16", "f16"), ("bfloat16", "bf16")):
        rounded = element_type_named(name).rounded(values)
        expected = np.array(cases[key], np.uint16)
        # Which NaN a NaN becomes is up to the machine.
        narrow = {"float16": torch.float16, "bfloat16": torch.bfloat16}[name]
        is_nan = torch.from_numpy(expected).view(narrow).isnan().numpy()
        np.testing.assert_array_equal(rounded.view(np.uint16)[~is_nan], expected[~is_nan])
        assert torch.from_numpy(rounded.view(np.uint16)).view(narrow).isnan().numpy()[is_nan].all()
    assert ELEMENT_TYPES[0].rounded(values) is values


#: Two blocks one below the other, both repeated: w [5, 4] between a [3] and z [2].
BLOCKS = (FactorBlock(0, 3, 0, 4, 2, 4, 2), FactorBlock(3, 2, 0, 4, 1, 3, 2))
FACTORS = values_for(BLOCKS)


def factor_plan() -> logah_pb2.Plan:
    plan = logah_pb2.Plan(model="fake", fingerprint="f00d", dtype=logah_pb2.DATA_TYPE_FLOAT32)
    for name, shape, size in (("a", (3,), 12), ("w", (5, 4), FACTORS.nbytes), ("z", (2,), 8)):
        tensor = plan.tensors.add(name=name, shape=shape, source=logah_pb2.SOURCE_PREDICTED, bytes=size, sent=True)
        tensor.offset = plan.total_bytes
        tensor.predicted_elements = int(np.prod(shape))
        tensor.sent_start.extend([0] * len(shape))
        tensor.sent_shape.extend(shape)
        plan.total_bytes += size
    for block in BLOCKS:
        plan.tensors[1].factors.add(**vars(block))
    plan.coverage.CopyFrom(logah_pb2.Coverage(parameters=25, predicted=25))
    plan.dense_bytes, plan.factor_bytes = 100, plan.total_bytes
    return plan


FACTOR_DATA = bytes(12) + FACTORS.tobytes() + bytes([1] * 8)


def answer(
    request: logah_pb2.PredictRequest, context: grpc.ServicerContext | None = None
) -> Iterator[logah_pb2.PredictResponse]:
    """Chunks of 7 bytes; the first stream breaks off in the midst of the factors."""
    start, plan = request.resume.offset, factor_plan()
    yield plan_message(plan)
    for first, last in pairwise([*range(start, len(FACTOR_DATA), 7), len(FACTOR_DATA)]):
        if context is not None and start == 0 and first > 40:
            context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
        yield chunk_message(first, FACTOR_DATA[first:last])
    yield summary_message(plan, FACTOR_DATA, start)


def test_a_stream_of_factors_gives_the_dense_tensors_even_where_it_breaks_off(tmp_path: Path) -> None:
    with fake_server(answer) as fake, logah.connect(fake.address) as client:
        arrays = dict(client.predict(CONFIG, representation="factors"))
        assert [request.resume.offset for request in fake.requests] == [0, 42]
        saved = client.save(CONFIG, tmp_path, representation="factors")
    assert fake.requests[0].representation == logah_pb2.REPRESENTATION_FACTORS
    np.testing.assert_array_equal(arrays["w"], by_definition((5, 4), BLOCKS, FACTORS))
    assert saved.plan.total_bytes == 100
    loaded = load_file(saved.path)
    assert list(arrays) == ["a", "w", "z"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_a_byte_changed_in_factors_is_noticed_and_no_file_is_left(tmp_path: Path) -> None:
    def predict(
        request: logah_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> Iterator[logah_pb2.PredictResponse]:
        for message in answer(request):
            if message.chunk.offset == 21:
                message.chunk.data = bytes(7)
            yield message

    with fake_server(predict) as fake, logah.connect(fake.address) as client:
        with pytest.raises(ProtocolError, match='CRC-32 of "w"'):
            client.save(CONFIG, tmp_path / "out", representation="factors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [{"rows": 2}, {"row": 1}, {"rank": 0, "m": 0}, {"columns": 3}, {"column": -1}, {"rows": 5}],
    ids=str,
)
def test_factors_that_do_not_cover_their_matrix_are_refused(change: dict[str, int]) -> None:
    plan = factor_plan()
    tensor = plan.tensors[1]
    for name, value in change.items():
        setattr(tensor.factors[0], name, value)
    size = sum((block.m + block.n) * block.rank * 4 for block in tensor.factors)
    plan.total_bytes += size - tensor.bytes
    plan.tensors[2].offset += size - tensor.bytes
    tensor.bytes = size
    with pytest.raises(ProtocolError, match=r"factors is 2 blocks, expected blocks that cover \(5, 4\)"):
        check_plan(plan)


def test_a_representation_that_no_request_can_carry_is_refused() -> None:
    with logah.connect("127.0.0.1:1") as client, pytest.raises(RequestError, match="dense, factors, core"):
        client.predict(CONFIG, representation="tiles")  # type: ignore[typeddict-item]


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return logah.connect(server)


def floats(array: NDArray[np.generic]) -> NDArray[np.float64]:
    """Of any element type."""
    if array.dtype == np.uint16:
        return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return array.astype(np.float64)


@pytest.mark.server
@pytest.mark.parametrize("representation", ["factors", "core"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("config", [WIDE_VIT, WIDE_GPT2], ids=["vit", "gpt2"])
def test_expanded_tensors_agree_with_the_dense_ones(
    client: Client, config: dict[str, object], dtype: DtypeName, representation: Representation
) -> None:
    dense = dict(client.predict(config, dtype=dtype))
    arrays = dict(client.predict(config, dtype=dtype, representation=representation))
    plan = client.plan(config, dtype=dtype, representation=representation)
    assert any(tensor.core if representation == "core" else tensor.factors for tensor in plan.tensors)
    assert plan.total_bytes == {"core": plan.core_bytes, "factors": plan.factor_bytes}[representation]
    assert plan.dense_bytes == sum(array.nbytes for array in dense.values())
    assert list(arrays) == list(dense)
    for name, array in arrays.items():
        assert (array.dtype, array.shape) == (dense[name].dtype, dense[name].shape)
        expected, largest = floats(dense[name]), np.abs(floats(dense[name])).max()
        difference = np.abs(floats(array) - expected)
        assert (difference <= 1e-6 * largest + ROUNDING[dtype] * np.abs(expected)).all(), name


@pytest.mark.server
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
def test_files_agree_with_those_of_the_node_command_line(server: str, tmp_path: Path, dtype: str) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(WIDE_VIT))
    flags = [str(config), "--server", server, "--quiet", "--factors", "--dtype", dtype]
    run_node("predict", *flags, "--out", str(tmp_path / "node"))
    assert main(["predict", *flags, "--out", str(tmp_path / "python")]) == 0
    ours, theirs = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("python", "node"))
    header = 8 + int.from_bytes(theirs[:8], "little")
    assert ours[:header] == theirs[:header]
    kind = {"f32": np.float32, "f16": np.float16, "bf16": np.uint16}[dtype]
    one, other = (floats(np.frombuffer(file[header:], kind)) for file in (ours, theirs))
    name = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}[dtype]
    np.testing.assert_allclose(one, other, atol=1e-6 * np.abs(other).max(), rtol=ROUNDING[name])


@pytest.mark.server
def test_every_way_to_ask_gives_the_same_bits(server: str, client: Client, tmp_path: Path) -> None:
    state = client.state_dict(WIDE_GPT2, representation="factors")
    arrays = dict(client.predict(WIDE_GPT2, representation="factors"))
    loaded = load_file(client.save(WIDE_GPT2, tmp_path / "blocking", representation="factors").path)

    async def run() -> dict[str, NDArray[np.float32]]:
        async with logah.aio.connect(server) as aio:
            await aio.save(WIDE_GPT2, tmp_path / "aio", representation="factors")
            return {name: array async for name, array in aio.predict(WIDE_GPT2, representation="factors")}

    awaited = asyncio.run(run())
    assert (tmp_path / "aio/model.safetensors").read_bytes() == (tmp_path / "blocking/model.safetensors").read_bytes()
    for device in ("cpu", "meta"):
        with torch.device(device):
            module = GPT2LMHeadModel(GPT2Config(**WIDE_GPT2))
        client.initialize(module, representation="factors")
        # By torch, whose products sum in another order than NumPy's.
        for name, tensor in module.state_dict().items():
            assert (tensor - state[name]).abs().max() <= 1e-6 * state[name].abs().max(), name
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)
        np.testing.assert_array_equal(awaited[name], array)
        assert torch.equal(state[name], torch.from_numpy(array))


@pytest.mark.server
def test_an_expansion_is_kept_and_fetched_anew_where_its_file_is_damaged(server: str, tmp_path: Path) -> None:
    cache = tmp_path / "made at need"
    with logah.connect(server, cache_directory=cache) as client:
        state = dict(client.predict(WIDE_VIT, representation="core"))
        saved = load_file(client.save(WIDE_VIT, tmp_path / "out", representation="core").path)
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    assert hashlib.sha256(content).hexdigest() == kept.name
    kept.write_bytes(content[1:])
    with logah.connect(server, cache_directory=cache) as client:
        again = dict(client.predict(WIDE_VIT, representation="core"))
    assert kept.read_bytes() == content
    for name, array in state.items():
        np.testing.assert_array_equal(again[name], array)
        np.testing.assert_array_equal(saved[name], array)


@pytest.mark.server
def test_factors_of_a_shard_are_refused(client: Client) -> None:
    with pytest.raises(RemoteError, match="representation"):
        dict(client.predict(SMALL_VIT, representation="factors", shard=(0, 2)))
