"""Files of predictions."""

from __future__ import annotations

import io
import json

from client_servers import (
    plan_message,
    small_plan,
)

from logah.client._generated import logah_pb2
from logah.client.files.safetensors_file import SafetensorsWriter
from logah.client.wire.prediction_stream import PlanEvent, PredictionStream


def test_a_header_is_that_of_the_format_with_the_names_in_the_plans_order() -> None:
    stream = PredictionStream(logah_pb2.PredictRequest())
    event = stream.accept(plan_message(small_plan()))
    assert isinstance(event, PlanEvent)
    file = io.BytesIO()
    SafetensorsWriter(file, 7).accept(event)
    content = file.getvalue()
    assert int.from_bytes(content[:8], "little") == len(content) - 8
    assert len(content) % 8 == 0
    header = json.loads(content[8:])
    assert header.pop("__metadata__") == {
        "format": "pt",
        "logah.model": "fake",
        "logah.fingerprint": "f00d",
        "logah.seed": "7",
    }
    assert header == {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "F32", "shape": [4], "data_offsets": [24, 40]},
        "c": {"dtype": "F32", "shape": [5, 2], "data_offsets": [40, 80]},
    }
    assert list(header) == ["a", "b", "c"]
