"""Runs a comparison: the most important runs first, each recorded as soon as it is finished and never run again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from logah.errors import ConfigurationError
from logah.evaluation.comparison.names import Sizes, data_name, network_name
from logah.evaluation.comparison.plan import Plan, Stage
from logah.evaluation.comparison.rates import best_rate, budget_of_tries, rates_to_try
from logah.evaluation.comparison.records import Record, RecordFile, curve_json, score_json
from logah.evaluation.diversity import mean_absolute_cosine
from logah.evaluation.fine_tune import FineTuneConfig, fine_tune, held_out, measure
from logah.evaluation.initialisations import Target, initial_state, parse_label
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.task import SplitName, Task


@dataclass(frozen=True)
class Job:
    """One training, or with no epochs what is measured without one.

    rate: None until it is chosen. is_try: on validation data, to choose one.
    """

    group: str
    sizes: Sizes
    label: str
    seed: int
    epochs: float
    rate: float | None = None
    is_try: bool = False

    @property
    def kind(self) -> str:
        """Of its record."""
        return "try" if self.is_try else "run" if self.epochs else "untrained"


@dataclass(frozen=True)
class Model:
    """What predicts: a hypernetwork, its name and fingerprint, and the sizes that it was trained on.

    ranges: name -> [least, most].
    """

    hypernetwork: Hypernetwork
    name: str
    fingerprint: str
    ranges: Mapping[str, Sequence[int]]


class Comparison:
    """A plan, what it needs, and the file of its results."""

    def __init__(
        self,
        plan: Plan,
        models: Mapping[str, Model],
        configure: Callable[..., dict[str, Any]],
        load: Callable[[Any], Task],
        records: RecordFile,
        network: str | None = None,
    ) -> None:
        """models: by the names that labels use; the plan's own under the empty one.

        `configure` makes the complete configuration of sizes. `load` gives the task of data as a plan has them; it is
        asked once for each. network: what tells the configuration of a network of one's own from others, which sizes
        alone do not.
        """
        self.plan, self.models, self.records, self._network = plan, models, records, network
        self._configure, self._load = configure, load
        self._tasks: dict[str, Task] = {}

    def jobs(self) -> list[Job]:
        """All of them in order of importance, each once; after the first stage, what is measured without training."""
        stages = [list(self._stage(stage)) for stage in self.plan.stages]
        trained = [job for jobs in stages for job in jobs]
        untrained = [
            Job(job.group, job.sizes, job.label, self.plan.tuning.seed, 0) for job in trained if job.label != "compute"
        ]
        first = len(stages[0]) if stages else 0
        ordered = [*trained[:first], *untrained, *trained[first:]]
        once: dict[str, Job] = {}
        for job in ordered:
            once.setdefault(self.key(job), job)
        return list(once.values())

    def left(self, jobs: Sequence[Job]) -> list[Job]:
        """Those that are not finished with all their tries."""
        return [job for job in jobs if not self._is_finished(job)]

    def _stage(self, stage: Stage) -> Iterator[Job]:
        for seed in stage.seeds:
            for group in stage.groups:
                for sizes in self.plan.groups[group].networks:
                    if stage.networks and network_name(sizes) not in stage.networks:
                        continue
                    for epochs in stage.epochs:
                        for label in stage.initialisations:
                            yield Job(group, sizes, label, seed, epochs)

    def tries(self, job: Job) -> list[Job]:
        """Those whose best gives the job its learning rate; none where nothing is trained.

        They grow as they are run, while the best has the lowest or the highest rate.
        """
        if not job.epochs:
            return []
        tuning, group = self.plan.tuning, self.plan.groups[job.group]
        name = group.rates_of or job.group
        representative = self.plan.groups[name].representative
        assert representative is not None
        label = "default" if job.label == "compute" else job.label
        epochs = budget_of_tries(tuning.epochs, job.epochs)

        def of(rate: float) -> Job:
            return Job(name, representative, label, tuning.seed, epochs, rate, is_try=True)

        found = self._found()
        beyond = rates_to_try({}, tuning.rates, 0)
        while True:
            losses = {rate: found[key]["final"]["loss"] for rate in beyond if (key := self.key(of(rate))) in found}
            further = rates_to_try(losses, tuning.rates, tuning.extensions)
            if further == beyond:
                return [of(rate) for rate in beyond]
            beyond = further

    def _found(self) -> dict[str, Record]:
        return {record["key"]: record for record in self.records.read() if "key" in record}

    def key(self, job: Job) -> str:
        """Says all that the result depends on; where it does not depend on the hypernetwork, that is left out.

        A run's learning rate is part of it once it is chosen, so that tries at other rates or budgets make anew only
        the runs whose rate they change.
        """
        plan = self.plan
        return "/".join(
            [
                job.kind,
                data_name(plan.data_of(job.group)),
                network_name(job.sizes),
                job.label,
                "-" if (model := self.model_of(job.label)) is None else model.fingerprint,
                f"seed {job.seed}",
                f"{self.steps(job) if job.epochs else 0} steps of {plan.batch_size}",
                *([] if job.is_try else [job.group]),
                *([] if job.rate is None else [f"rate {job.rate:g}"]),
            ]
        )

    def run(
        self, share: tuple[int, int] = (0, 1), hours: float | None = None, say: Callable[[str], None] = print
    ) -> int:
        """Runs what is not finished; returns how many of this share's jobs are left.

        share: (i, n) takes every n-th job from the i-th. hours: none is started later than that.
        """
        self._record_plan()
        started = time.monotonic()
        own = self.jobs()[share[0] :: share[1]]
        for position, job in enumerate(own):
            while (part := self._next_part(job)) is not None:
                if hours is not None and time.monotonic() - started >= hours * 3600:
                    return len(self.left(own[position:]))
                record = self._trained(self._with_rate(part)) if part.epochs else self._measured(part)
                self.records.append(record)
                score = record.get("final", record.get("zero_shot"))
                say(f"[{position + 1}/{len(own)}] {record['key']}: {score} in {record['seconds']} s")
        return 0

    def _next_part(self, job: Job) -> Job | None:
        """The next of a job's tries, or itself; None where all is finished."""
        finished = self.records.finished()
        left = (part for part in self.tries(job) if self.key(part) not in finished)
        if (part := next(left, None)) is not None:
            return part
        return None if self.key(self._with_rate(job)) in finished else job

    def _record_plan(self) -> None:
        """What the report needs of the plan, in front of what is run by it; the newest counts."""
        record: Record = {"kind": "plan"}
        if (own := self.models.get("")) is not None:
            record |= {"model": own.name, "hypernetwork": own.fingerprint}
        given = asdict(self.plan)
        record |= {
            name: given[name] for name in given if name not in ("stages", "model", "models") and given[name] is not None
        }
        others = {name: {"model": m.name, "hypernetwork": m.fingerprint} for name, m in self.models.items() if name}
        record |= {"models": others} if others else {}
        before = [r for r in self.records.read() if r["kind"] == "plan"]
        if self._network is not None:
            record["configuration"] = self._network
            if any(r.get("configuration", self._network) != self._network for r in before):
                raise ConfigurationError(
                    f"{self.records.path}: its results are of another {self.plan.network}, as that was before: "
                    "--out names another file"
                )
        if [record] != before[-1:]:
            self.records.append(record)

    def _is_finished(self, job: Job) -> bool:
        """With all its tries."""
        finished = self.records.finished()
        tries = [] if job.is_try else self.tries(job)
        return all(self.key(part) in finished for part in tries) and self.key(self._with_rate(job)) in finished

    def _with_rate(self, job: Job) -> Job:
        """A run with the learning rate that its tries chose; any other job as it is."""
        if job.kind != "run" or job.rate is not None:
            return job
        found = self._found()
        tried = {part.rate: found.get(self.key(part)) for part in self.tries(job)}
        losses = {rate: record["final"]["loss"] for rate, record in tried.items() if rate is not None and record}
        return replace(job, rate=best_rate(losses, self.plan.tuning.rates))

    def steps(self, job: Job) -> int:
        """Of a job's training."""
        factor = self.plan.compute_factor if job.label == "compute" else 1
        return factor * self.plan.steps(job.epochs)

    def target(self, job: Job) -> Target:
        """The network of a job."""
        task, config = self._task(job.group), self._configure(**job.sizes)
        model = self.model_of(job.label)
        # What grows has the base that the plan's own prediction has.
        own = self.models.get("") if model is None else model
        return Target(task, config, None if model is None else model.hypernetwork, {} if own is None else own.ranges)

    def model_of(self, label: str) -> Model | None:
        """What predicts for a label; None where nothing does."""
        parsed = parse_label(label)
        return self.models[parsed.hypernetwork] if parsed.needs_hypernetwork else None

    def _task(self, group: str) -> Task:
        data = self.plan.data_of(group)
        name = data_name(data)
        if name not in self._tasks:
            self._tasks[name] = self._load(data)
        return self._tasks[name]

    def _described(self, job: Job, target: Target) -> Record:
        return {
            "kind": job.kind,
            "key": self.key(job),
            "family": target.task.family,
            "data": data_name(self.plan.data_of(job.group)),
            "group": job.group,
            "network": network_name(job.sizes),
            "sizes": job.sizes,
            "parameters": sum(p.numel() for p in target.task.module(target.config).parameters()),
            "initialisation": job.label,
            "hypernetwork": None if (model := self.model_of(job.label)) is None else model.fingerprint,
            "seed": job.seed,
        }

    def _trained(self, job: Job) -> Record:
        plan, target = self.plan, self.target(job)
        assert job.rate is not None
        split: SplitName = "validation" if job.is_try else "test"
        limit = plan.tuning.limit if job.is_try else plan.final_limit
        steps = self.steps(job)
        settings = FineTuneConfig(
            steps=steps,
            batch_size=plan.batch_size,
            learning_rate=job.rate,
            seed=job.seed,
            curve_every=steps if job.is_try else plan.curve_every,
            curve_limit=min(plan.curve_limit, limit),
            final_limit=limit,
            split=split,
        )
        result = fine_tune(target.task, target.config, initial_state(job.label, target, job.seed), settings)
        return {
            **self._described(job, target),
            "learning_rate": settings.learning_rate,
            "epochs": job.epochs,
            "steps": steps,
            "zero_shot": score_json(result.zero_shot),
            "final": score_json(result.final),
            "curve": [] if job.is_try else curve_json(result.curve),
            "seconds": round(result.seconds, 2),
        }

    def _measured(self, job: Job) -> Record:
        started = time.process_time()
        target = self.target(job)
        state = initial_state(job.label, target, job.seed)
        task, config = target.task, target.config
        # The whole split: this is measured once.
        examples = held_out(task, config, "test", 10**9)
        return {
            **self._described(job, target),
            "zero_shot": score_json(measure(task, task.module(config), state, examples)),
            "mean_absolute_cosine": round(mean_absolute_cosine(target.graph, state), 5),
            "seconds": round(time.process_time() - started, 2),
        }
