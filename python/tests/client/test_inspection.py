"""What tensors look like, by the Python client."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import numpy as np
import pytest
from client_servers import SMALL_GPT2, SMALL_VIT

import logah
import logah.client.aio
from logah.client import ProtocolError, RemoteError, RequestError, TensorInspection
from logah.client._generated import logah_pb2
from logah.client.inspection import Inspections, inspect_request


@pytest.mark.server
def test_an_inspection_says_what_the_elements_say(server: str) -> None:
    with logah.connect(server) as client:
        arrays = dict(client.predict(SMALL_VIT, seed=3))
        found = {
            tensor.name: tensor
            for tensor in client.inspect(
                SMALL_VIT, seed=3, histogram_bins=6, histogram_range=(-1.0, 1.0), picture=(4, 3), singular_values=8
            )
        }
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        tensor = found[name]
        assert (tensor.shape, tensor.elements) == (values.shape, values.size)
        assert (tensor.minimum, tensor.maximum) == (values.min(), values.max())
        assert tensor.mean == pytest.approx(values.mean(dtype=np.float64), abs=1e-9)
        assert tensor.histogram is not None and tensor.picture is not None
        counted = sum(tensor.histogram.counts) + tensor.histogram.below + tensor.histogram.above
        assert counted == values.size
        assert tensor.picture.maxima.max() == values.max()
    kernel = found["vit.embeddings.patch_embeddings.projection.weight"]
    matrix = arrays[kernel.name].reshape(kernel.shape[0], -1).astype(np.float64)
    if kernel.spectrum is not None:
        expected = np.linalg.svd(matrix, compute_uv=False)[: len(kernel.spectrum.values)]
        assert np.allclose(kernel.spectrum.values, expected, rtol=1e-4, atol=1e-5 * expected[0])


@pytest.mark.server
def test_asyncio_finds_the_same_and_a_slice_is_looked_at_alone(server: str) -> None:
    name = "transformer.h.0.attn.c_attn.weight"

    async def found() -> list[TensorInspection]:
        async with logah.client.aio.connect(server) as client:
            return [tensor async for tensor in client.inspect(SMALL_GPT2, select=name, slices={name: ((1, 3),)})]

    with logah.connect(server) as client:
        expected = list(client.inspect(SMALL_GPT2, select=name, slices={name: ((1, 3),)}))
    assert asyncio.run(found()) == expected
    assert expected[0].start[0] == 1
    assert expected[0].shape[0] == 2
    assert expected[0].histogram is None


@pytest.mark.server
def test_what_is_wrong_with_it_is_said(server: str) -> None:
    with logah.connect(server) as client:
        with pytest.raises(RemoteError, match="histogram_bins"):
            list(client.inspect(SMALL_GPT2, select="*.bias", histogram_bins=5000))
        with pytest.raises(RequestError, match="singular_values is -1"):
            list(client.inspect(SMALL_GPT2, singular_values=-1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"histogram_bins": True}, "histogram_bins is True; expected a whole number from 0 on"),
        ({"histogram_bins": 5, "histogram_range": (0,)}, r"histogram_range is (0,); expected (low, high)"),
        ({"histogram_bins": 5, "histogram_range": ("a", 1)}, r"histogram_range is ('a', 1); expected two numbers"),
        ({"picture": 5}, "picture is 5; expected (rows, columns)"),
    ],
)
def test_an_argument_that_fits_no_field_is_named(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "histogram_bins": 0,
        "histogram_range": None,
        "picture": None,
        "singular_values": 0,
        **arguments,
    }
    with pytest.raises(RequestError, match=re.escape(message)):
        inspect_request(logah_pb2.PredictRequest(), **given)


def message_of(name: str, tensors: int) -> logah_pb2.InspectTensorsResponse:
    return logah_pb2.InspectTensorsResponse(tensor=logah_pb2.TensorInspection(name=name), tensors=tensors)


def test_an_answer_is_whole_when_it_has_as_many_tensors_as_it_says() -> None:
    inspections = Inspections(logah_pb2.InspectTensorsRequest())
    inspections.next_request()
    assert str(inspections.ended()).endswith("number of tensors is 0, expected at least 1")
    inspections.next_request()
    inspections.accept(message_of("a", 2))
    assert str(inspections.ended()).endswith("number of tensors is 1, expected 2")
    inspections.next_request()
    assert inspections.accept(message_of("a", 2)) is None
    assert not inspections.complete
    inspections.accept(message_of("b", 2))
    assert inspections.complete
    assert inspections.ended() is None
    with pytest.raises(ProtocolError, match="number of tensors is 3, expected 2"):
        inspections.accept(message_of("c", 2))


def test_an_end_behind_tensors_that_are_all_known_is_tried_once_more() -> None:
    inspections = Inspections(logah_pb2.InspectTensorsRequest())
    inspections.accept(message_of("a", 2))
    assert inspections.ended() is not None
    inspections.next_request()
    inspections.accept(message_of("a", 2))
    assert inspections.ended() is not None
    inspections.next_request()
    inspections.accept(message_of("a", 2))
    with pytest.raises(ProtocolError, match="number of tensors"):
        inspections.ended()


def test_a_server_that_does_not_say_how_many_tensors_there_are_is_believed() -> None:
    inspections = Inspections(logah_pb2.InspectTensorsRequest())
    inspections.accept(message_of("a", 0))
    assert not inspections.complete
    assert inspections.ended() is None
    assert inspections.complete


def test_a_tensor_comes_once_and_a_picture_has_the_cells_that_it_says() -> None:
    inspections = Inspections(logah_pb2.InspectTensorsRequest())
    message = logah_pb2.InspectTensorsResponse(tensor=logah_pb2.TensorInspection(name="a"))
    assert inspections.accept(message) is not None
    assert inspections.begun
    assert inspections.accept(message) is None
    with pytest.raises(ProtocolError, match="tensor"):
        inspections.accept(logah_pb2.InspectTensorsResponse())
    picture = logah_pb2.Picture(rows=2, columns=2, means=bytes(12), minima=bytes(16), maxima=bytes(16))
    with pytest.raises(ProtocolError, match="bytes of a picture"):
        inspections.accept(
            logah_pb2.InspectTensorsResponse(tensor=logah_pb2.TensorInspection(name="b", picture=picture))
        )
