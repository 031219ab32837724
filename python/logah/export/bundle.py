"""Writes a bundle: a directory with a hypernetwork's ONNX graphs and a manifest."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logah.errors import BundleError
from logah.export.decoder_graphs import decoder_graphs
from logah.export.encoder_graph import encoder_graph
from logah.export.graph_writer import GraphSizeError
from logah.hypernet.hypernetwork import Hypernetwork

MANIFEST = "manifest.json"
FORMAT = "logah-bundle"
#: 1: an encoder that holds all pairs of nodes at a time, and a decoder of the factors of one node.
VERSION = 2
#: By transformers' names; the first is needed.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class BundleDescription:
    """What a manifest says beside the model itself. training: the JSON of a training record, None where unknown.

    families: architectures that the hypernetwork was trained on. tokenizer: directory of the one that it was trained
    with, where those architectures read text. default: whether it answers for families that no model was trained on.
    """

    name: str
    description: str = ""
    families: Sequence[str] = ()
    training: Mapping[str, Any] | None = None
    licence: str = "MIT"
    tokenizer: Path | None = None
    default: bool = False


def write_bundle(model: Hypernetwork, about: BundleDescription, directory: Path, *, force: bool = False) -> None:
    """Writes `directory` whole or not at all; the same model and description give the same bytes.

    Raises BundleError where the directory exists, unless `force` replaces it.
    """
    if directory.exists() and not force:
        raise BundleError(f"{directory} exists already; --force replaces it")
    try:
        files = {"encoder.onnx": encoder_graph(model.encoder), **decoder_graphs(model)}
    except GraphSizeError as error:
        raise BundleError(str(error)) from error
    tokenizer = {} if about.tokenizer is None else _tokenizer_files(about.tokenizer)
    files.update(tokenizer)
    files[MANIFEST] = manifest_bytes(model, about, files)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as temporary:
        staging = Path(temporary) / "bundle"
        staging.mkdir()
        for name, content in files.items():
            (staging / name).write_bytes(content)
        if directory.exists():
            directory.rename(Path(temporary) / "replaced")
        staging.rename(directory)


def manifest_bytes(model: Hypernetwork, about: BundleDescription, files: Mapping[str, bytes]) -> bytes:
    """The manifest as JSON, with the digest and size of each file."""
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "name": about.name,
        "description": about.description,
        "license": about.licence,
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in files.items()
        },
        "hypernet": model.config.to_json(),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "families": list(about.families),
        "training": about.training,
    }
    if about.default:
        manifest["default"] = True
    if about.tokenizer is not None:
        names = [name for name in TOKENIZER_FILES if name in files]
        manifest["tokenizer"] = {"vocab_size": _vocabulary(files[TOKENIZER_FILES[0]]), "files": names}
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()


def _tokenizer_files(directory: Path) -> dict[str, bytes]:
    """Raises BundleError where the directory holds no tokenizer."""
    if not (directory / TOKENIZER_FILES[0]).is_file():
        raise BundleError(f"{directory}: no {TOKENIZER_FILES[0]}")
    return {name: (directory / name).read_bytes() for name in TOKENIZER_FILES if (directory / name).is_file()}


def _vocabulary(tokenizer: bytes) -> int:
    """Number of tokens, those that were added to the model's own among them."""
    content = json.loads(tokenizer)
    return len({*content["model"]["vocab"], *(token["content"] for token in content["added_tokens"])})
