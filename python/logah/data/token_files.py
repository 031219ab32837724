"""Texts as files of tokens, beside the tokenizer that made them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from logah.data.prepared import write_whole
from logah.data.splits import TokenSplits
from logah.data.tokenizer import TOKENIZER, TOKENIZER_CONFIG, Tokenizer, train_tokenizer

SPLITS = ("train", "validation", "test")
EVERY = 20


def split_documents(documents: Sequence[str]) -> dict[str, list[str]]:
    """Of every 20 documents the 19th for validation and the 20th for testing."""
    of = {EVERY - 2: "validation", EVERY - 1: "test"}
    splits: dict[str, list[str]] = {name: [] for name in SPLITS}
    for index, document in enumerate(documents):
        splits[of.get(index % EVERY, "train")].append(document)
    return splits


def save_tokens(directory: Path, splits: Mapping[str, Sequence[str]], tokenizer: Tokenizer) -> None:
    """Encodes the documents of each split; the tokenizer is written last, so that where it is all of them are."""
    for name in SPLITS:
        tokens = np.concatenate([np.empty(0, np.uint16), *map(tokenizer.encode, splits[name])])
        write_whole(directory / f"{name}.npy", lambda file, tokens=tokens: np.save(file, tokens))  # type: ignore[misc]
    tokenizer.save(directory)


def load_tokens(directory: Path) -> TokenSplits:
    """Reads what `save_tokens` wrote."""
    splits = {name: torch.from_numpy(np.load(directory / f"{name}.npy").astype(np.int64)) for name in SPLITS}
    return TokenSplits(**splits, vocabulary=Tokenizer.load(directory).vocabulary, tokenizer=directory)


def encoded(splits: Mapping[str, Sequence[str]], tokenizer: Path) -> TokenSplits:
    """The documents of each split as tokens of a tokenizer that another text trained."""
    loaded = Tokenizer.load(tokenizer)
    tokens = {name: torch.from_numpy(loaded.encode_documents(splits[name]).astype(np.int64)) for name in SPLITS}
    return TokenSplits(**tokens, vocabulary=loaded.vocabulary, tokenizer=tokenizer)


def own_tokens(splits: Mapping[str, Sequence[str]], vocabulary: int, cache: Path) -> TokenSplits:
    """The documents as tokens of a BPE trained on the training split; kept under `cache` by their digest."""
    content = json.dumps([vocabulary, *(list(splits[name]) for name in SPLITS)]).encode()
    directory = cache / "texts" / hashlib.sha256(content).hexdigest()[:16]
    if not (directory / TOKENIZER).exists():
        save_tokens(directory, splits, train_tokenizer(splits["train"], vocabulary))
    return load_tokens(directory)


def copy_tokenizer(tokens: TokenSplits, directory: Path) -> None:
    """Copies the text's tokenizer, where it has one, to where `logah export --tokenizer` may take it from."""
    if tokens.tokenizer is not None:
        directory.mkdir(parents=True, exist_ok=True)
        for name in (TOKENIZER_CONFIG, TOKENIZER):
            shutil.copyfile(tokens.tokenizer / name, directory / name)
