"""Expansions: a model's last layer, fetched once and kept under its digest."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from logah.client._generated import logah_pb2
from logah.client.partial_file import whole_file, write_all
from logah.client.wire.plan import Expansion
from logah.errors import ProtocolError, expect_equal

#: Expansions that are kept in memory; a client seldom asks more models than one.
_KEPT = 4


@dataclass(frozen=True)
class ExpansionLayer:
    """The layer that makes factors of cores: weight [rows, rank] and bias [rows], both float32."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def factors(self, *cores: tuple[NDArray[np.float32], int]) -> list[NDArray[np.float32]]:
        """Of core rows [X, rank] and a number of rows each: as many rows [rows, rank] of the factor.

        Together, since the layer is larger than what it is multiplied with, and is read once."""
        rank = self.weight.shape[1]
        columns = min(max(rows for _, rows in cores) * rank, len(self.weight))
        expanded = np.concatenate([core for core, _ in cores]) @ self.weight[:columns].T
        expanded += self.bias[:columns]
        factors, at = [], 0
        for core, rows in cores:
            # A factor of more than one core row needs all columns.
            own = expanded[at : at + len(core)]
            factors.append(own.reshape(-1)[: rows * rank].reshape(rows, rank))
            at += len(core)
        return factors


class FetchedFile:
    """An expansion's file, which comes in order over streams of which each begins anew."""

    def __init__(self, model: str, expansion: Expansion) -> None:
        self._request = logah_pb2.GetExpansionRequest(model=model, sha256=expansion.sha256)
        self._size = expansion.bytes
        self._content = bytearray()
        self._position = 0
        self._start = 0
        #: Whether there is no more to come; whether it is right is not known yet.
        self.complete = False

    @property
    def begun(self) -> bool:
        """Whether any byte has come."""
        return len(self._content) > 0

    @property
    def data(self) -> bytes:
        """What has come."""
        return bytes(self._content)

    def next_request(self) -> logah_pb2.GetExpansionRequest:
        """What to send; another stream begins, and what has come already is skipped."""
        self._position = 0
        self._start = len(self._content)
        return self._request

    def accept(self, message: logah_pb2.GetExpansionResponse) -> bytes | None:
        """What is new of the stream's next bytes; None: nothing. Raises ProtocolError where it is too much."""
        fresh: bytes = message.data[max(0, len(self._content) - self._position) :]
        self._position += len(message.data)
        self._content += fresh
        if len(self._content) > self._size:
            raise ProtocolError("bytes of the expansion", len(self._content), self._size)
        return fresh or None

    def ended(self) -> ProtocolError | None:
        """The stream ended without an error: what is wrong with that, if there is hope in another."""
        in_vain = self._position > 0 and len(self._content) == self._start
        if len(self._content) == self._size or in_vain:
            self.complete = True
            return None
        return ProtocolError("bytes of the expansion", len(self._content), self._size)


class ExpansionCache:
    """Expansions in memory and, where there is a directory, on disk, where each is a file named by its SHA-256."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._layers: OrderedDict[str, ExpansionLayer] = OrderedDict()
        self._lock = threading.Lock()

    def kept(self, expansion: Expansion) -> ExpansionLayer | None:
        """From memory, or from disk; a file of another content is as none."""
        with self._lock:
            layer = self._layers.get(expansion.sha256)
        if layer is not None or self._directory is None:
            return layer
        try:
            content = (self._directory / expansion.sha256).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() != expansion.sha256:
            return None
        return self._remember(expansion, content)

    def keep(self, expansion: Expansion, content: bytes) -> ExpansionLayer:
        """Checks what was fetched. Raises ProtocolError; a directory that cannot be written is done without."""
        expect_equal("bytes of the expansion", len(content), expansion.bytes)
        expect_equal("SHA-256 of the expansion", hashlib.sha256(content).hexdigest(), expansion.sha256)
        if self._directory is not None:
            with contextlib.suppress(OSError):
                self._directory.mkdir(parents=True, exist_ok=True)
                with whole_file(self._directory / expansion.sha256) as file:
                    write_all(file, content)
        return self._remember(expansion, content)

    def _remember(self, expansion: Expansion, content: bytes) -> ExpansionLayer:
        expect_equal("bytes of the expansion", len(content), expansion.bytes)
        values = np.frombuffer(content, "<f4")
        count = expansion.rows * expansion.rank
        layer = ExpansionLayer(values[:count].reshape(expansion.rows, expansion.rank), values[count:])
        with self._lock:
            self._layers[expansion.sha256] = layer
            if len(self._layers) > _KEPT:
                self._layers.popitem(last=False)
        return layer


def cache_directory() -> Path:
    """Where the command line keeps what it fetched: `logah` in XDG_CACHE_HOME, or else in `~/.cache`."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has relative paths ignored.
    return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "logah"
