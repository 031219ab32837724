"""Bundles: what onnxruntime makes of them, and how they are written."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from examples import ALIGNED, CONFIGS, DENSE, LOW_RANK, authors_checkpoint, random_model, relative_error, small_vit
from hypothesis import given
from hypothesis import strategies as st
from onnx_decoders import Bundle

from logah.__main__ import main
from logah.commands.export import STD_SINCE
from logah.data.tokenizer import train_tokenizer
from logah.errors import BundleError
from logah.export.bundle import BundleDescription, write_bundle
from logah.export.graph_writer import GraphSizeError, GraphWriter
from logah.hypernet.config import LANGUAGE_OPERATIONS, HypernetConfig
from logah.hypernet.hypernetwork import GraphFeatures
from scripts.add_core_outputs import upgrade

TOLERANCE = 1e-5
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
def test_factors_have_as_many_rows_as_asked(bundles, m, n):
    model, bundle = bundles["low_rank"]
    embedding_1C = torch.linspace(-1, 1, model.config.hid)[None]
    a, b, core_a, core_b = bundle.run("decoder.onnx", embedding=embedding_1C, rows_a=m, rows_b=n)
    expected_a, expected_b = model.decoder(embedding_1C, m, n)
    assert relative_error(a, expected_a[0]) < TOLERANCE
    assert relative_error(b, expected_b[0]) < TOLERANCE
    for core, expected, rows in ((core_a, expected_a, m), (core_b, expected_b, n)):
        assert len(core) == -(-rows * model.config.rank // model.config.ck)
        weight_KR, bias_K = bundle.expansion()
        expanded = (core @ weight_KR.T + bias_K).reshape(-1)[: rows * model.config.rank]
        assert relative_error(expanded.reshape(rows, -1), expected[0]) < TOLERANCE
    (product,) = bundle.run("product.onnx", a=a, b=b)
    assert relative_error(product, expected_a[0] @ expected_b[0].T) < TOLERANCE


@given(o=st.integers(1, 12), i=st.integers(1, 8), height=st.integers(1, 30), width=st.integers(1, 30))
def test_a_dense_kernel_has_the_size_asked(bundles, o, i, height, width):
    model, bundle = bundles["dense"]
    embedding_1C = torch.linspace(-1, 1, model.config.hid)[None]
    (kernel,) = bundle.run("decoder.onnx", embedding=embedding_1C, out=o, **{"in": i}, height=height, width=width)
    assert relative_error(kernel, model.decoder(embedding_1C, o, i, height, width)[0]) < TOLERANCE


EMBEDDING = ("embedding", "float32", [1, 16])
ENCODER = (
    [("operation", "int32", ["N"]), ("shape", "int32", ["N", 4]), ("distance", "int32", ["N", "N"])],
    [("embedding", "float32", ["N", 16])],
)
SLOT = ("slot", "int32", [1])
ROWS = [("rows_a", "int64", [1]), ("rows_b", "int64", [1])]
FACTORS = [
    ("a", "float32", ["rows_a", 6]),
    ("b", "float32", ["rows_b", 6]),
    ("core_a", "float32", ["core_rows_a", 6]),
    ("core_b", "float32", ["core_rows_b", 6]),
]
PRODUCT = ([("a", "float32", ["M", 6]), ("b", "float32", ["N", 6])], [("product", "float32", ["M", "N"])])
CONTRACT = {
    "low_rank": {"encoder.onnx": ENCODER, "decoder.onnx": ([EMBEDDING, *ROWS], FACTORS), "product.onnx": PRODUCT},
    "aligned": {"encoder.onnx": ENCODER, "decoder.onnx": ([EMBEDDING, SLOT, *ROWS], FACTORS), "product.onnx": PRODUCT},
    "dense": {
        "encoder.onnx": ENCODER,
        "decoder.onnx": (
            [EMBEDDING, *((name, "int64", [1]) for name in ("out", "in", "height", "width"))],
            [("kernel", "float32", ["out", "in", "height", "width"])],
        ),
        "decoder_1d.onnx": ([EMBEDDING], [("vector", "float32", [2, 12]), ("class_bias", "float32", [2, 7])]),
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


@pytest.mark.parametrize("name", ["low_rank", "aligned"])
def test_a_bundle_of_before_is_rewritten_as_it_would_be_exported(tmp_path, name):
    write_bundle(random_model(CONFIGS[name]), BundleDescription(name), tmp_path / "bundle")
    expected = {path.name: path.read_bytes() for path in (tmp_path / "bundle").iterdir()}
    # As it was exported before: without the outputs, their nodes and the file.
    decoder = onnx.load(tmp_path / "bundle/decoder.onnx")
    del decoder.graph.output[2:]
    del decoder.graph.node[-2:]
    decoder.doc_string = "of before"
    (tmp_path / "bundle/decoder.onnx").write_bytes(decoder.SerializeToString(deterministic=True))
    manifest = json.loads(expected["manifest.json"])
    del manifest["files"]["expansion.bin"]
    (tmp_path / "bundle/manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "bundle/expansion.bin").unlink()
    assert upgrade(tmp_path / "bundle")
    assert {path.name: path.read_bytes() for path in (tmp_path / "bundle").iterdir()} == expected
    assert not upgrade(tmp_path / "bundle")


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
        "version": 1,
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
