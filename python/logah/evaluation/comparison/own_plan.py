"""The plan of a comparison on a network and on data of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from logah.errors import ConfigurationError
from logah.evaluation.initialisations import KINDS, InitialisationError, parse_label
from logah.targets.own_network import OwnNetwork
from logah.training.trained_model import load_model

#: Images of a step, or tokens at least; steps of an epoch.
BATCH_IMAGES, BATCH_TOKENS = 128, 2048
STEPS = 50
#: Each start has the best of these, for each budget; wide enough that the best seldom lies at an end.
RATES = (1.0e-4, 3.0e-4, 1.0e-3, 3.0e-3, 1.0e-2, 3.0e-2)
#: Not one of the seeds that are compared.
TUNING_SEED = 100


def own_plan(
    file: Path,
    network: OwnNetwork,
    starts: Sequence[str],
    data: str | Mapping[str, Any],
    seeds: Sequence[int],
    epochs: Sequence[float],
) -> dict[str, Any]:
    """The fields of a plan (`plan.Plan`), as its YAML has them.

    starts: labels such as `orthogonal`, and bundles or checkpoints by their paths. The first hypernetwork, or else the
    first start beside `default`, is judged. `default` is always among them. Raises ConfigurationError.
    """
    models: dict[str, str] = {}
    labels = ["default"]
    for start in starts:
        label = start if _is_label(start) else _predicted(start, network, models)
        if label not in labels:
            labels.append(label)
    if len(labels) == 1:
        raise ConfigurationError("models: there is nothing to compare with default")
    # What a name of `datasets` stands for, the family alone says.
    images = network.family == "vit"
    context = network.sizes.get("context", 1)
    batch = BATCH_IMAGES if images else max(1, BATCH_TOKENS // context) * context
    limit = 2000 if images else max(16384, 2 * context)
    predicted = [label for label in labels if label.startswith("predicted")]
    grown = [label for label in labels if parse_label(label).needs_ranges]
    if grown and "predicted" not in models:
        raise ConfigurationError(
            f"models: {grown[0]} starts with a narrower network, within the widths that a hypernetwork was trained on: "
            "name a bundle's directory as well"
        )
    return {
        "network": str(file),
        **({"model": models.pop("predicted")} if "predicted" in models else {}),
        **({"models": {name.removeprefix("predicted:"): path for name, path in models.items()}} if models else {}),
        "data": data if isinstance(data, str) else dict(data),
        "candidate": predicted[0] if predicted else labels[1],
        "batch_size": batch,
        "epoch_size": STEPS * batch,
        "full_epochs": max(epochs),
        "compute_factor": 2,
        "curve_every": 10,
        "curve_limit": limit // 2,
        "final_limit": 2 * limit,
        "tuning": {"epochs": list(epochs), "rates": list(RATES), "limit": limit, "seed": TUNING_SEED},
        "groups": {"own": {"representative": network.sizes, "networks": [network.sizes]}},
        "stages": [{"groups": ["own"], "initialisations": labels, "seeds": list(seeds), "epochs": list(epochs)}],
        "bars": [],
    }


def trainings(plan: Mapping[str, Any]) -> tuple[int, int]:
    """Trainings that are compared, and those that choose their learning rates."""
    (stage,) = plan["stages"]
    labels, budgets = len(stage["initialisations"]), len(stage["epochs"])
    return labels * budgets * len(stage["seeds"]), labels * len(plan["tuning"]["epochs"]) * len(plan["tuning"]["rates"])


def _is_label(start: str) -> bool:
    try:
        parsed = parse_label(start)
    except InitialisationError:
        return False
    if parsed.needs_hypernetwork:
        raise ConfigurationError(f"models: {start} needs a hypernetwork: give its bundle's directory in its place")
    return True


def _predicted(start: str, network: OwnNetwork, models: dict[str, str]) -> str:
    """The label of a hypernetwork, which is added to `models` by label."""
    path = Path(start)
    if not path.exists():
        raise ConfigurationError(
            f"models: got {start!r}, expected a bundle's directory, a checkpoint, or one of {', '.join(KINDS)}"
        )
    loaded = load_model(path)
    known = loaded.hypernetwork.config.operations
    unknown = sorted({node.operation for node in network.graph().nodes} - set(known))
    if unknown:
        raise ConfigurationError(f"models: {start} does not know the operations {', '.join(unknown)} of this network")
    for label, other in models.items():
        if Path(other).resolve() == path.resolve():
            return label
    label = "predicted" if not models else f"predicted:{loaded.name}"
    if label in models:
        raise ConfigurationError(f"models: {start} has the name of another, {loaded.name}")
    models[label] = start
    return label
