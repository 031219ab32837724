"""Data: packages as arrays, images and texts of one's own, and libraries that need not be installed."""

from __future__ import annotations

import struct
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from minute import MINUTE, MINUTE_GPT2
from PIL import Image

from logah.commands import data as data_command
from logah.data import mnist, shakespeare
from logah.data.mnist import load_mnist, prepare_mnist, read_idx
from logah.data.prepared import sha256_of
from logah.data.shakespeare import load_shakespeare, prepare_shakespeare, scenes_of
from logah.data.source import HubData, ImageFolder, TorchvisionData, describe, load_images, split_text
from logah.data.token_files import save_tokens, split_documents
from logah.data.tokenizer import END_OF_TEXT, Tokenizer, train_tokenizer
from logah.errors import DataError
from logah.targets.gpt2 import Gpt2Task
from logah.targets.vit import VitTask
from logah.training.configuration import train_configuration
from logah.training.tasks import load_task

LINE = "And God said, Let there be light: and there was light."
PLAY = "\n\n\n".join(["THE PLAY", "SCENE: Rome.", "ACT I.", "Scene I. A street.", "Enter."])


def tarball(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


def idx(array: np.ndarray) -> bytes:
    return b"\x00\x00\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def image_folder(directory: Path, counts: dict[str, int]) -> Path:
    """Pictures of another shape, mode and format each, as bright as their place in their class."""
    for name, count in counts.items():
        (directory / name).mkdir(parents=True)
        for place in range(count):
            mode, kind = (("L", "png"), ("RGB", "jpg"), ("RGBA", "png"))[place % 3]
            picture = Image.new("L", (30 + place, 40), place * 5).convert(mode)
            picture.save(directory / name / f"{place:03}.{kind}")
    (directory / "notes.txt").write_text("not an image")
    return directory


def test_a_package_of_idx_files_becomes_images_with_the_published_test_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 28, 28), dtype=np.uint8)
    labels = np.arange(60, dtype=np.uint8) % 10
    files = dict(zip(mnist.MEMBERS.values(), map(idx, (pixels, labels, pixels[:20], labels[:20])), strict=True))
    package = tarball(tmp_path / "mnist.tgz", {f"package/data/{name}": content for name, content in files.items()})
    with pytest.raises(DataError, match="sha256"):
        prepare_mnist(package, tmp_path)
    with pytest.raises(DataError, match="run `python -m logah data mnist`"):
        load_mnist(tmp_path)

    monkeypatch.setattr(mnist, "PACKAGE_SHA256", sha256_of(package))
    monkeypatch.setattr(mnist, "VALIDATION_PER_CLASS", 2)
    prepare_mnist(package, tmp_path / "cache")
    splits = load_mnist(tmp_path / "cache")
    assert [len(split) for split in (splits.train, splits.validation, splits.test)] == [40, 20, 20]
    expected = (torch.from_numpy(pixels[40:]).unsqueeze(1).float() / 255 - mnist.MEAN) / mnist.STANDARD_DEVIATION
    assert torch.equal(splits.validation.images, expected)
    assert splits.validation.labels.bincount().tolist() == [2] * 10
    with pytest.raises(ValueError, match="begins with 000008, this with 000009"):
        read_idx(b"\x00\x00\x09\x01\x00\x00\x00\x00")


def test_a_second_text_is_read_with_the_tokenizer_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = "\n\n".join(f"{'Scene' if n % 2 else 'SCENE'} {'IVX'[n % 3]}. A place.\n\nSpeech {n}." for n in range(10))
    files = {f"{shakespeare.TEXTS}/{play}_gut.txt": f"{PLAY}\n\n{scenes}" for play in shakespeare.PLAYS}
    package = tarball(tmp_path / "shakespeare.tar.gz", {name: text.encode() for name, text in files.items()})
    with pytest.raises(DataError, match="sha256"):
        prepare_shakespeare(package, tmp_path)
    with pytest.raises(DataError, match="run `python -m logah data shakespeare`"):
        load_shakespeare(tmp_path)

    monkeypatch.setattr(shakespeare, "PACKAGE_SHA256", sha256_of(package))
    prepare_shakespeare(package, tmp_path)
    with pytest.raises(DataError, match="run `python -m logah data kjv`"):
        load_shakespeare(tmp_path)

    tokenizer = train_tokenizer([LINE] * 5, 300)
    save_tokens(tmp_path / "kjv", split_documents([LINE] * 40), tokenizer)
    splits = load_shakespeare(tmp_path)
    assert splits.vocabulary == tokenizer.vocabulary
    # 66 scenes, of which three are the 20th of 20.
    text = tokenizer.inner.decode(splits.test.tolist(), skip_special_tokens=False)
    assert text.count(END_OF_TEXT) == 3
    assert text.startswith("Scene V. A place.\n\nSpeech 7.\n")


def test_a_play_is_cut_into_scenes_without_its_front_and_the_headings_of_acts() -> None:
    play = f"{PLAY}\n\nACT II.\n\nSCENE II. Rome.\r\n\r\nActs and scenes.\n\nScene of woe.\n"
    assert scenes_of(play) == [
        "Scene I. A street.\n\n\nEnter.\n",
        "SCENE II. Rome.\n\nActs and scenes.\n\nScene of woe.\n",
    ]


def test_images_of_ones_own_are_cut_square_and_split_by_class(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", {"cat": 40, "dog": 3})
    config = train_configuration({**MINUTE, "data": {"images": str(folder)}}, "test")
    task = load_task(config, tmp_path / "cache")
    assert isinstance(task, VitTask)
    train, validation, test = task.data.train, task.data.validation, task.data.test
    assert [split.labels.bincount().tolist() for split in (train, validation, test)] == [[34, 1], [2, 1], [4, 1]]
    # The first images of a split are of every class.
    assert validation.labels.tolist() == [0, 1, 0]
    assert test.images.dtype == torch.uint8
    assert test.images[0].unique().tolist() == [36 * 5]
    pixels = train.images.double() / 255
    images, _ = train.take(torch.arange(len(train)))
    assert images.shape == (35, 1, 28, 28)
    assert torch.allclose(images.double(), (pixels - pixels.mean()) / pixels.std(correction=0), atol=1e-5)
    inputs, labels = task.batch({}, 5, torch.Generator().manual_seed(0))
    assert inputs.shape == (5, 1, 28, 28)
    assert labels.shape == (5,)
    batches = list(task.batches({}, "test", limit=3))
    assert [len(targets) for _, targets in batches] == [3]


def test_images_have_the_channels_that_the_space_asks_for(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", {"cat": 3, "dog": 3})
    splits = load_images(ImageFolder(str(folder)), tmp_path, size=10, channels=3)
    assert splits.train.images.shape == (2, 3, 10, 10)


@pytest.mark.parametrize(
    ("counts", "message"),
    [({}, "has no subdirectories"), ({"cat": 2}, "cat has 2 images; a class has at least 3")],
    ids=str,
)
def test_a_folder_without_enough_images_is_refused(counts: dict[str, int], message: str, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match=message):
        load_images(ImageFolder(str(image_folder(tmp_path / "images", counts))), tmp_path, 10, 1)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", {"cat": 3})
    (folder / "cat" / "broken.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"cat/broken\.png: cannot identify"):
        load_images(ImageFolder(str(folder)), tmp_path, 10, 1)
    with pytest.raises(DataError, match="nowhere is no directory"):
        load_images(ImageFolder(str(tmp_path / "nowhere")), tmp_path, 10, 1)


def test_data_that_the_networks_cannot_read_are_refused(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", {f"class {label:02}": 3 for label in range(11)})
    with pytest.raises(DataError, match="there are 11 classes; space: num_labels is 10"):
        load_task(train_configuration({**MINUTE, "data": {"images": str(folder)}}, "test"), tmp_path)
    text = tmp_path / "short.txt"
    text.write_text(LINE)
    space = {**MINUTE_GPT2["space"], "vocab_size": 300}
    config = {**MINUTE_GPT2, "data": {"text": str(text)}}
    with pytest.raises(DataError, match="train has 14 tokens; space: contexts asks for at least 33"):
        load_task(train_configuration({**config, "space": space}, "test"), tmp_path)
    with pytest.raises(DataError, match="vocab_size: got 64, a tokenizer of the text's own has 257 to 65536"):
        load_task(train_configuration(config, "test"), tmp_path)
    text.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"short\.txt: 'utf-8'"):
        load_task(train_configuration({**config, "space": space}, "test"), tmp_path)


def test_a_text_of_ones_own_gets_a_tokenizer_of_its_training_part_and_keeps_it(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{LINE} {number}\n" for number in range(800)))
    space = {**MINUTE_GPT2["space"], "vocab_size": 300}
    config = train_configuration({**MINUTE_GPT2, "space": space, "data": {"text": str(text)}}, "test")
    first, again = (load_task(config, tmp_path / "cache") for _ in range(2))
    assert isinstance(first, Gpt2Task)
    assert isinstance(again, Gpt2Task)
    assert torch.equal(first.data.train, again.data.train)
    assert first.data.vocabulary <= 300
    assert len(list((tmp_path / "cache/texts").iterdir())) == 1
    tokenizer = Tokenizer.load(next((tmp_path / "cache/texts").iterdir()))
    parts = [
        tokenizer.inner.decode(tokens.tolist()) for tokens in (first.data.train, first.data.validation, first.data.test)
    ]
    assert "".join(parts) == text.read_text()
    assert all(part.endswith("\n") for part in parts)
    assert [round(len(part) / len(text.read_text()), 2) for part in parts] == [0.90, 0.05, 0.05]


def test_a_text_without_lines_is_split_all_the_same() -> None:
    assert [len(part) for (part,) in split_text("x" * 100).values()] == [90, 5, 5]


def test_a_long_text_gives_the_same_tokens_in_blocks_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{LINE}\n  {LINE}\n\n\n{LINE} \n{LINE}\n" * 20
    tokenizer = train_tokenizer([text], 400)
    whole = tokenizer.encode(text)
    monkeypatch.setattr("logah.data.tokenizer.BLOCK", 10)
    assert np.array_equal(tokenizer.encode(text), whole)
    assert np.array_equal(tokenizer.encode_documents([text]), whole)
    assert tokenizer.encode("").tolist() == [0]


@pytest.mark.parametrize(
    ("source", "package"),
    [(TorchvisionData("CIFAR10"), "torchvision"), (HubData("cifar10"), "datasets")],
    ids=["torchvision", "datasets"],
)
def test_a_library_that_is_missing_is_named(
    source: Any, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DataError, match=f"data: {package} needs the Python package {package}: pip install {package}"):
        load_images(source, tmp_path, 28, 1)


class Pictures(list[Any]):
    """What torchvision calls a dataset: so many pictures, of classes in order."""

    def __init__(self, root: str, train: bool = True, download: bool = False) -> None:
        assert download
        super().__init__((Image.new("RGB", (12, 12), (i, 0, 0)), i // 10) for i in range(40 if train else 10))


def test_a_dataset_of_torchvision_keeps_its_test_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torchvision")
    monkeypatch.setattr(module, "datasets", SimpleNamespace(Pictures=Pictures), raising=False)
    monkeypatch.setitem(sys.modules, "torchvision", module)
    splits = load_images(TorchvisionData("Pictures"), tmp_path, 28, 3)
    assert [len(split) for split in (splits.train, splits.validation, splits.test)] == [38, 2, 10]
    assert splits.validation.labels.tolist() == [1, 3]
    with pytest.raises(DataError, match=r"torchvision.datasets has no class 'CIFAR'"):
        load_images(TorchvisionData("CIFAR"), tmp_path, 28, 3)


class Column(list[dict[str, Any]]):
    """What `datasets` calls a split."""

    @property
    def column_names(self) -> list[str]:
        return list(self[0])


def test_a_dataset_of_the_hub_is_split_where_it_has_no_test_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("datasets")
    rows = Column({"image": Image.new("L", (9, 9), i), "fine": i % 10, "text": f"{LINE} {i} " * 9} for i in range(40))
    monkeypatch.setattr(module, "load_dataset", lambda name, subset: {"train": rows}, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", module)
    splits = load_images(HubData("any", label="fine"), tmp_path, 28, 1)
    assert splits.validation.labels.tolist() == [8, 8]
    assert splits.test.labels.tolist() == [9, 9]
    with pytest.raises(DataError, match="has no column 'label', only image, fine, text; the fields image, label"):
        load_images(HubData("any"), tmp_path, 28, 1)

    space = {**MINUTE_GPT2["space"], "vocab_size": 300}
    task = load_task(train_configuration({**MINUTE_GPT2, "space": space, "data": {"datasets": "any"}}, "t"), tmp_path)
    assert isinstance(task, Gpt2Task)
    assert (task.data.test == 0).sum() == 2


def test_every_data_set_of_the_command_is_described_and_pinned() -> None:
    for name, package in data_command.DATASETS.items():
        module = sys.modules.get(package.module) or __import__(package.module, fromlist=["PACKAGE"])
        assert module.PACKAGE == package.requirement
        assert len(module.PACKAGE_SHA256) == 64
        family = MINUTE if name in ("fashion-mnist", "mnist") else MINUTE_GPT2
        version = package.requirement.replace("==", "@").rpartition("@")[2]
        assert version in describe(train_configuration({**family, "data": name}, "test").data)
