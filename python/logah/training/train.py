"""The training loop: each step draws an architecture and a batch, and moves the hypernetwork, not the target."""

from __future__ import annotations

import copy
import csv
import json
import math
import random
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from logah.export.read_bundle import read_bundle
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork
from logah.training.precision import Precision, autocast
from logah.training.start import spread_predictions
from logah.training.targets import Space, Task, predict_state

CHECKPOINT_FORMAT = "logah-checkpoint-1"
NON_FINITE_LIMIT = 3
#: Steps over which the log averages.
LOG_EVERY = 20


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run.

    family: of the target networks. cycles: one after the other, each (steps, peak learning rate); the rate warms up
    to the peak and falls by a cosine. meta_batch: architectures of a step, whose gradients are averaged. batch_size:
    images or tokens for each. penalty: weight of the predicted parameters' norms in the loss. predicted_scale: see
    `spread_predictions`; None leaves torch's start values. start_from: a bundle whose weights are the start values.
    precision: of the target networks' forward pass.
    """

    hypernet: HypernetConfig
    family: str
    space: Space
    cycles: tuple[tuple[int, float], ...]
    meta_batch: int
    batch_size: int
    warmup_steps: int
    weight_decay: float
    clip_norm: float
    penalty: float
    ema_decay: float
    predicted_scale: float | None
    start_from: str | None
    precision: Precision
    seed: int
    checkpoint_every: int

    @property
    def steps(self) -> int:
        """Steps of all cycles together."""
        return sum(steps for steps, _ in self.cycles)


class TrainingDiverged(RuntimeError):
    """The loss was not finite several times in a row."""


def learning_rate_at(config: TrainConfig, step: int) -> float:
    """In each cycle, linear warm-up and then a cosine to 1% of the peak (SGDR, arXiv 1608.03983)."""
    at = step
    cycles = iter(config.cycles)
    steps, peak = next(cycles)
    for following in cycles:
        if at < steps:
            break
        at -= steps
        steps, peak = following
    if at < config.warmup_steps:
        return peak * (at + 1) / config.warmup_steps
    progress = (at - config.warmup_steps) / max(1, steps - config.warmup_steps)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Trainer:
    """One run in one directory: `checkpoint.pt` (the whole state), `best.pt` (that of least validation loss), CSVs."""

    def __init__(
        self,
        config: TrainConfig,
        task: Task,
        directory: Path,
        validate: Callable[[Hypernetwork], float] | None = None,
    ) -> None:
        """`validate` is asked for the averaged weights' validation loss at every checkpoint."""
        self.config, self.task, self.directory, self.validate = config, task, directory, validate
        torch.manual_seed(config.seed)
        self.rng = random.Random(config.seed)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.model = Hypernetwork(config.hypernet)
        if config.start_from is not None:
            self.model.load_state_dict(_start_values(Path(config.start_from), config.hypernet))
        elif config.predicted_scale is not None:
            spread_predictions(self.model, config.predicted_scale)
        self.ema = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=learning_rate_at(config, 0), weight_decay=config.weight_decay
        )
        self.step = 0
        self.seconds = 0.0
        self.skipped = 0
        self.best = math.inf
        directory.mkdir(parents=True, exist_ok=True)
        checkpoint = directory / "checkpoint.pt"
        if checkpoint.exists():
            self._restore(checkpoint)

    def run(self, until: int | None = None) -> None:
        """Trains from the last checkpoint, where there is one, to the configured number of steps or to step `until`.

        Raises TrainingDiverged where the loss is not finite several times in a row.
        """
        end = self.config.steps if until is None else min(until, self.config.steps)
        started = time.monotonic() - self.seconds
        in_a_row = 0
        recent: list[tuple[float, float]] = []
        with tqdm(total=self.config.steps, initial=self.step, unit="step", dynamic_ncols=True) as bar:
            while self.step < end:
                loss, accuracy = self._train_step()
                if loss is None:
                    self.skipped += 1
                    in_a_row += 1
                    if in_a_row >= NON_FINITE_LIMIT:
                        raise TrainingDiverged(
                            f"the loss was not finite {in_a_row} steps in a row, up to step {self.step}; "
                            "lower the learning rate"
                        )
                else:
                    in_a_row = 0
                    recent.append((loss, accuracy))
                self.step += 1
                self.seconds = time.monotonic() - started
                bar.update()
                if self.step % LOG_EVERY == 0 and recent:
                    mean_loss, mean_accuracy = (statistics.fmean(values) for values in zip(*recent, strict=True))
                    recent.clear()
                    bar.set_postfix(loss=f"{mean_loss:.3f}", accuracy=f"{mean_accuracy:.2f}", skipped=self.skipped)
                    self._log(mean_loss, mean_accuracy)
                if self.step % self.config.checkpoint_every == 0 or self.step == self.config.steps:
                    self._checkpoint()

    def _train_step(self) -> tuple[float | None, float]:
        """The mean loss and accuracy before the step; a loss of None says that it was not finite and nothing moved."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.config, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        count = self.config.meta_batch
        losses, accuracies = zip(*(self._backward(1 / count) for _ in range(count)), strict=True)
        loss = statistics.fmean(losses)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        if not (math.isfinite(loss) and math.isfinite(norm.item())):
            return None, 0.0
        self.optimizer.step()
        self._update_ema()
        return loss, statistics.fmean(accuracies)

    def _backward(self, weight: float) -> tuple[float, float]:
        """Adds the gradient of one architecture's loss, times `weight`; returns the loss and the accuracy."""
        config = self.config
        architecture = config.space.sample(self.rng)
        inputs, targets = self.task.batch(architecture, config.batch_size, self.generator)
        state = predict_state(self.model, self.task.graph(architecture), self.generator)
        with autocast(config.precision, inputs.device):
            output = self.task.logits(self.task.module(architecture), state, inputs).flatten(0, -2).float()
        loss = torch.nn.functional.cross_entropy(output, targets.flatten())
        norms = sum(tensor.norm() for tensor in state.values())
        (weight * (loss + config.penalty * norms)).backward()
        return loss.item(), (output.argmax(1) == targets.flatten()).float().mean().item()

    @torch.no_grad()
    def _update_ema(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.ema.parameters()), list(self.model.parameters()), 1 - decay)

    def _log(self, loss: float, accuracy: float) -> None:
        row = {
            "step": self.step,
            "seconds": f"{self.seconds:.1f}",
            "learning_rate": learning_rate_at(self.config, self.step),
            "loss": loss,
            "accuracy": accuracy,
        }
        _append(self.directory / "log.csv", row)

    def _checkpoint(self) -> None:
        better = False
        if self.validate is not None:
            loss = self.validate(self.ema)
            better = loss < self.best
            self.best = min(self.best, loss)
            row = {"step": self.step, "seconds": f"{self.seconds:.1f}", "loss": loss}
            _append(self.directory / "validation.csv", row)
        self._save()
        if better:
            shutil.copyfile(self.directory / "checkpoint.pt", self.directory / "best.pt.partial")
            (self.directory / "best.pt.partial").replace(self.directory / "best.pt")

    def _save(self) -> None:
        state = {
            "format": CHECKPOINT_FORMAT,
            "config": json.dumps(asdict(self.config)),
            "step": self.step,
            "seconds": self.seconds,
            "skipped": self.skipped,
            "best": self.best,
            "state_dict": self.model.state_dict(),
            "ema_state_dict": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "rng": json.dumps(self.rng.getstate()),
        }
        temporary = self.directory / "checkpoint.pt.partial"
        torch.save(state, temporary)
        temporary.replace(self.directory / "checkpoint.pt")

    def _restore(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["state_dict"])
        self.ema.load_state_dict(state["ema_state_dict"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        version, internal, gauss = json.loads(state["rng"])
        self.rng.setstate((version, tuple(internal), gauss))
        self.step, self.seconds, self.skipped = state["step"], state["seconds"], state["skipped"]
        self.best = state["best"]


def _start_values(bundle: Path, expected: HypernetConfig) -> dict[str, Tensor]:
    model = read_bundle(bundle)
    if model.config != expected:
        raise ValueError(f"start_from: {bundle} has {model.config}, the run {expected}")
    return model.state_dict()


def _append(path: Path, row: dict[str, Any]) -> None:
    """Adds a line to a CSV file, and the header where it is the first."""
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if fresh:
            writer.writeheader()
        writer.writerow(row)
