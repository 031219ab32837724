"""Flags that several commands of the client share, and how their values are read."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from logah.commands.security_flags import add_security_flags

if TYPE_CHECKING:
    from logah.client import PredictOptions
    from logah.client.architecture import Architecture

#: As the flag has them -> as a request has them.
_DTYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}

_MAX_SEED = 2**53 - 1
_MAX_SHARDS = 65536
_MAX_COPIES = 1024
_MAX_BLEND = 10
#: Seconds; a day.
_MAX_PATIENCE = 86_400


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """`--server`, which must be there, `--patience`, and those of security."""
    parser.add_argument(
        "--server",
        type=_servers,
        required=True,
        metavar="HOST:PORT,...",
        help="the server to ask, or several with the same models, of which the others go on where one fails",
    )
    parser.add_argument(
        "--patience",
        type=integer(0, _MAX_PATIENCE),
        metavar="SECONDS",
        help="how long a server may be away before the command fails; what has come is kept meanwhile (default: 60, "
        "and 2 where none has answered yet)",
    )
    add_security_flags(parser)


def add_request_flags(parser: argparse.ArgumentParser) -> None:
    """The network, and what to predict of it; the flags are those of the Node.js command line."""
    parser.add_argument(
        "config",
        metavar="CONFIG",
        help="a transformers config.json or a directory that holds one, an ONNX file, an architecture graph in JSON, "
        "or - for standard input",
    )
    add_server_flags(parser)
    parser.add_argument(
        "--model",
        default="",
        help="model that predicts, or a built-in start such as default (default: the server chooses by family)",
    )
    parser.add_argument(
        "--dtype", choices=tuple(_DTYPES), default="f32", help="element type of the tensors (default: f32)"
    )
    parser.add_argument(
        "--seed", type=integer(0, _MAX_SEED), default=0, help="seed of what is drawn at random (default: 0)"
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
    parser.add_argument("--strict", action="store_true", help="refuse a network with parameters that are not predicted")
    parser.add_argument(
        "--copies",
        type=integer(1, _MAX_COPIES),
        default=0,
        help="make the network of so many copies of a narrower one that computes the same function, as the model "
        "predicts it; 1 predicts the network as it is (default: as many as bring its widths into what the model was "
        "trained on)",
    )
    parser.add_argument(
        "--lift",
        type=_noise,
        default=0.0,
        metavar="TIMES",
        help="add seeded normal noise to what is predicted, so many times the standard deviation of each matrix, "
        "kernel and embedding, 0 to 10; it has full rank, lets the copies of a narrower network part, and is sent "
        "dense or as cores (default: none)",
    )
    parser.add_argument(
        "--strength",
        type=_strength,
        default=1.0,
        metavar="FACTOR",
        help="multiply each predicted matrix, kernel and embedding by it, and have vectors as far from what they start "
        "as, above 0 and at most 10 (default: 1)",
    )
    parser.add_argument(
        "--base",
        type=_noise,
        default=0.0,
        metavar="TIMES",
        help="add seeded normal noise to them, so many times the standard deviation of the network's own random start, "
        "0 to 10; for a long training of a language model, --strength 0.3 --base 1 (default: none)",
    )


def read_input(arguments: argparse.Namespace) -> Architecture:
    """The network of `add_request_flags`; errors as for `read_source`."""
    from logah.client.source import read_source
    from logah.client.source_file import content_architecture

    if arguments.config == "-":
        return content_architecture(sys.stdin.buffer.read(), "standard input")
    return read_source(arguments.config)


def output_path(text: str) -> Path:
    """The path of a directory to write."""
    if not text:
        raise argparse.ArgumentTypeError("expected the path of a directory")
    return Path(text)


def request_options(arguments: argparse.Namespace) -> PredictOptions:
    """What the flags of `add_request_flags` say, as the client takes it."""
    return {
        "model": arguments.model,
        "seed": arguments.seed,
        "dtype": _DTYPES[arguments.dtype],  # type: ignore[typeddict-item]
        "select": arguments.select,
        "shard": arguments.shard,
        "strict": arguments.strict,
        "copies": arguments.copies,
        "lift": arguments.lift,
        "strength": arguments.strength,
        "base": arguments.base,
    }


def server(text: str) -> str:
    """HOST:PORT."""
    match = re.fullmatch(r"[^\s/]+:(\d{1,5})", text)
    if match is None or not 1 <= int(match[1]) <= 65535:
        raise argparse.ArgumentTypeError("expected HOST:PORT, such as 127.0.0.1:50051")
    return text


def integer(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers in a range."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\d+", text, re.ASCII) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}")
        return int(text)

    return read


def _servers(text: str) -> list[str]:
    return [server(part) for part in text.split(",")]


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
    index, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not index < count <= _MAX_SHARDS:
        raise argparse.ArgumentTypeError(
            f"expected INDEX/COUNT with INDEX below COUNT, at most {_MAX_SHARDS}, such as 0/4"
        )
    return index, count


def _noise(text: str) -> float:
    if not 0 <= _positive(text) <= _MAX_BLEND:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {_MAX_BLEND}, such as 0.1")
    return float(text)


def _strength(text: str) -> float:
    if not 0 < _positive(text) <= _MAX_BLEND:
        raise argparse.ArgumentTypeError(f"expected a number above 0 and at most {_MAX_BLEND}, such as 0.3")
    return float(text)


def _positive(text: str) -> float:
    """A number of at least 0; NaN: the text is none."""
    is_number = re.fullmatch(r"\d*\.?\d+(e-?\d+)?", text, re.ASCII | re.IGNORECASE)
    return float(text) if is_number else float("nan")
