"""The client against the real server: the same bytes as the Node.js client, whatever way they are asked for."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import grpc
import numpy as np
import pytest
import torch
from client_servers import CLI, REPOSITORY, SMALL_GPT2, SMALL_VIT, fake_server, run_node
from safetensors.numpy import load_file

import logah
from logah.__main__ import main
from logah.client import Client, PredictOptions, RemoteError
from logah.client._generated import logah_pb2
from logah.graph.vit import vit_graph

pytestmark = pytest.mark.server

GPT2_KJV = REPOSITORY / "examples" / "gpt2-kjv" / "config.json"
VIT_BASE = REPOSITORY / "examples" / "vit-base-patch16-224" / "config.json"


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return logah.connect(server)


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--dtype", "f16", "--seed", "5", "--sha256", "--chunk-bytes", "4096"),
        ("--dtype", "bf16", "--shard", "1/3"),
        ("--select", "*.bias", "classifier.weigh?"),
    ],
    ids=" ".join,
)
def test_files_equal_those_of_the_node_command_line(server: str, tmp_path: Path, flags: tuple[str, ...]) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SMALL_VIT, indent=3))
    run_node("predict", str(config), "--out", str(tmp_path / "node"), "--server", server, "--quiet", *flags)
    status = main(["predict", str(config), "--out", str(tmp_path / "python"), "--server", server, "--quiet", *flags])
    assert status == 0
    weights = "shard-1-of-3.safetensors" if "--shard" in flags else "model.safetensors"
    for name in (weights, "config.json"):
        assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "node" / name).read_bytes()
    assert len(list((tmp_path / "python").iterdir())) == 2


def test_predict_save_and_state_dict_agree(client: Client, tmp_path: Path) -> None:
    saved = client.save(SMALL_VIT, tmp_path, seed=3)
    arrays = dict(client.predict(SMALL_VIT, seed=3))
    state = client.state_dict(SMALL_VIT, seed=3)
    loaded = load_file(saved.path)
    assert list(arrays) == list(state) == [tensor.name for tensor in saved.plan.tensors]
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert torch.equal(state[name], torch.from_numpy(array))
    assert json.loads((tmp_path / "config.json").read_bytes()) == SMALL_VIT


def test_a_network_that_reads_the_models_tokens_writes_text_at_once(server: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    assert main(["predict", str(GPT2_KJV), "--out", str(tmp_path / "out"), "--server", server, "--quiet"]) == 0
    run_node("predict", str(GPT2_KJV), "--out", str(tmp_path / "node"), "--server", server, "--quiet")
    written = sorted(path.name for path in (tmp_path / "node").iterdir())
    assert written == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert "generation_config.json" in written
    for name in written:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "node" / name).read_bytes()
    pipeline = transformers.pipeline("text-generation", str(tmp_path / "out"))
    for seed in range(3):
        transformers.set_seed(seed)
        # Transformers' own default, 256 new tokens, goes beyond the network's 256 positions.
        (answer,) = pipeline("And God said")
        assert answer["generated_text"].startswith("And God said")
        assert 4 < len(pipeline.tokenizer(answer["generated_text"])["input_ids"]) <= 256
    # Far more likely than by the frequencies of tokens alone, which cost 5.7 nats each.
    verse = pipeline.tokenizer("And God said, Let there be light: and there was light.\n", return_tensors="pt")
    with torch.no_grad():
        loss = pipeline.model(**verse, labels=verse["input_ids"]).loss.item()
    assert loss < 4.7


def test_every_form_of_a_source_is_the_same_network(client: Client, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SMALL_VIT))
    graph = vit_graph({**SMALL_VIT, "initializer_range": 0.02})
    graph_path = tmp_path / "graph.json"
    graph_path.write_text(json.dumps(graph.to_json()))
    sources = [SMALL_VIT, path, str(path), transformers.ViTConfig(**SMALL_VIT), graph, graph_path, graph.to_json()]
    assert len({client.plan(source).fingerprint for source in sources}) == 1


def test_tied_tensors_are_one_object_and_not_in_the_file(client: Client, tmp_path: Path) -> None:
    state = client.state_dict(SMALL_GPT2)
    assert state["lm_head.weight"] is state["transformer.wte.weight"]
    saved = client.save(SMALL_GPT2, tmp_path)
    assert "lm_head.weight" not in load_file(saved.path)
    model = pytest.importorskip("transformers").GPT2LMHeadModel.from_pretrained(tmp_path)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_bfloat16_comes_as_bits_and_as_torch_tensors(client: Client) -> None:
    whole = client.state_dict(SMALL_VIT)
    for name, array in client.predict(SMALL_VIT, dtype="bfloat16"):
        assert array.dtype == np.uint16
        assert torch.equal(torch.from_numpy(array).view(torch.bfloat16), whole[name].bfloat16())
    state = client.state_dict(SMALL_VIT, dtype="bfloat16")
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}


@pytest.mark.parametrize("count", [2, 7])
def test_shards_together_are_the_whole(client: Client, count: int) -> None:
    whole = dict(client.predict(SMALL_VIT))
    shards = [dict(client.predict(SMALL_VIT, shard=(index, count))) for index in range(count)]
    for name, array in whole.items():
        np.testing.assert_array_equal(np.concatenate([shard[name] for shard in shards if name in shard]), array)


def test_slices_are_boxes_of_the_whole(client: Client) -> None:
    name = "vit.layers.0.mlp.fc1.weight"
    whole = dict(client.predict(SMALL_VIT))[name]
    for box in ([(3, 4)], [(0, 52), (7, 8)], [(50, 52), (0, 40)]):
        arrays = dict(client.predict(SMALL_VIT, select=name, slices={name: box}))
        index = tuple(slice(start, end) for start, end in box)
        np.testing.assert_array_equal(arrays[name], whole[index])


@pytest.mark.parametrize("options", [{"dtype": "float16"}, {"shard": (1, 2)}], ids=str)
def test_a_stream_that_breaks_off_goes_on_to_the_same_bytes(
    server: str, client: Client, tmp_path: Path, options: PredictOptions
) -> None:
    chunks_left = [1, 3, 2]

    def predict(
        request: logah_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> Iterator[logah_pb2.PredictResponse]:
        left = chunks_left.pop() if chunks_left else None
        with grpc.insecure_channel(server) as channel:
            relayed = channel.unary_stream(
                "/logah.v1.LogahService/Predict",
                request_serializer=logah_pb2.PredictRequest.SerializeToString,
                response_deserializer=logah_pb2.PredictResponse.FromString,
            )
            for message in relayed(request):
                if message.WhichOneof("message") == "chunk" and left is not None:
                    if left == 0:
                        context.abort(grpc.StatusCode.UNAVAILABLE, "cut off")
                    left -= 1
                yield message

    whole = client.save(SMALL_VIT, tmp_path / "whole", chunk_bytes=4096, **options)
    with fake_server(predict) as fake, logah.connect(fake.address) as cut_off:
        pieced = cut_off.save(SMALL_VIT, tmp_path / "pieced", chunk_bytes=4096, **options)
        assert [request.resume.offset for request in fake.requests] == [0, 8192, 20480, 24576]
    assert pieced.path.read_bytes() == whole.path.read_bytes()


def test_a_plan_accounts_for_every_parameter(client: Client) -> None:
    plan = client.plan(SMALL_GPT2)
    coverage = plan.coverage
    assert coverage.predicted + coverage.tiled + coverage.initialized == coverage.parameters
    assert [tensor.name for tensor in plan.tensors if tensor.is_tied] == ["lm_head.weight"]
    assert all(later.offset == earlier.end for earlier, later in pairwise(plan.sent))
    fields = {warning.field for warning in plan.warnings}
    assert {"hidden_size", "vocab_size"} <= fields
    assert "family" not in fields


def test_a_wrong_field_is_named(client: Client) -> None:
    with pytest.raises(RemoteError) as caught:
        client.plan({**SMALL_VIT, "hidden_size": -1, "num_hidden_layers": "many"})
    assert [violation.field.rpartition(".")[2] for violation in caught.value.violations] == [
        "hidden_size",
        "num_hidden_layers",
    ]
    assert caught.value.code.name == caught.value.reason == "INVALID_ARGUMENT"
    with pytest.raises(RemoteError, match="nothing"):
        dict(client.predict(SMALL_VIT, select="nothing*"))


def test_models_are_listed(client: Client) -> None:
    models = client.list_models().models
    assert client.plan(SMALL_VIT).model in [model.name for model in models]


def test_asyncio_has_the_same_methods(server: str, client: Client, tmp_path: Path) -> None:
    async def run() -> None:
        async with logah.aio.connect(server) as aio:
            state, whole = await aio.state_dict(SMALL_GPT2), client.state_dict(SMALL_GPT2)
            assert state["lm_head.weight"] is state["transformer.wte.weight"]
            assert list(state) == list(whole)
            assert all(torch.equal(state[name], tensor) for name, tensor in whole.items())
            saved = await aio.save(SMALL_VIT, tmp_path / "aio", seed=1)
            assert saved.plan == await aio.plan(SMALL_VIT, seed=1)
            assert len((await aio.list_models()).models) == len(client.list_models().models)
            with pytest.raises(RemoteError, match="hidden_size"):
                await aio.plan({"model_type": "vit", "hidden_size": -1})

    asyncio.run(run())
    client.save(SMALL_VIT, tmp_path / "blocking", seed=1)
    assert (tmp_path / "aio/model.safetensors").read_bytes() == (tmp_path / "blocking/model.safetensors").read_bytes()


def test_the_command_line_reports_as_that_of_node(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SMALL_VIT))
    arguments = ["predict", str(config), "--server", server, "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert "wrote " in shown.out
    assert "out" in shown.out
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    node = subprocess.run(
        ["node", str(CLI), *arguments, "--json"],
        check=True,
        capture_output=True,
    )
    theirs = json.loads(node.stdout)
    assert report.keys() == theirs.keys()
    same = report.keys() - {"seconds", "bytesPerSecond", "serverTimings", "serverPeakMemoryBytes"}
    assert {key: report[key] for key in same} == {key: theirs[key] for key in same}


def test_the_command_line_names_wrong_fields(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**SMALL_VIT, "hidden_size": -1}))
    assert main(["predict", str(config), "--server", server, "--out", str(tmp_path / "out")]) == 1
    assert "error: the request is wrong\n  architecture.transformers_config.hidden_size: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_an_interrupted_command_leaves_nothing(server: str, tmp_path: Path, sent: signal.Signals) -> None:
    # The progress bar shows that the stream has begun.
    command = [
        sys.executable,
        "-m",
        "logah",
        "predict",
        str(VIT_BASE),
        "--server",
        server,
        "--out",
        str(tmp_path / "o"),
    ]
    with subprocess.Popen([*command, "--chunk-bytes", "4096"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("0%" in line for line in process.stderr)
        process.send_signal(sent)
        rest = process.stderr.read()
    assert process.returncode == 128 + sent
    assert f"interrupted by {sent.name}" in rest
    assert list(tmp_path.iterdir()) == []


def test_torch_is_not_needed_where_arrays_will_do(server: str) -> None:
    code = f"""
import sys
sys.modules["torch"] = None
import logah
assert "grpc" not in sys.modules
client = logah.connect({server!r})
state = client.state_dict({SMALL_VIT!r})
assert type(state["classifier.bias"]).__module__ == "numpy"
assert {{name.split(".")[1] for name in sys.modules if name.startswith("logah.")}} == {{"client", "errors"}}
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY / "python")
