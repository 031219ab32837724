"""A transformers directory from a prediction's events: config.json and model.safetensors."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from logah.client.checked_plan import Plan
from logah.client.partial_file import output_directory, whole_file, write_all
from logah.client.prediction_stream import Summary
from logah.client.safetensors_file import SafetensorsWriter
from logah.client.source import Architecture


@dataclass(frozen=True)
class SavedPrediction:
    """A prediction that is complete and on disk."""

    plan: Plan
    summary: Summary
    #: `model.safetensors` in the directory.
    path: Path
    #: `config.json` beside it; None for a graph, and where it was read from there.
    config_path: Path | None
    #: From the call until the files were on disk.
    seconds: float


class Saving:
    """Where the events go, and what came of it once the block of `saving` has ended."""

    def __init__(self, writer: SafetensorsWriter, path: Path, config_path: Path | None) -> None:
        self.accept = writer.accept
        self._writer = writer
        self._path = path
        self._config_path = config_path
        self._start = time.perf_counter()

    def result(self) -> SavedPrediction:
        """To be called behind the block."""
        plan, summary = self._writer.plan, self._writer.summary
        if plan is None or summary is None:
            raise RuntimeError("the events ended before the summary")
        return SavedPrediction(plan, summary, self._path, self._config_path, time.perf_counter() - self._start)


@contextlib.contextmanager
def saving(architecture: Architecture, directory: Path, seed: int) -> Iterator[Saving]:
    """Both files appear when the block ends; where it raises anything, nothing is left that was not there before."""
    path = directory / "model.safetensors"
    config_path: Path | None = directory / "config.json"
    if architecture.config is None or _is_same(architecture.path, directory / "config.json"):
        config_path = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(output_directory(directory))
        if config_path is not None and architecture.config is not None:
            # First in and last out: the weights are in their place before their configuration is.
            write_all(stack.enter_context(whole_file(config_path)), architecture.config)
        writer = SafetensorsWriter(stack.enter_context(whole_file(path)), seed)
        yield Saving(writer, path, config_path)


def _is_same(a: Path | None, b: Path) -> bool:
    return a is not None and a.resolve() == b.resolve()
