"""Writes predictions as safetensors files: 8 bytes of little-endian length, JSON padded with spaces, the data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import BinaryIO

from logah.client.partial_file import write_all
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent, Summary
from logah.errors import RequestError

#: Longest header in bytes, as the safetensors library has it.
MAX_HEADER_BYTES = 100_000_000
_METADATA = "__metadata__"


class SafetensorsWriter:
    """Writes the events of one prediction to an open file as they come."""

    def __init__(self, file: BinaryIO, seed: int, metadata: Mapping[str, str] | None = None) -> None:
        """`metadata` goes beside what every file says of itself. Where `plan` is set, the header is there already."""
        self._file = file
        self._metadata = metadata or {}
        self._seed = seed
        self.plan: Plan | None = None
        self.summary: Summary | None = None

    def accept(self, event: Event) -> None:
        """Raises RequestError where the format cannot hold the plan, and the file system's errors."""
        if isinstance(event, PlanEvent):
            if self.plan is not None:
                return
            self.plan = event.plan
            write_all(self._file, encode_header(event.plan, self._seed, self._metadata))
        elif isinstance(event, DataEvent):
            write_all(self._file, event.data)
        else:
            self.summary = event


def encode_header(plan: Plan, seed: int, more: Mapping[str, str]) -> bytes:
    """The length and the JSON for the tensors that are sent, in the plan's order; byte for byte as the TypeScript
    client has it. Raises RequestError."""
    tensors = {
        tensor.name: {
            "dtype": plan.element_type.safetensors,
            "shape": tensor.sent_shape,
            "data_offsets": [tensor.offset, tensor.end],
        }
        for tensor in plan.sent
    }
    if any(tensor.name == _METADATA for tensor in plan.tensors):
        raise RequestError(f'a safetensors file cannot hold a tensor named "{_METADATA}"')
    metadata = {
        "format": "pt",
        "logah.model": plan.model,
        "logah.fingerprint": plan.fingerprint,
        "logah.seed": str(seed),
        **more,
    }
    text = json.dumps({_METADATA: metadata, **tensors}, ensure_ascii=False, separators=(",", ":")).encode()
    padded = -(-len(text) // 8) * 8
    if padded > MAX_HEADER_BYTES:
        raise RequestError(f"the safetensors header would have {padded} bytes; {MAX_HEADER_BYTES} are allowed")
    return padded.to_bytes(8, "little") + text.ljust(padded)
