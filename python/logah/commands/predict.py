"""`logah predict`: predicts the parameters of a network and writes them to a safetensors file."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logah.client import Event, LogahError, SavedPrediction

#: As the flag has them -> as a request has them.
DTYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}

_MAX_SEED = 2**53 - 1
_MAX_SHARDS = 65536
_MAX_COPIES = 1024
_MAX_LIFT = 10
_MAX_PATIENCE = 86_400
_CHUNK_BYTES = (4096, 4 << 20)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser; its flags are those of the Node.js command line."""
    parser = subparsers.add_parser(
        "predict",
        help="predict the parameters of a network and write them to a safetensors file",
        description="Asks a server for the parameters of a network and writes model.safetensors, with config.json "
        "beside it.",
    )
    parser.add_argument(
        "config", type=Path, metavar="CONFIG", help="a transformers config.json, an ONNX file, or a graph in JSON"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the directory to write")
    parser.add_argument(
        "--server",
        type=_servers,
        required=True,
        metavar="HOST:PORT,...",
        help="the server to ask, or several with the same models, of which the others go on where one fails",
    )
    parser.add_argument(
        "--patience",
        type=_integer(0, _MAX_PATIENCE),
        metavar="SECONDS",
        help="how long a server may be away before the command fails; what has come is kept meanwhile (default: 60, "
        "and 2 where none has answered yet)",
    )
    parser.add_argument("--model", default="", help="model that predicts (default: the server chooses by family)")
    parser.add_argument(
        "--dtype", choices=tuple(DTYPES), default="f32", help="element type of the tensors (default: f32)"
    )
    parser.add_argument(
        "--seed", type=_integer(0, _MAX_SEED), default=0, help="seed of what is drawn at random (default: 0)"
    )
    parser.add_argument(
        "--select",
        nargs="+",
        metavar="PATTERN",
        help="send only tensors whose name matches a pattern; * is any run of characters, ? is one (default: all)",
    )
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="INDEX/COUNT",
        help="send only one rank's rows of every tensor, as PyTorch's FSDP cuts dimension 0; 0/4 is the first of four",
    )
    parser.add_argument(
        "--chunk-bytes", type=_integer(*_CHUNK_BYTES), default=1 << 20, help="largest chunk (default: 1048576)"
    )
    parser.add_argument(
        "--representation",
        choices=("dense", "factors", "core"),
        default="dense",
        help="what is sent: every element, low-rank factors that are multiplied here, or what the factors are made of; "
        "the same tensors, to rounding, from far fewer bytes (default: dense)",
    )
    parser.add_argument("--factors", action="store_true", help="short for --representation factors")
    parser.add_argument("--sha256", action="store_true", help="also compare the SHA-256 of every tensor")
    parser.add_argument("--strict", action="store_true", help="refuse a network with parameters that are not predicted")
    parser.add_argument(
        "--copies",
        type=_integer(1, _MAX_COPIES),
        default=0,
        help="make the network of so many copies of a narrower one that computes the same function, as the model "
        "predicts it; 1 predicts the network as it is (default: as many as bring its widths into what the model was "
        "trained on)",
    )
    parser.add_argument(
        "--lift",
        type=_lift,
        default=0.0,
        metavar="STRENGTH",
        help="add seeded normal noise to what is predicted, so many times the standard deviation of each matrix, "
        "kernel and embedding, 0 to 10; it has full rank, lets the copies of a narrower network part, and is sent "
        "dense only (default: none)",
    )
    parser.add_argument("--quiet", action="store_true", help="show only warnings and errors")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predicts; prints a table. Returns 1 where it failed, and 128 plus its number where a signal ended it."""
    from logah.client import LogahError

    try:
        with _signals_raise():
            saved = _predict(arguments)
    except _Interrupted as interruption:
        print(f"interrupted by {interruption.signal.name}", file=sys.stderr)
        return 128 + interruption.signal
    except LogahError as error:
        print(f"error: {_described(error)}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(_report(saved, arguments.seed), indent=2))
    elif not arguments.quiet:
        print(_table(arguments.out.resolve().name, saved))
        print(f"wrote {saved.path} (model {saved.plan.model})")
    return 0


def _predict(arguments: argparse.Namespace) -> SavedPrediction:
    from tqdm import tqdm

    from logah.client import DataEvent, PlanEvent, connect
    from logah.client.wire.expansion import cache_directory

    with contextlib.ExitStack() as stack:
        client = stack.enter_context(
            connect(arguments.server, cache_directory=cache_directory(), patience=arguments.patience)
        )
        bars: list[tqdm[Any]] = []

        def show(event: Event) -> None:
            if isinstance(event, PlanEvent):
                for warning in event.plan.warnings:
                    print(f"warning: {warning.text}", file=sys.stderr)
                bar = tqdm(
                    total=event.plan.total_bytes,
                    unit="B",
                    unit_scale=True,
                    desc=arguments.out.resolve().name,
                    disable=arguments.quiet,
                )
                bars.append(stack.enter_context(bar))
            elif isinstance(event, DataEvent):
                bars[0].update(len(event.data))

        return client.save(
            arguments.config,
            arguments.out,
            model=arguments.model,
            seed=arguments.seed,
            dtype=DTYPES[arguments.dtype],  # type: ignore[arg-type]
            select=arguments.select,
            shard=arguments.shard,
            chunk_bytes=arguments.chunk_bytes,
            sha256=arguments.sha256,
            strict=arguments.strict,
            copies=arguments.copies,
            lift=arguments.lift,
            representation="factors" if arguments.factors else arguments.representation,
            on_event=show,
        )


class _Interrupted(BaseException):
    """A signal ends the command."""

    def __init__(self, signal_: signal.Signals) -> None:
        super().__init__(signal_.name)
        self.signal = signal_


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """The first SIGINT or SIGTERM raises, so that files are cleaned up; the second ends the process at once."""
    both = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for handled in both:
            signal.signal(handled, signal.SIG_DFL)
        raise _Interrupted(signal.Signals(number))

    before = [signal.signal(handled, interrupt) for handled in both]
    try:
        yield
    finally:
        for handled, handler in zip(both, before, strict=True):
            signal.signal(handled, handler)


def _described(error: LogahError) -> str:
    from logah.client import RemoteError

    if not isinstance(error, RemoteError):
        return str(error)
    lines = [str(error)]
    if error.violations:
        lines = ["the request is wrong", *(f"  {wrong.field}: {wrong.description}" for wrong in error.violations)]
    if error.retry_after is not None:
        lines.append(f"try again in {error.retry_after:.1f} s")
    return "\n".join(lines)


def _table(name: str, saved: SavedPrediction) -> str:
    plan, summary, coverage = saved.plan, saved.summary, saved.plan.coverage
    cells = {
        "network": name,
        "tensors": f"{len(plan.tensors):,}",
        "parameters": f"{coverage.parameters:,}",
        "predicted": f"{coverage.predicted:,}",
        "tiled": f"{coverage.tiled:,}",
        "by rule": f"{coverage.initialized:,}",
        "tied": f"{coverage.tied:,}",
        "size": _bytes(plan.total_bytes),
        "seconds": f"{saved.seconds:.2f}",
        "MB/s": f"{plan.total_bytes / saved.seconds / 1e6:.1f}",
        "server peak": _bytes(summary.peak_memory_bytes),
    }
    widths = [max(len(title), len(cell)) for title, cell in cells.items()]
    first, *rest = widths
    return "\n".join(
        "  ".join([line[0].ljust(first), *(cell.rjust(width) for cell, width in zip(line[1:], rest, strict=True))])
        for line in (tuple(cells), tuple(cells.values()))
    )


def _report(saved: SavedPrediction, seed: int) -> dict[str, Any]:
    """Sizes in bytes, times in seconds; the keys of the Node.js command line."""
    plan, summary = saved.plan, saved.summary
    return {
        "file": str(saved.path),
        "config": None if saved.config_path is None else str(saved.config_path),
        "model": plan.model,
        "fingerprint": plan.fingerprint,
        "family": plan.family,
        "seed": seed,
        "dtype": plan.element_type.safetensors,
        "tensors": len(plan.tensors),
        "sentTensors": len(plan.sent),
        "bytes": plan.total_bytes,
        "coverage": vars(plan.coverage),
        "widening": None if plan.widening is None else vars(plan.widening),
        "lift": plan.lift,
        "warnings": [vars(warning) for warning in plan.warnings],
        "seconds": saved.seconds,
        "bytesPerSecond": round(plan.total_bytes / saved.seconds),
        "serverTimings": {f"{name}Seconds": seconds for name, seconds in vars(summary.timings).items()},
        "serverPeakMemoryBytes": summary.peak_memory_bytes,
    }


def _bytes(count: float) -> str:
    """346270112 -> "346.3 MB" (1 MB = 10^6 bytes)."""
    for unit in ("B", "kB", "MB", "GB"):
        # 999.95 would be shown as 1000.0.
        if count < 999.95:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _servers(text: str) -> list[str]:
    servers = text.split(",")
    for server in servers:
        match = re.fullmatch(r"[^\s/]+:(\d{1,5})", server)
        if match is None or not 1 <= int(match[1]) <= 65535:
            raise argparse.ArgumentTypeError("expected HOST:PORT, such as 127.0.0.1:50051")
    return servers


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
    index, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not index < count <= _MAX_SHARDS:
        raise argparse.ArgumentTypeError(
            f"expected INDEX/COUNT with INDEX below COUNT, at most {_MAX_SHARDS}, such as 0/4"
        )
    return index, count


def _lift(text: str) -> float:
    if not re.fullmatch(r"\d*\.?\d+(e-?\d+)?", text, re.ASCII | re.IGNORECASE) or float(text) > _MAX_LIFT:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {_MAX_LIFT}, such as 0.1")
    return float(text)


def _integer(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers in a range."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\d+", text, re.ASCII) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}")
        return int(text)

    return read
