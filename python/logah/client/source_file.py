"""A network's file, read as the Node.js command line reads it: the same files, and the same words for wrong ones."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from logah.client._generated import architecture_pb2
from logah.client.architecture import Architecture, text_architecture
from logah.client.onnx_contents import onnx_contents, onnx_contents_of
from logah.client.onnx_file import stripped_onnx, stripped_onnx_of
from logah.errors import SourceError

#: Bytes that are enough to know a file by.
_HEAD_BYTES = 512

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _begins(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magic)


def _is_safetensors(head: bytes) -> bool:
    """Eight bytes of length, then JSON."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100_000_000


_BESIDE = "the config.json beside it has the architecture"
_KINDS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("empty", lambda head: not head),
    (
        "a Git LFS pointer, which stands for the file; `git lfs pull` fetches the file itself",
        _begins(b"version https://git-lfs.github.com/spec/"),
    ),
    (
        "a web page, not what it links to",
        lambda head: re.match(rb"\s*<(!doctype html|html)", head, re.IGNORECASE) is not None,
    ),
    (f"a safetensors file, which holds weights; {_BESIDE}", _is_safetensors),
    (f"a ZIP archive, such as a PyTorch checkpoint, which holds weights; {_BESIDE}", _begins(b"PK\x03\x04")),
    (f"a pickle, which holds weights or code; {_BESIDE}", _begins(b"\x80\x02")),
    (
        "a GGUF file, which holds weights; the config.json of the original model has the architecture",
        _begins(b"GGUF"),
    ),
    ("an HDF5 file; export the model as ONNX", _begins(b"\x89HDF")),
    ("compressed (gzip); decompress it first", _begins(b"\x1f\x8b")),
    ("text in UTF-16; expected UTF-8", _begins(b"\xff\xfe", b"\xfe\xff")),
)


def file_architecture(given: str | os.PathLike[str]) -> Architecture:
    """The architecture of an ONNX file (known by the ending `.onnx` or its first bytes), of a config.json or a graph;
    of a directory that of its config.json.

    Raises SourceError, which names the file and says what it is instead where that can be told, and OSError where it
    cannot be read.
    """
    if not os.fspath(given):
        raise SourceError("the path of the architecture is empty")
    path = _config_of(Path(given))
    if not path.is_file() and path.exists():
        # What cannot be read twice, such as a pipe.
        return content_architecture(path.read_bytes(), str(path), path)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    _refuse_wrong_kind(head, str(path))
    if path.suffix == ".onnx" or _looks_like_onnx(head):
        message = architecture_pb2.Architecture(onnx=stripped_onnx(path), onnx_contents=onnx_contents(path))
        return Architecture(message, None, path)
    return content_architecture(path.read_bytes(), str(path), path)


def content_architecture(content: bytes, name: str, path: Path | None = None) -> Architecture:
    """The architecture of a file's content. Raises SourceError, which says `name`."""
    _refuse_wrong_kind(content[:_HEAD_BYTES], name)
    if _looks_like_onnx(content):
        onnx, contents = stripped_onnx_of(content, name), onnx_contents_of(content, name)
        return Architecture(architecture_pb2.Architecture(onnx=onnx, onnx_contents=contents), None, path)
    return text_architecture(content.removeprefix(_BYTE_ORDER_MARK), name, path)


def _config_of(given: Path) -> Path:
    if not given.is_dir():
        return given
    config = given / "config.json"
    if not config.exists():
        raise SourceError(f"{given} is a directory without a config.json")
    return config


def _refuse_wrong_kind(head: bytes, name: str) -> None:
    for kind, is_kind in _KINDS:
        if is_kind(head):
            raise SourceError(f"{name} is {kind}")


def _looks_like_onnx(head: bytes) -> bool:
    """The version of the format, field 1 of an ONNX file, comes first in those that tools write."""
    return len(head) > 1 and head[0] == 0x08 and 0 < head[1] < 64
