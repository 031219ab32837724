"""The training loop: each step draws an architecture and a batch, and moves the hypernetwork, not the target."""

from __future__ import annotations

import copy
import csv
import json
import math
import random
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork
from logah.training.fashion_mnist import FashionMnist, Split
from logah.training.vit_targets import VitSpace, build_module, logits, predict_state

CHECKPOINT_FORMAT = "logah-checkpoint-1"
NON_FINITE_LIMIT = 3
#: Steps over which the log averages.
LOG_EVERY = 20


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run.

    cycles: one after the other, each (steps, peak learning rate); the rate warms up to the peak and falls by a cosine.
    penalty: weight of the predicted parameters' norms in the loss.
    """

    hypernet: HypernetConfig
    space: VitSpace
    cycles: tuple[tuple[int, float], ...]
    batch_size: int
    warmup_steps: int
    weight_decay: float
    clip_norm: float
    penalty: float
    ema_decay: float
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
    """One run in one directory: `checkpoint.pt` (the whole state), `log.csv`."""

    def __init__(self, config: TrainConfig, data: FashionMnist, directory: Path) -> None:
        self.config, self.data, self.directory = config, data, directory
        torch.manual_seed(config.seed)
        self.rng = random.Random(config.seed)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.model = Hypernetwork(config.hypernet)
        self.ema = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=learning_rate_at(config, 0), weight_decay=config.weight_decay
        )
        self.step = 0
        self.seconds = 0.0
        self.skipped = 0
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
                in_a_row = 0 if math.isfinite(loss) else in_a_row + 1
                if in_a_row >= NON_FINITE_LIMIT:
                    raise TrainingDiverged(
                        f"the loss was not finite {in_a_row} steps in a row, up to step {self.step}; "
                        "lower the learning rate"
                    )
                self.step += 1
                self.seconds = time.monotonic() - started
                bar.update()
                recent.append((loss, accuracy))
                if self.step % LOG_EVERY == 0:
                    mean_loss, mean_accuracy = (statistics.fmean(values) for values in zip(*recent, strict=True))
                    recent.clear()
                    bar.set_postfix(loss=f"{mean_loss:.3f}", accuracy=f"{mean_accuracy:.2f}")
                    self._log(mean_loss, mean_accuracy)
                if self.step % self.config.checkpoint_every == 0 or self.step == self.config.steps:
                    self._save()

    def _train_step(self) -> tuple[float, float]:
        config = self.config
        architecture = config.space.sample(self.rng)
        images, labels = draw_batch(self.data.train, config.batch_size, self.generator)
        state = predict_state(self.model, architecture, self.generator)
        output = logits(build_module(architecture), state, images)
        loss = torch.nn.functional.cross_entropy(output, labels)
        norms = sum(tensor.norm() for tensor in state.values())
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(config, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        (loss + config.penalty * norms).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        if math.isfinite(loss.item()) and math.isfinite(norm.item()):
            self.optimizer.step()
            self._update_ema()
        else:
            self.skipped += 1
        accuracy = (output.argmax(1) == labels).float().mean().item()
        return loss.item(), accuracy

    @torch.no_grad()
    def _update_ema(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.ema.parameters()), list(self.model.parameters()), 1 - decay)

    def _log(self, loss: float, accuracy: float) -> None:
        path = self.directory / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["step", "seconds", "learning_rate", "loss", "accuracy"])
            writer.writerow(
                [self.step, f"{self.seconds:.1f}", learning_rate_at(self.config, self.step), loss, accuracy]
            )

    def _save(self) -> None:
        state = {
            "format": CHECKPOINT_FORMAT,
            "config": json.dumps(asdict(self.config)),
            "step": self.step,
            "seconds": self.seconds,
            "skipped": self.skipped,
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


def draw_batch(split: Split, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`size` images with replacement."""
    rows = torch.randint(len(split), (size,), generator=generator)
    return split.images[rows], split.labels[rows]
