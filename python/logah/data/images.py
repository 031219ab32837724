"""Pictures as arrays: any size and mode in, uint8 [channels, S, S] out, in three splits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from logah.data.splits import ImageSplits, Split
from logah.errors import DataError

#: PIL's modes by their number of channels.
MODES = {1: "L", 3: "RGB"}
#: Of a class, one image of so many is for testing, and for validation.
TEST_ONE_OF, VALIDATION_ONE_OF = 10, 20
FEWEST = 3

#: Pictures uint8 [count, channels, S, S] and their classes, int64 [count].
Pictures = tuple[Tensor, Tensor]


def load_image_folder(directory: Path, size: int, channels: int) -> ImageSplits:
    """Images in one subdirectory a class; classes and files count in the order of their names.

    Of each class the last tenth is for testing, the twentieth before it for validation. Raises DataError where there
    are no images, fewer than three of a class, or one that PIL cannot read.
    """
    if not directory.is_dir():
        raise DataError(f"data: images: {directory} is no directory")
    extensions = Image.registered_extensions()
    files = {
        folder.name: sorted(file for file in folder.iterdir() if file.suffix.lower() in extensions)
        for folder in sorted(directory.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
    }
    if not files:
        raise DataError(f"data: images: {directory} has no subdirectories; expected one for each class")
    splits: dict[str, list[tuple[int, int, Path]]] = {"train": [], "validation": [], "test": []}
    for label, (name, of_class) in enumerate(files.items()):
        if len(of_class) < FEWEST:
            raise DataError(
                f"data: images: {directory / name} has {len(of_class)} images; a class has at least {FEWEST}"
            )
        parts = cut(len(of_class), len(of_class) // TEST_ONE_OF, len(of_class) // VALIDATION_ONE_OF)
        for split, part in parts.items():
            splits[split].extend((place, label, file) for place, file in enumerate(of_class[part]))
    # Sorted by place, so that the first images of a split are of every class.
    train, validation, test = (
        pictures(((_open(file), label) for _, label, file in sorted(splits[name])), size, channels)
        for name in ("train", "validation", "test")
    )
    return normalized(train, validation, test)


def cut(count: int, test: int, validation: int) -> dict[str, slice]:
    """The last `test` of `count` (at least one) for testing, the `validation` (at least one) before for validation."""
    first_test = count - max(1, test)
    first_validation = first_test - max(1, validation)
    return {
        "train": slice(0, first_validation),
        "validation": slice(first_validation, first_test),
        "test": slice(first_test, count),
    }


def pictures(items: Iterable[tuple[Image.Image, int]], size: int, channels: int) -> Pictures:
    """Cut to a square about their centre, resized, and made grey or coloured."""
    images, labels = [], []
    for image, label in items:
        square = ImageOps.fit(image.convert(MODES[channels]), (size, size), Image.Resampling.BILINEAR)
        images.append(np.asarray(square, dtype=np.uint8).reshape(size, size, channels).transpose(2, 0, 1))
        labels.append(label)
    return torch.from_numpy(np.stack(images)), torch.tensor(labels)


def normalized(train: Pictures, validation: Pictures, test: Pictures) -> ImageSplits:
    """Splits whose images are normalised, as they are taken, by the training pixels' mean and deviation."""
    # A histogram holds the moments of any number of pixels without a copy of them as floats.
    channels = [torch.bincount(pixels.flatten(), minlength=256).double() for pixels in train[0].unbind(1)]
    levels = torch.arange(256).double() / 255
    mean = torch.stack([(counts * levels).sum() / counts.sum() for counts in channels])
    square = torch.stack([(counts * levels**2).sum() / counts.sum() for counts in channels])
    deviation = (square - mean**2).clamp(min=0).sqrt().clamp(min=1e-3)
    of = {"mean": mean.float(), "deviation": deviation.float()}
    return ImageSplits(Split(*train, **of), Split(*validation, **of), Split(*test, **of))


def _open(file: Path) -> Image.Image:
    try:
        with Image.open(file) as image:
            image.load()
            return image
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"data: images: {file}: {error}") from None
