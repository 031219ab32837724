"""Bundles: what onnxruntime makes of them, and how they are written."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from examples import ALIGNED, CONFIGS, DENSE, LOW_RANK, authors_checkpoint, random_model, relative_error, small_vit
from hypothesis import given
from hypothesis import strategies as st
from onnx_decoders import Bundle
from parity_graphs import REPOSITORY

from logah.__main__ import main
from logah.commands.export import STD_SINCE
from logah.data.tokenizer import train_tokenizer
from logah.errors import BundleError
from logah.export.bundle import BundleDescription, write_bundle
from logah.export.encoder_graph import encoder_graph
from logah.export.graph_writer import GraphSizeError, GraphWriter
from logah.export.read_bundle import read_bundle
from logah.hypernet.config import LANGUAGE_OPERATIONS, HypernetConfig
from logah.hypernet.hypernetwork import GraphFeatures
from scripts.upgrade_bundle import upgrade

TOLERANCE = 1e-5
VERSION_1 = REPOSITORY / "test" / "fixtures" / "parity" / "bundle"
MORE_CONFIGS = {
    **CONFIGS,
    "low_rank without layernorm": replace(LOW_RANK, layernorm=False),
    "aligned without slots, by table": replace(ALIGNED, slots=1, shape_encoding="table"),
    "dense with slots": replace(DENSE, slots=3),
}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """(model, bundle) by the name of the configuration."""
    directory = tmp_path_factory.mktemp("bundles")
    result = {}
    for name, config in MORE_CONFIGS.items():
        model = random_model(config)
        write_bundle(model, BundleDescription(name), directory / name)
        result[name] = (model, Bundle(directory / name))
    return result


@pytest.mark.parametrize("name", MORE_CONFIGS)
@pytest.mark.parametrize(
    "changes",
    [{}, {"hidden_size": 40, "patch_size": 5, "num_labels": 37}, {"patch_size": 14, "image_size": 28}],
    ids=["small", "wide", "large patches"],
)
def test_a_bundle_predicts_what_pytorch_predicts(bundles, name, changes):
    model, bundle = bundles[name]
    features = GraphFeatures.of(small_vit(**changes), model.config)
    assert relative_error(bundle.embed(features), model.embed(features)) < TOLERANCE
    expected = model(features)
    predicted = bundle.predict(features)
    assert predicted.keys() == expected.keys()
    for key, tensor in predicted.items():
        assert relative_error(tensor, expected[key]) < TOLERANCE, key


@given(width=st.integers(1, 9000), kernel=st.integers(1, 40))
def test_the_encoder_reads_every_size_as_pytorch_does(bundles, width, kernel):
    for name in ("low_rank", "aligned"):
        model, bundle = bundles[name]
        features = GraphFeatures.of(small_vit(), model.config)
        shape_N4 = features.shape_N4.clone()
        shape_N4[1] = torch.tensor([width, width // 2 + 1, kernel, kernel])
        features = replace(features, shape_N4=shape_N4)
        assert relative_error(bundle.embed(features), model.embed(features)) < TOLERANCE


@given(m=st.integers(1, 64), n=st.integers(1, 64))
def test_cores_have_the_rows_asked_and_expand_to_the_factors(bundles, m, n):
    model, bundle = bundles["low_rank"]
    embedding_GC = torch.linspace(-1, 1, 3 * model.config.hid).reshape(3, -1)
    rows = {"a": m, "b": n}
    core_rows = {f"core_rows_{name}": -(-count * model.config.rank // model.config.ck) for name, count in rows.items()}
    cores = bundle.run("decoder.onnx", embedding=embedding_GC, **core_rows)
    weight_KR, bias_K = bundle.expansion()
    factors = []
    for core, expected, count in zip(cores, model.decoder(embedding_GC, m, n), rows.values(), strict=True):
        expanded = (core @ weight_KR.T + bias_K).reshape(3, -1)[:, : count * model.config.rank]
        factors.append(expanded.reshape(3, count, -1))
        assert relative_error(factors[-1], expected) < TOLERANCE
    (product,) = bundle.run("product.onnx", a=factors[0][1], b=factors[1][1])
    assert relative_error(product, torch.from_numpy(factors[0][1] @ factors[1][1].T)) < TOLERANCE


def test_an_embedding_is_decoded_to_the_same_bits_among_any_others(bundles):
    model, bundle = bundles["low_rank"]
    embedding_GC = torch.linspace(-1, 1, 9 * model.config.hid).reshape(9, -1)
    whole = bundle.run("decoder.onnx", embedding=embedding_GC, core_rows_a=3, core_rows_b=2)
    for start, end in ((0, 2), (3, 8), (5, 9)):
        part = bundle.run("decoder.onnx", embedding=embedding_GC[start:end], core_rows_a=2, core_rows_b=1)
        for core, expected, rows in zip(part, whole, (2, 1), strict=True):
            assert np.array_equal(core, expected[start:end, :rows])


@pytest.mark.parametrize("count", [2, 15, 16, 17, 33, 150])
def test_the_encoder_sees_the_same_in_any_number_of_blocks(monkeypatch, count):
    model = random_model(LOW_RANK)
    whole = encoder_graph(model.encoder)
    monkeypatch.setattr("logah.export.encoder_graph.BLOCK_ELEMENTS", 1)
    cut = encoder_graph(model.encoder)
    random = np.random.default_rng(count)
    distance = np.triu(random.integers(0, model.config.cutoff, (count, count)), 1).astype(np.uint8)
    feeds = {
        "operation": random.integers(0, len(model.config.operations), count).astype(np.int32),
        "shape": random.integers(1, 300, (count, 4)).astype(np.int32),
        "edges_in": (distance == 1).sum(0).astype(np.int32),
        "edges_out": (distance == 1).sum(1).astype(np.int32),
        "distance": distance,
    }
    results = [onnxruntime.InferenceSession(graph).run(None, feeds)[0] for graph in (whole, cut)]
    assert np.array_equal(*results)


@given(o=st.integers(1, 12), i=st.integers(1, 8), height=st.integers(1, 30), width=st.integers(1, 30))
def test_a_dense_kernel_has_the_size_asked(bundles, o, i, height, width):
    model, bundle = bundles["dense"]
    embedding_1C = torch.linspace(-1, 1, model.config.hid)[None]
    (kernel,) = bundle.run("decoder.onnx", embedding=embedding_1C, out=o, **{"in": i}, height=height, width=width)
    assert relative_error(kernel, model.decoder(embedding_1C, o, i, height, width)[0]) < TOLERANCE


EMBEDDINGS = ("embedding", "float32", ["G", 16])
NODE = ("embedding", "float32", [1, 16])
ENCODER = (
    [
        ("operation", "int32", ["N"]),
        ("shape", "int32", ["N", 4]),
        ("distance", "uint8", ["N", "N"]),
        ("edges_in", "int32", ["N"]),
        ("edges_out", "int32", ["N"]),
    ],
    [("embedding", "float32", ["N", 16])],
)
SLOTS = ("slot", "int32", ["G"])
ROWS = [("core_rows_a", "int64", [1]), ("core_rows_b", "int64", [1])]
CORES = [("core_a", "float32", ["G", "core_rows_a", 6]), ("core_b", "float32", ["G", "core_rows_b", 6])]
PRODUCT = ([("a", "float32", ["M", 6]), ("b", "float32", ["N", 6])], [("product", "float32", ["M", "N"])])
CONTRACT = {
    "low_rank": {"encoder.onnx": ENCODER, "decoder.onnx": ([EMBEDDINGS, *ROWS], CORES), "product.onnx": PRODUCT},
    "aligned": {"encoder.onnx": ENCODER, "decoder.onnx": ([EMBEDDINGS, SLOTS, *ROWS], CORES), "product.onnx": PRODUCT},
    "dense": {
        "encoder.onnx": ENCODER,
        "decoder.onnx": (
            [NODE, *((name, "int64", [1]) for name in ("out", "in", "height", "width"))],
            [("kernel", "float32", ["out", "in", "height", "width"])],
        ),
        "decoder_1d.onnx": ([NODE], [("vector", "float32", [2, 12]), ("class_bias", "float32", [2, 7])]),
        "decoder_class.onnx": (
            [("kernel", "float32", [12, "in", 1, 1])],
            [("class_weight", "float32", [7, "in"])],
        ),
    },
}


@pytest.mark.parametrize("name", CONTRACT)
def test_the_files_have_the_inputs_and_outputs_that_the_service_expects(tmp_path, name):
    write_bundle(random_model(CONFIGS[name]), BundleDescription(name), tmp_path / "bundle")
    files = {path.name for path in (tmp_path / "bundle").iterdir()}
    expansion = {"expansion.bin"} if name != "dense" else set()
    assert files == {"manifest.json", *CONTRACT[name], *expansion}
    for file, expected in CONTRACT[name].items():
        model = onnx.load(tmp_path / "bundle" / file)
        assert model.ir_version <= 10
        assert [opset.version for opset in model.opset_import] == [20]
        found = tuple(
            [
                (
                    value.name,
                    onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
                    [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim],
                )
                for value in values
            ]
            for values in (model.graph.input, model.graph.output)
        )
        assert found == expected, file


def test_a_bundle_of_version_1_is_rewritten_with_the_same_weights(tmp_path):
    old = tmp_path / "old"
    shutil.copytree(VERSION_1, old)
    before, manifest = read_bundle(old), json.loads((old / "manifest.json").read_text())
    table = constants(old / "encoder.onnx")["edge_bias"]
    assert upgrade(old)
    rewritten = json.loads((old / "manifest.json").read_text())
    assert {**rewritten, "files": None} == {**manifest, "files": None, "version": 2}
    assert np.array_equal(constants(old / "encoder.onnx")["edge_bias"], table)
    again = read_bundle(old)
    for key, tensor in before.state_dict().items():
        # The table is compared above: the network that makes it is another one each time.
        assert key.startswith("encoder.edge_bias.") or torch.equal(again.state_dict()[key], tensor), key
    assert not upgrade(old)


def constants(path: Path) -> dict[str, Any]:
    """The constants of an ONNX file by name."""
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def test_the_manifest_describes_the_model_and_its_files(tmp_path):
    model = random_model(ALIGNED)
    training = {"dataset": "fashion-mnist", "steps": 10}
    about = BundleDescription("tiny", "A test.", families=["vit"], training=training)
    write_bundle(model, about, tmp_path / "tiny")
    manifest = json.loads((tmp_path / "tiny" / "manifest.json").read_text())
    for name, entry in manifest.pop("files").items():
        content = (tmp_path / "tiny" / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    hypernet = manifest.pop("hypernet")
    assert HypernetConfig.from_json(hypernet) == ALIGNED
    assert manifest == {
        "format": "logah-bundle",
        "version": 2,
        "name": "tiny",
        "description": "A test.",
        "license": "MIT",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "families": ["vit"],
        "training": training,
    }


def test_a_tokenizer_is_among_the_files_of_its_bundle(tmp_path):
    made = train_tokenizer(["light: and there was light"], 270)
    made.save(tmp_path)
    about = BundleDescription(name="reader", tokenizer=tmp_path)
    write_bundle(random_model(LOW_RANK), about, tmp_path / "reader")
    manifest = json.loads((tmp_path / "reader" / "manifest.json").read_text())
    names = ["tokenizer.json", "tokenizer_config.json"]
    assert manifest["tokenizer"] == {"vocab_size": made.vocabulary, "files": names}
    for name in names:
        assert (tmp_path / "reader" / name).read_bytes() == (tmp_path / name).read_bytes()
        assert name in manifest["files"]


def test_a_directory_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"no tokenizer\.json"):
        write_bundle(random_model(LOW_RANK), BundleDescription(name="mute", tokenizer=tmp_path), tmp_path / "mute")


@pytest.mark.parametrize("name", CONFIGS)
def test_the_same_model_gives_the_same_bytes(tmp_path, name):
    for copy in ("one", "two"):
        write_bundle(random_model(CONFIGS[name]), BundleDescription("same"), tmp_path / copy)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_a_bundle_is_replaced_only_by_force_and_then_whole(tmp_path):
    directory = tmp_path / "bundle"
    write_bundle(random_model(LOW_RANK), BundleDescription("first"), directory)
    with pytest.raises(BundleError, match="exists already"):
        write_bundle(random_model(DENSE), BundleDescription("second"), directory)
    assert json.loads((directory / "manifest.json").read_text())["name"] == "first"
    write_bundle(random_model(DENSE), BundleDescription("second"), directory, force=True)
    assert {path.name for path in directory.iterdir()} == {"manifest.json", *CONTRACT["dense"]}
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_weights_above_the_limit_of_a_file_are_refused(monkeypatch):
    monkeypatch.setattr("logah.export.graph_writer.LARGEST_FILE", 100)
    writer = GraphWriter("large", "")
    writer.constant("weight", np.zeros(26, dtype=np.float32))
    with pytest.raises(GraphSizeError, match="large: 104 bytes of weights; an ONNX file holds at most 100"):
        writer.to_bytes()


def run_export(*arguments: str | Path) -> int:
    return main(["export", *map(str, arguments)])


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save(authors_checkpoint(random_model(LOW_RANK)), path)
    return path


def test_the_command_exports_a_checkpoint(tmp_path, checkpoint, capsys):
    record = tmp_path / "record.json"
    record.write_text('{"steps": 3}')
    options = ("--name", "named", "--description", "Words.", "--families", "vit", "gpt2", "--cutoff", "50")
    assert run_export(checkpoint, "--out", tmp_path / "out", "--training", record, *options) == 0
    manifest = Bundle(tmp_path / "out").manifest
    assert (manifest["name"], manifest["description"], manifest["families"]) == ("named", "Words.", ["vit", "gpt2"])
    assert (manifest["training"], manifest["hypernet"]["cutoff"]) == ({"steps": 3}, 50)
    assert "low_rank decoder" in capsys.readouterr().out


def test_the_normalisation_of_the_authors_language_checkpoints_is_a_flag(tmp_path, capsys):
    checkpoint = tmp_path / "checkpoint.pt"
    torch.save(authors_checkpoint(random_model(replace(LOW_RANK, operations=LANGUAGE_OPERATIONS))), checkpoint)

    def exported(name, *flags):
        assert run_export(checkpoint, "--out", tmp_path / name, *flags) == 0
        return Bundle(tmp_path / name).manifest["hypernet"]["normalization"], capsys.readouterr().err

    assert exported("std", "--normalization", "std") == ("std", "")
    assert exported("said", "--normalization", "fan_in") == ("fan_in", "")
    normalization, note = exported("late")
    assert normalization == "fan_in"
    assert "needs --normalization std" in note
    os.utime(checkpoint, (STD_SINCE - 1, STD_SINCE - 1))
    assert exported("early") == ("fan_in", "")


def test_the_command_defaults_to_no_family_and_the_directorys_name(tmp_path, checkpoint):
    assert run_export(checkpoint, "--out", tmp_path / "out") == 0
    manifest = Bundle(tmp_path / "out").manifest
    assert (manifest["name"], manifest["families"], manifest["training"]) == ("out", [], None)
    assert manifest["hypernet"]["cutoff"] == 250


def test_the_command_reports_what_it_refuses_and_writes_nothing(tmp_path, checkpoint, capsys):
    record = tmp_path / "record.json"
    record.write_text("[]")
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"bad")
    for arguments, message in (
        ((bad,), "not a checkpoint of torch.save"),
        ((tmp_path / "none.pt",), "No such file"),
        ((checkpoint, "--training", record), "expected a JSON object, got list"),
        ((checkpoint, "--weights", "ema"), "ema_state_dict"),
        ((checkpoint, "--cutoff", "1000"), "cutoff: got 1000"),
    ):
        assert run_export(*arguments, "--out", tmp_path / "out") == 1
        assert message in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
