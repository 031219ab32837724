"""What `initialize` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from logah.client.module.keeping import KeptReason
from logah.client.module.proof import Proof
from logah.client.module.verification import Verification
from logah.client.wire.plan import Plan, TensorPlan, Widening
from logah.errors import RequestError

#: Of a part's elements; where less is predicted, the report warns.
_LITTLE = 0.5
#: Of a network's elements; smaller parts are not listed.
_LISTED = 0.01
#: Of a network's elements: a part with more is taken apart instead.
_WHOLE = 0.9


@dataclass(frozen=True)
class InitializationReport:
    """Where the values of a module come from, in elements of the whole network, whatever this rank holds of it.

    Every parameter of the module is filled or kept, save those of `untouched`.
    """

    model: str
    #: Of the whole network in the element type that was asked for; the same on every rank.
    fingerprint: str
    #: Predicted, each element its own; predicted by repetition; filled by rule; shared with another parameter.
    predicted: int
    tiled: int
    initialized: int
    tied: int
    #: Left as the module itself starts with.
    kept: int
    #: Of what is kept: by name, why.
    kept_parameters: Mapping[str, KeptReason]
    #: By submodule, for the largest parts of the network: which share of its elements is predicted.
    predicted_shares: Mapping[str, float]
    #: Where the request lies outside what the model was trained on, and of which parts little is predicted, a sentence
    #: each.
    warnings: tuple[str, ...]
    #: How often the weights of a narrower network are repeated; None: the network is predicted as it is.
    widening: Widening | None
    #: The noise that was added, in standard deviations of each predicted block.
    lift: float
    #: What predicted blocks were multiplied with.
    strength: float
    #: The noise that was added, in standard deviations of each predicted block's default start.
    base: float
    #: Parameters that the plan does not have, left as they were; only without `strict`.
    untouched: tuple[str, ...]
    _proof: Proof | None = field(default=None, repr=False, compare=False)

    def verify(self, seed: int = 0) -> Verification:
        """Compares what this rank holds now with what was predicted: a sample of the elements of every tensor, drawn by
        `seed` and computed anew in float64 from the cores.

        To be called before training changes anything. Raises VerificationError where a parameter holds something else,
        and RequestError where the module was not filled from cores.
        """
        if self._proof is None:
            raise RequestError('verify needs the cores that a module was filled from: representation "auto" or "core"')
        return self._proof.check(seed)


def report_of(
    plan: Plan,
    kept: Mapping[str, KeptReason],
    untouched: tuple[str, ...],
    proof: Proof | None,
    assumed: Mapping[str, str],
) -> InitializationReport:
    """The report of a module that was filled by a plan, save what was kept.

    `assumed`: by parameter, the name of the library's model whose defaults its values are taken to be.
    """
    coverage = plan.coverage
    left = [tensor for tensor in plan.tensors if tensor.name in kept and not tensor.is_kept]
    tiled = sum(tensor.tiled_elements for tensor in left)
    shares = predicted_shares([tensor for tensor in plan.tensors if not tensor.is_tied], kept)
    # A built-in start predicts nothing.
    started = any(tensor.started_elements for tensor in plan.tensors)
    little = tuple(
        f"{share:.0%} of {_part(name)} is predicted"
        for name, share in shares.items()
        if share < _LITTLE and not started
    )
    by_default = tuple(
        f'of parameters that nothing predicts, {list(assumed.values()).count(name)} start as "{name}" does by default, '
        "whatever options it was made with: the meta device does not say; logah.client.on_meta does"
        for name in dict.fromkeys(assumed.values())
    )
    return InitializationReport(
        model=plan.model,
        fingerprint=plan.fingerprint,
        predicted=coverage.predicted - sum(tensor.predicted_elements for tensor in left) + tiled,
        tiled=coverage.tiled - tiled,
        initialized=coverage.initialized - sum(tensor.initialized_elements for tensor in left),
        tied=coverage.tied,
        kept=coverage.kept + sum(tensor.elements for tensor in left),
        kept_parameters=dict(kept),
        predicted_shares=shares,
        warnings=(*(warning.text for warning in plan.warnings), *little, *by_default),
        widening=plan.widening,
        lift=plan.lift,
        strength=plan.strength,
        base=plan.base,
        untouched=untouched,
        _proof=proof,
    )


def predicted_shares(tensors: list[TensorPlan], kept: Mapping[str, KeptReason]) -> dict[str, float]:
    """By submodule: the share of its elements that is predicted; the network itself is ""."""
    whole = sum(tensor.elements for tensor in tensors)
    depth, own = 0, tensors
    while True:
        parts: dict[str, list[TensorPlan]] = {}
        for tensor in own:
            parts.setdefault(".".join(tensor.name.split(".")[: depth + 1]), []).append(tensor)
        name, largest = max(parts.items(), key=lambda part: _elements(part[1]), default=("", []))
        # Down to where the network falls into towers, but not into its layers.
        inner = {".".join(tensor.name.split(".")[: depth + 2])[len(name) + 1 :] for tensor in largest}
        if _elements(largest) < _WHOLE * whole or len(inner) < 2 or any(part.isdigit() for part in inner):
            break
        depth, own = depth + 1, largest
    listed = {name: part for name, part in parts.items() if _elements(part) >= _LISTED * whole and len(parts) > 1}
    return {name: _predicted(part, kept) / _elements(part) for name, part in {"": tensors, **listed}.items() if part}


def _elements(tensors: list[TensorPlan]) -> int:
    return sum(tensor.elements for tensor in tensors)


def _predicted(tensors: list[TensorPlan], kept: Mapping[str, KeptReason]) -> int:
    return sum(tensor.predicted_elements for tensor in tensors if tensor.name not in kept)


def _part(name: str) -> str:
    return f'"{name}"' if name else "the network"
