"""`logah export`: a checkpoint -> a bundle for the service."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from logah.errors import BundleError, LogahError

if TYPE_CHECKING:
    from logah.hypernet.hypernetwork import Hypernetwork

#: When the authors' language code changed from fan-in to standard deviations; seconds since 1970.
STD_SINCE = datetime(2024, 8, 27, tzinfo=timezone.utc).timestamp()

DESCRIPTION = """\
Writes a hypernetwork as a bundle: ONNX graphs and manifest.json, all that the service loads.

CHECKPOINT is one of our own training, or of the LoGAH or GHN-3 authors' code (torch.save; nothing in it is run)."""

EPILOG = """\
examples:
  logah export runs/vit/checkpoint.pt --out models/logah-tiny-vit --families vit --training runs/vit/record.json
  logah export logah-tiny.pt --out models/logah-tiny --name logah-tiny --cutoff 50"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = subparsers.add_parser(
        "export",
        help="write a checkpoint as a bundle for the service",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="the checkpoint file")
    parser.add_argument("--out", type=Path, required=True, metavar="DIRECTORY", help="the bundle to write")
    parser.add_argument("--name", help="name of the model (default: the directory's)")
    parser.add_argument("--description", default="", help="a sentence about the model")
    parser.add_argument(
        "--families",
        nargs="*",
        default=[],
        metavar="FAMILY",
        help="architectures it was trained on, as vit (default: none)",
    )
    parser.add_argument(
        "--training", type=Path, metavar="FILE", help="JSON object for the manifest's `training` (default: null)"
    )
    parser.add_argument(
        "--tokenizer",
        type=Path,
        metavar="DIRECTORY",
        help="tokenizer.json of the text that a language model was trained on, as `logah data` made it (default: none)",
    )
    parser.add_argument("--default", action="store_true", help="it answers for families that no model was trained on")
    parser.add_argument(
        "--cutoff",
        type=int,
        help="longest shortest path between nodes that counts (default: the checkpoint's; the authors' files do not "
        "say it, and get 250)",
    )
    parser.add_argument(
        "--normalization",
        choices=("auto", "fan_in", "std"),
        default="auto",
        help="how predicted weights are scaled: by fan-in, or to the architecture's own standard deviation (default: "
        "as our checkpoints say; the authors' files do not say it, and get fan_in, as those that they published have; "
        "their language code has used std since 27 August 2024)",
    )
    parser.add_argument(
        "--weights",
        choices=("auto", "ema", "last"),
        default="auto",
        help="which weights: their exponential moving average, or those of the last step (default: the average of "
        "our checkpoints, the last of the authors')",
    )
    parser.add_argument("--force", action="store_true", help="replace the bundle where it exists")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Exports; prints what was written."""
    from logah.export.bundle import BundleDescription, write_bundle
    from logah.hypernet.checkpoint import load_checkpoint

    try:
        training = None if arguments.training is None else _json_object(arguments.training)
        ema = {"auto": None, "ema": True, "last": False}[arguments.weights]
        normalization = None if arguments.normalization == "auto" else arguments.normalization
        loaded = load_checkpoint(arguments.checkpoint, ema=ema, cutoff=arguments.cutoff, normalization=normalization)
        if normalization is None and loaded.source == "authors" and _may_be_std(arguments.checkpoint, loaded.model):
            print(
                "logah export: normalised by fan-in, as the published language checkpoint is; a file of the authors' "
                "code since 27 August 2024 needs --normalization std",
                file=sys.stderr,
            )
        about = BundleDescription(
            name=arguments.name or arguments.out.resolve().name,
            description=arguments.description,
            families=arguments.families,
            training=training,
            tokenizer=arguments.tokenizer,
            default=arguments.default,
        )
        write_bundle(loaded.model, about, arguments.out, force=arguments.force)
    except (LogahError, OSError) as error:
        print(f"logah export: {error}", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in arguments.out.iterdir())
    print(f"{arguments.out}: {loaded.model.config.decoder} decoder, {size / 1e6:.1f} MB")
    return 0


def _may_be_std(path: Path, model: Hypernetwork) -> bool:
    """Whether a language checkpoint's date leaves room for the authors' later code; a copy may be of another day."""
    from logah.hypernet.config import LANGUAGE_OPERATIONS

    return model.config.operations == LANGUAGE_OPERATIONS and path.stat().st_mtime >= STD_SINCE


def _json_object(path: Path) -> dict[str, object]:

    try:
        value = json.loads(path.read_text())
    except ValueError as error:
        raise BundleError(f"{path}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise BundleError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value
