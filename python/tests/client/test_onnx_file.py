"""ONNX files as architectures: the weights' data is neither read nor sent."""

import json
import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from paths import FIXTURES

import logah
from logah.client._generated.architecture_pb2 import OnnxContentKind
from logah.client.onnx_file import stripped_onnx
from logah.client.source import read_source
from logah.errors import SourceError

FILES = sorted((FIXTURES / "onnx").glob("*.onnx"))


def model(weight: onnx.TensorProto) -> onnx.ModelProto:
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="layer", doc_string="for people")
    shape = numpy_helper.from_array(np.array([-1, 3], dtype=np.int64), "shape")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in "xy"]
    graph = helper.make_graph([node], "network", values[:1], values[1:], [weight, shape], doc_string="for people")
    return helper.make_model(graph, producer_name="test", doc_string="for people")


def test_names_types_and_shapes_stay_and_so_do_integers_that_may_be_a_shape(tmp_path):
    path = tmp_path / "model.onnx"
    whole = model(numpy_helper.from_array(np.ones((4, 3), dtype=np.float32), "w"))
    path.write_bytes(whole.SerializeToString())
    stripped = onnx.ModelProto.FromString(stripped_onnx(path))
    weight, shape = stripped.graph.initializer
    assert (weight.name, weight.data_type, list(weight.dims)) == ("w", TensorProto.FLOAT, [4, 3])
    assert weight.raw_data == b""
    assert shape == whole.graph.initializer[1]
    assert "for people" not in str(stripped)
    assert (list(stripped.graph.input), list(stripped.graph.output)) == (
        list(whole.graph.input),
        list(whole.graph.output),
    )
    assert read_source(path).message.onnx == stripped.SerializeToString()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_without_weights_stays_as_it_is(path):
    assert stripped_onnx(path) == path.read_bytes()


def test_gigabytes_of_weights_are_not_read(tmp_path):
    path = tmp_path / "model.onnx"
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2**15, 2**15])
    small = model(weight)
    size = 2**32
    data = b"\x4a" + _varint(size)
    initializer = weight.SerializeToString()
    del small.graph.initializer[:]
    graph = small.graph.SerializeToString()
    before = graph + b"\x2a" + _varint(len(initializer) + len(data) + size) + initializer + data
    with path.open("wb") as file:
        file.write(b"\x3a" + _varint(len(before) + size) + before)
        file.truncate(file.tell() + size)
    assert os.path.getsize(path) > size
    (initializer,) = onnx.ModelProto.FromString(stripped_onnx(path)).graph.initializer
    assert initializer == weight


def _varint(value: int) -> bytes:
    result = b""
    while value >= 0x80:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


@pytest.mark.parametrize("content", [b'{"model_type": "vit"}', b"\x3a\xff\xff\xff\x7f", b"\xff" * 20, b"\x3a"])
def test_other_bytes_are_refused_by_the_name_of_the_file(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"model.onnx is not an ONNX file, or cut short"):
        read_source(path)


@pytest.mark.parametrize("path", sorted((FIXTURES / "onnx/cases").glob("*.onnx")), ids=lambda path: path.stem)
def test_what_the_data_shows_is_what_both_clients_say_of_it(path):
    golden = json.loads((FIXTURES / "onnx/contents.json").read_text())[path.stem]
    seen = read_source(path).message.onnx_contents
    assert [content.name for content in seen] == [content["name"] for content in golden]
    for content, expected in zip(seen, golden, strict=True):
        kind = OnnxContentKind.Name(content.kind).removeprefix("ONNX_CONTENT_KIND_").lower()
        assert (content.name, kind) == (content.name, expected["kind"].replace("other", "unspecified"))
        moments = (content.mean, content.standard_deviation)
        assert moments == pytest.approx((expected["mean"], expected["deviation"]), rel=1e-9, abs=1e-12)
        assert (content.non_negative, content.same_as, content.transposed) == (
            expected["nonNegative"],
            expected.get("sameAs", ""),
            expected["transposed"],
        )


def test_data_beside_the_model_is_looked_at_within_its_directory_alone(tmp_path):
    (tmp_path / "model").mkdir()
    values = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    (tmp_path / "model/weights").write_bytes(b"1234" + values.tobytes())
    (tmp_path / "outside").write_bytes(values.tobytes())
    for location, offset, kinds in (("weights", 4, ["DRAWN"]), ("../outside", 0, []), ("missing", 0, [])):
        weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[40, 30], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", location), ("offset", str(offset)), ("length", str(values.nbytes))):
            weight.external_data.add(key=key, value=value)
        path = tmp_path / "model/model.onnx"
        path.write_bytes(model(weight).SerializeToString())
        seen = [OnnxContentKind.Name(content.kind)[18:] for content in read_source(path).message.onnx_contents]
        assert (location, seen) == (location, kinds)


def test_a_transpose_of_another_tensor_is_told(tmp_path):
    values = np.random.default_rng(1).normal(size=(40, 30)).astype(np.float32)
    whole = model(numpy_helper.from_array(values, "w"))
    whole.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values.T), "turned"))
    whole.graph.initializer.append(numpy_helper.from_array(values.reshape(-1), "flat"))
    path = tmp_path / "model.onnx"
    path.write_bytes(whole.SerializeToString())
    seen = {content.name: (content.same_as, content.transposed) for content in read_source(path).message.onnx_contents}
    assert seen == {"w": ("", False), "turned": ("w", True), "flat": ("w", False)}


def test_a_pointer_of_git_lfs_is_called_one(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    with pytest.raises(SourceError, match=r"is a Git LFS pointer, .*`git lfs pull` fetches"):
        read_source(path)


@pytest.mark.server
@pytest.mark.parametrize(
    ("case", "kinds"),
    [
        ("folded-norms-dynamo", ["WARNING_KIND_FOLDED"]),
        ("copied-layers-dynamo", ["WARNING_KIND_MERGED"]),
        ("unfolded-norms-dynamo", []),
        ("trained-layers-dynamo", []),
    ],
)
def test_a_plan_warns_of_what_the_names_in_a_file_do_not_tell(server, case, kinds):
    with logah.connect(server) as client:
        found = client.plan(FIXTURES / f"onnx/cases/{case}.onnx").warnings
    named = [warning for warning in found if warning.field == "parameters"]
    assert [warning.kind for warning in named] == kinds
    assert all(warning.actual.split(", ")[0] in warning.text for warning in named)
