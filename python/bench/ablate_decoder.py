"""What the decoder's layout, slots and start values are each worth, at trained and held-out widths.

Trains every variant for a few hundred steps (patches of 7 only) with several seeds, all else being equal, and writes
zero-shot accuracies as JSON; `plot_ablation.py` draws them. Finished runs in the file are kept: it can be interrupted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from logah.data.cache import cache_directory
from logah.evaluation.zero_shot import zero_shot
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.families import FAMILIES
from logah.targets.task import Task, predict_state
from logah.targets.vit import VitSpace
from logah.training.configuration import read_configuration
from logah.training.train import Trainer

CONFIGURATION = Path(__file__).resolve().parents[1] / "configs" / "logah-tiny-vit-fashion.yaml"

_PUBLISHED = {"decoder": "low_rank", "shape_encoding": "table", "slots": 1}
_ALIGNED = {"decoder": "aligned", "shape_encoding": "smooth", "slots": 3}
#: What each variant changes of the shipped model's hypernetwork; whether its start values are spread; and
#: the step between trained widths. In steps of 8, biases of trained widths begin at every offset (modulo the rows of a
#: core row) that a held-out width needs; in steps of 16 they do not.
VARIANTS: dict[str, tuple[dict[str, Any], bool, int]] = {
    "published": (_PUBLISHED, False, 8),
    "published, widths in steps of 16": (_PUBLISHED, False, 16),
    "aligned": (_ALIGNED, False, 8),
    "aligned, widths in steps of 16": (_ALIGNED, False, 16),
    "aligned, spread start": (_ALIGNED, True, 8),
}
SPREAD = 0.3

#: Width 64 is trained; 72, 120 and 152 lie between trained widths; 256 is wider than any seen.
NETWORKS: tuple[dict[str, int], ...] = (
    {"width": 64, "layers": 3, "patch_size": 7, "heads": 4},
    {"width": 72, "layers": 3, "patch_size": 7, "heads": 9},
    {"width": 120, "layers": 4, "patch_size": 7, "heads": 6},
    {"width": 152, "layers": 4, "patch_size": 7, "heads": 19},
    {"width": 256, "layers": 4, "patch_size": 7, "heads": 8},
)
#: Layers of equal matrices: the likeness is measured on this network.
LIKENESS = NETWORKS[2]


def main() -> None:
    """Runs what is missing from the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the JSON file")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    runs = json.loads(arguments.out.read_text())["runs"] if arguments.out.exists() else []
    done = {(run["variant"], run["seed"]) for run in runs}
    settings = {"steps": arguments.steps, "learning_rate": arguments.rate, "batch_size": arguments.batch_size}
    for seed in arguments.seeds:
        for variant in VARIANTS:
            if (variant, seed) in done:
                continue
            run = {"variant": variant, "seed": seed, **_run(variant, seed, **settings)}
            runs.append(run)
            print(json.dumps(run), flush=True)
            arguments.out.write_text(json.dumps({"settings": settings, "runs": runs}, indent=2) + "\n")


def _run(variant: str, seed: int, *, steps: int, learning_rate: float, batch_size: int) -> dict[str, Any]:
    configuration = read_configuration(CONFIGURATION).train
    changes, spread, width_step = VARIANTS[variant]
    space = configuration.space
    assert isinstance(space, VitSpace)
    configuration = replace(
        configuration,
        hypernet=replace(configuration.hypernet, **changes),
        space=replace(
            space, widths=tuple(width for width in space.widths if width % width_step == 0), patch_sizes=(7,)
        ),
        warmup_steps=100,
        predicted_scale=SPREAD if spread else None,
        cycles=((steps, learning_rate),),
        batch_size=batch_size,
        seed=seed,
        start_from=None,
        checkpoint_every=steps,
    )
    task = FAMILIES[configuration.family].load(cache_directory())
    with tempfile.TemporaryDirectory() as directory:
        trainer = Trainer(configuration, task, Path(directory))
        trainer.run()
    model = trainer.ema.eval()
    scores = []
    for sizes in NETWORKS:
        score = zero_shot(model, task, configuration.space.config(**sizes), "test")
        scores.append({**sizes, "accuracy": score.accuracy, "loss": score.loss})
    likeness = _likeness(model, task, configuration.space.config(**LIKENESS))
    return {"networks": scores, "likeness_between_layers": likeness, "seconds": round(trainer.seconds)}


def _likeness(model: Hypernetwork, task: Task, config: dict[str, Any]) -> float:
    """The mean absolute cosine between the same matrix of two layers, over all matrices and pairs of layers."""
    with torch.no_grad():
        state = predict_state(model, task.graph(config), torch.Generator().manual_seed(0))
    groups: dict[str, list[Tensor]] = {}
    for name, tensor in state.items():
        prefix, layer, rest = name.partition("layers.")
        if layer and tensor.dim() == 2:
            groups.setdefault(prefix + rest.split(".", 1)[1], []).append(tensor.flatten())
    cosines = []
    for tensors in groups.values():
        unit = torch.stack([tensor / tensor.norm() for tensor in tensors])
        pairs = (unit @ unit.T).abs()
        count = len(tensors)
        cosines.append(((pairs.sum() - count) / (count * (count - 1))).item())
    return sum(cosines) / len(cosines)


if __name__ == "__main__":
    main()
