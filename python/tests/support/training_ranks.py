"""What each of two ranks runs in the tests of training under torchrun; what it finds goes to RANK.pt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from minute import MINUTE, bright_images
from torch import Tensor, nn

from logah.errors import TrainingDiverged
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.vit import VitTask
from logah.training.configuration import train_configuration
from logah.training.ranks import Ranks, torchrun_ranks
from logah.training.train import Trainer

COUNT = 2
CONFIG = train_configuration({**MINUTE, "cycles": [[30, 5.0e-3]], "checkpoint_every": 10}, "test")


def whole(directory: Path, ranks: Ranks) -> dict[str, Any]:
    """A run of 30 steps; how often this rank was asked to validate."""
    asked = []

    def validate(model: Hypernetwork) -> dict[str, float]:
        asked.append(model)
        return {"loss": 1.0}

    trainer = Trainer(CONFIG, VitTask(bright_images()), directory / "whole", validate, ranks)
    trainer.run()
    return {"state": trainer.model.state_dict(), "ema": trainer.ema.state_dict(), "validations": len(asked)}


def in_parts(directory: Path, ranks: Ranks) -> dict[str, Any]:
    """The same run, lost five steps after a checkpoint and begun again."""
    Trainer(CONFIG, VitTask(bright_images()), directory / "parts", ranks=ranks).run(until=15)
    trainer = Trainer(CONFIG, VitTask(bright_images()), directory / "parts", ranks=ranks)
    resumed_at = trainer.step
    trainer.run()
    return {"state": trainer.model.state_dict(), "resumed_at": resumed_at}


def gradients(directory: Path, ranks: Ranks) -> dict[str, Any]:
    """Means of gradients of 1 and 3: of a weight that all ranks use, one that the second uses, one that none does."""
    weights = [nn.Parameter(torch.zeros(2)) for _ in range(3)]
    own = torch.full((2,), 1.0 + 2 * ranks.rank)
    weights[0].grad = own.clone()
    weights[1].grad = own.clone() if ranks.rank == 1 else None
    values = ranks.average_gradients(weights, [float(ranks.rank), 5.0])
    return {"gradients": [weight.grad for weight in weights], "values": values}


def one_rank_not_finite(directory: Path, ranks: Ranks) -> dict[str, Any]:
    """The second rank's images are no numbers."""
    images = bright_images()
    if ranks.rank == 1:
        images.train.images.fill_(float("nan"))
    trainer = Trainer(CONFIG, VitTask(images), directory / "broken", ranks=ranks)
    before: dict[str, Tensor] = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    try:
        trainer.run()
        message = ""
    except TrainingDiverged as error:
        message = str(error)
    moved = [name for name, tensor in trainer.model.state_dict().items() if not torch.equal(tensor, before[name])]
    return {"message": message, "moved": moved, "skipped": trainer.skipped}


def main(directory: Path) -> None:
    torch.set_num_threads(1)
    with torchrun_ranks("cpu") as (ranks, _):
        assert ranks.count == COUNT
        found = {case.__name__: case(directory, ranks) for case in (whole, in_parts, gradients, one_rank_not_finite)}
        torch.save(found, directory / f"{ranks.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
