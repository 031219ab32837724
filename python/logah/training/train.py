"""The training loop: each step draws an architecture and a batch, and moves the hypernetwork, not the target."""

from __future__ import annotations

import copy
import json
import math
import random
import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only
from tqdm import tqdm

from logah.errors import ResumeError, TrainingDiverged
from logah.hypernet.checkpoint import OWN_FORMAT
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.task import Task
from logah.training.curves import draw_curves
from logah.training.directions import spread_directions
from logah.training.leak import let_leak
from logah.training.objective import Objective
from logah.training.ranks import ALONE, Ranks, stream_seed
from logah.training.rows import LOG, VALIDATION, append_row, drop_rows_after
from logah.training.settings import MixedTrainConfig, TrainConfig, learning_rate_at
from logah.training.start import spread_predictions, start_values

NON_FINITE_LIMIT = 3
#: Steps over which the log averages.
LOG_EVERY = 20
#: Always in steps a second, however slow they are.
PROGRESS = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} steps, {elapsed}, {remaining} left, {rate_noinv_fmt}{postfix}"


class Trainer:
    """One run in one directory: `checkpoint.pt` (the whole state), `best.pt` (that of least validation loss), CSVs and
    a picture of them. Under torchrun every rank has a Trainer on the same directory; the first one alone writes.
    """

    def __init__(
        self,
        config: TrainConfig | MixedTrainConfig,
        task: Task,
        directory: Path,
        validate: Callable[[Hypernetwork], Mapping[str, float]] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        """The hypernetwork is where the task's batches are.

        `validate` is asked for the averaged weights' validation losses at every checkpoint: `loss` says which weights
        are the best, and each is a column of validation.csv. Raises ResumeError where the directory's checkpoint is of
        another number of ranks, or not there for all of them.
        """
        self.config, self.task, self.directory, self.validate = config, task, directory, validate
        self.ranks = ranks
        torch.manual_seed(config.seed)
        own_seed = stream_seed(config.seed, ranks.rank)
        self.rng = random.Random(own_seed)
        self.generator = torch.Generator().manual_seed(own_seed)
        self.model = Hypernetwork(config.hypernet)
        checkpoint = directory / "checkpoint.pt"
        if config.start_from is not None and not checkpoint.exists():
            self.model.load_state_dict(start_values(Path(config.start_from), config.hypernet))
        elif config.predicted_scale is not None:
            spread_predictions(self.model, config.predicted_scale)
        if config.spread_directions and not checkpoint.exists():
            drawn = random.Random(config.seed)
            architectures = [config.space.sample(drawn) for _ in range(config.spread_directions)]
            spread_directions(self.model, [task.graph(architecture) for architecture in architectures])
        if config.leak:
            let_leak(self.model, config.leak, config.leak_direction)
        self.model.to(task.device)
        # Start values that are drawn differ between kinds of processor.
        ranks.broadcast([tensor.detach() for tensor in self.model.parameters()])
        self.ema = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=learning_rate_at(config, 0), weight_decay=config.weight_decay
        )
        self.objective = Objective(config, task, self.model, self.rng, self.generator)
        self.step = 0
        self.seconds = 0.0
        self.skipped = 0
        self.best = math.inf
        if checkpoint.exists():
            self._restore(checkpoint)
        steps = ranks.gather(self.step)
        if len(set(steps)) > 1:
            raise ResumeError(f"{directory}: the ranks would go on from steps {steps}; all of them read this directory")
        if ranks.is_main:
            directory.mkdir(parents=True, exist_ok=True)
            for name in (LOG, VALIDATION):
                drop_rows_after(directory / name, self.step)

    def run(self, until: int | None = None) -> None:
        """Trains from the last checkpoint, where there is one, to the configured number of steps or to step `until`.

        Raises TrainingDiverged where the loss is not finite several times in a row.
        """
        end = self.config.steps if until is None else min(until, self.config.steps)
        started = time.monotonic() - self.seconds
        in_a_row = 0
        recent: list[tuple[float, float]] = []
        with tqdm(
            total=self.config.steps,
            initial=self.step,
            unit=" steps",
            dynamic_ncols=True,
            bar_format=PROGRESS,
            disable=not self.ranks.is_main,
        ) as bar:
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
                    if self.ranks.is_main:
                        self._log(mean_loss, mean_accuracy)
                if self.step % self.config.checkpoint_every == 0 or self.step == self.config.steps:
                    self._checkpoint()

    def _train_step(self) -> tuple[float | None, float]:
        """The mean loss and accuracy before the step; a loss of None says that it was not finite and nothing moved."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.config, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        count = self.config.meta_batch
        losses, accuracies = zip(*(self.objective.backward(1 / count) for _ in range(count)), strict=True)
        parameters = list(self.model.parameters())
        loss, accuracy = self.ranks.average_gradients(
            parameters, [statistics.fmean(losses), statistics.fmean(accuracies)]
        )
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.clip_norm)
        if not (math.isfinite(loss) and math.isfinite(norm.item())):
            return None, 0.0
        self.optimizer.step()
        self._update_ema()
        return loss, accuracy

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
        append_row(self.directory / LOG, row)

    def _checkpoint(self) -> None:
        streams = self.ranks.gather({"generator": self.generator.get_state(), "rng": json.dumps(self.rng.getstate())})
        if not self.ranks.is_main:
            return
        better = False
        if self.validate is not None:
            losses = self.validate(self.ema)
            better = losses["loss"] < self.best
            self.best = min(self.best, losses["loss"])
            row = {"step": self.step, "seconds": f"{self.seconds:.1f}", **losses}
            append_row(self.directory / VALIDATION, row)
        self._save(streams, better)
        draw_curves(self.directory)

    def _save(self, streams: list[dict[str, Any]], better: bool) -> None:
        state = {
            "format": OWN_FORMAT,
            "config": json.dumps(asdict(self.config)),
            "step": self.step,
            "seconds": self.seconds,
            "skipped": self.skipped,
            "best": self.best,
            "state_dict": self.model.state_dict(),
            "ema_state_dict": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            # Those of the first rank, and of the others.
            **streams[0],
            "other_streams": streams[1:],
        }
        temporary = self.directory / "checkpoint.pt.partial"
        torch.save(tree_map_only(Tensor, lambda tensor: tensor.cpu(), state), temporary)
        if better:
            # First, since a run that goes on from this checkpoint holds its loss for the least there has been.
            shutil.copyfile(temporary, self.directory / "best.pt.partial")
            (self.directory / "best.pt.partial").replace(self.directory / "best.pt")
        temporary.replace(self.directory / "checkpoint.pt")

    def _restore(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        streams = [state, *state.get("other_streams", [])]
        if len(streams) != self.ranks.count:
            raise ResumeError(
                f"{path} was written by {len(streams)} ranks, this run has {self.ranks.count}; "
                f"start it with --nproc-per-node {len(streams)}, or in another directory"
            )
        self.model.load_state_dict(state["state_dict"])
        self.ema.load_state_dict(state["ema_state_dict"])
        self.optimizer.load_state_dict(state["optimizer"])
        own = streams[self.ranks.rank]
        self.generator.set_state(own["generator"])
        version, internal, gauss = json.loads(own["rng"])
        self.rng.setstate((version, tuple(internal), gauss))
        self.step, self.seconds, self.skipped = state["step"], state["seconds"], state["skipped"]
        self.best = state["best"]
