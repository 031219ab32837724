"""A transformers directory from a prediction's events: config.json and model.safetensors."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from logah.client._generated import logah_pb2
from logah.client.architecture import Architecture
from logah.client.files.generation_config import GENERATION_CONFIG, generation_config
from logah.client.files.kept_file import kept_file
from logah.client.files.safetensors_file import SafetensorsWriter, encode_header
from logah.client.partial_file import output_directory, whole_file, write_all
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import Summary
from logah.errors import RequestError


@dataclass(frozen=True)
class SavedPrediction:
    """A prediction that is complete and on disk."""

    plan: Plan
    summary: Summary
    #: `model.safetensors` in the directory; of a shard, a name that says which.
    path: Path
    #: `config.json` beside it; None for a graph, and where it was read from there.
    config_path: Path | None
    #: From the call until the files were on disk.
    seconds: float


class Saving:
    """Where the events go, and what came of it once the block of `saving` has ended."""

    def __init__(
        self,
        writer: SafetensorsWriter,
        path: Path,
        config: bytes | None,
        config_path: Path | None,
        stack: contextlib.ExitStack,
        start: int,
    ) -> None:
        #: Bytes of data that the file has already: whole tensors of the plan.
        self.start = start
        self.accept = writer.accept
        self._stack = stack
        self._writer = writer
        self._path = path
        self._config = config
        self._config_path = config_path
        self._start = time.perf_counter()

    @property
    def plan(self) -> Plan:
        """To be asked for once the events have come."""
        if self._writer.plan is None:
            raise RuntimeError("the events ended before the plan")
        return self._writer.plan

    @property
    def wants_tokenizer(self) -> bool:
        """Whether the model has one that the network reads. One that lies in the directory is the caller's own."""
        return self.plan.has_tokenizer and not any(self._path.parent.glob("tokenizer*.json"))

    def put_tokenizer(self, files: Mapping[str, bytes]) -> None:
        """Files that appear with the others when the block ends, and how text is generated with them."""
        generation = None if self._config is None else generation_config(self._config, files)
        if generation is not None and not self._path.with_name(GENERATION_CONFIG).exists():
            files = {**files, GENERATION_CONFIG: generation}
        for name, data in files.items():
            write_all(self._stack.enter_context(whole_file(self._path.with_name(name))), data)

    def result(self) -> SavedPrediction:
        """To be called behind the block."""
        plan, summary = self._writer.plan, self._writer.summary
        if plan is None or summary is None:
            raise RuntimeError("the events ended before the summary")
        return SavedPrediction(plan, summary, self._path, self._config_path, time.perf_counter() - self._start)


@contextlib.contextmanager
def saving(
    architecture: Architecture,
    given: str | os.PathLike[str],
    request: logah_pb2.PredictRequest,
    resumed: Plan | None = None,
) -> Iterator[Saving]:
    """Both files appear when the block ends; where it raises anything, nothing is left that was not there before.

    With `resumed`, the plan, what came stays as `NAME.partial`, and the next call for the same plan goes on with it.

    Raises RequestError where the path is empty or a file's, or the directory holds another network's config.json.
    """
    if not os.fspath(given):
        raise RequestError("directory is empty; expected the path of a directory")
    directory = Path(given)
    # Not the name of a whole model, which a loader would take the rows of one rank for.
    shard = request.shard if request.HasField("shard") else None
    path = directory / (f"shard-{shard.index}-of-{shard.count}.safetensors" if shard else "model.safetensors")
    metadata = {"logah.shard": f"{shard.index}/{shard.count}"} if shard else {}
    config_path: Path | None = directory / "config.json"
    if architecture.config is None or _is_same(architecture.path, directory / "config.json"):
        config_path = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(output_directory(directory))
        _refuse_other_config(architecture, directory / "config.json")
        if config_path is not None and architecture.config is not None:
            # First in and last out: the weights are in their place before their configuration is.
            write_all(stack.enter_context(whole_file(config_path)), architecture.config)
        start = 0
        if resumed is None:
            writer = SafetensorsWriter(stack.enter_context(whole_file(path)), request.seed, metadata)
        else:
            kept = stack.enter_context(kept_file(path))
            start = kept.begin(resumed, encode_header(resumed, request.seed, metadata))
            writer = SafetensorsWriter(kept.file, request.seed, metadata)
            writer.plan = resumed
        yield Saving(writer, path, architecture.config, config_path, stack, start)


def _refuse_other_config(architecture: Architecture, there: Path) -> None:
    """A configuration of another network in the directory is the caller's own, and the weights would not be its."""
    if architecture.config is None or not there.exists():
        return
    content = there.read_bytes()
    if content != architecture.config and _json_of(content) != _json_of(architecture.config):
        source = "the network's" if architecture.path is None else architecture.path
        raise RequestError(
            f"{there} is there and differs from {source}; give another directory (--out), or move it away"
        )


def _json_of(content: bytes) -> str | bytes:
    """The same text for the same JSON, whatever its order, spaces and ways to write a number; else the content."""
    try:
        return json.dumps(json.loads(content, parse_int=float), sort_keys=True)
    except (ValueError, RecursionError):
        return content


def _is_same(a: Path | None, b: Path) -> bool:
    return a is not None and a.resolve() == b.resolve()
