"""Further example inputs for a forward pass that stopped: what the error misses, or wants of another size."""

from __future__ import annotations

import inspect
import linecache
import math
import re
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from logah.client.tracing.documented_inputs import documented_inputs
from logah.client.tracing.input_makers import MAKERS, Sizes
from logah.errors import TraceError

#: Ways that are tried at most.
_TRIES = 16
#: Elements of an input at most.
_LARGEST = 1 << 26

#: How errors say what came and what was wanted; by name, so that either may come first.
_SIZES = tuple(
    re.compile(pattern)
    for pattern in (
        r"got \[\d+, (?P<came>\d+)\] X \[(?P<wanted>\d+), \d+\]",
        r"to have (?P<wanted>\d+) channels, but got (?P<came>\d+) channels",
        r"tensor a \((?P<came>\d+)\) must match the size of tensor b \((?P<wanted>\d+)\)",
        r"tensor a \((?P<wanted>\d+)\) must match the size of tensor b \((?P<came>\d+)\)",
        r"\((?P<came>\d+)\) doesn't match model \((?P<wanted>\d+)\)",
    )
)

#: Either may be the wrong one.
_BROADCAST = re.compile(r"broadcast a dimension of length (\d+) at -(\d+)!.* broadcastable to \[(.*?)\]")

_RESHAPED = re.compile(r"shape '\[(.*?)\]' is invalid for input of size (\d+)")

#: Inputs in whose place a model takes others, or that only training has.
_OTHERS = re.compile(r"labels|^inputs_embeds$|^past_|^output_|^return_")


@dataclass(frozen=True)
class Failure:
    """Inputs by name that a forward pass could not be followed on, and where it stopped."""

    inputs: dict[str, Any]
    error: TraceError


def mended(module: nn.Module, failures: list[Failure]) -> Iterator[dict[str, Any]]:
    """Inputs that the errors lead to, each once. Failures on these, if added to the list, are mended first.

    A failure that is no other than the one before led nowhere.
    """
    named = [name for name in inspect.signature(module.forward).parameters if not _OTHERS.search(name)]
    sizes = Sizes(module.config)
    documented = documented_inputs(module, sizes)
    seen = {_key(failure.inputs) for failure in failures}
    asked: list[tuple[str, Iterator[dict[str, Any]]]] = []
    before, known = "", 0
    for _ in range(_TRIES):
        new = [failure for failure in failures[known:] if str(failure.error) != before]
        asked[:0] = [(str(failure.error), _ways(failure, named, sizes, documented)) for failure in new]
        known = len(failures)
        every = ((error, way) for error, ways in asked for way in ways if _key(way) not in seen)
        before, way = next(every, ("", None))
        if way is None:
            return
        seen.add(_key(way))
        yield way


def _key(inputs: dict[str, Any]) -> tuple[Any, ...]:
    return tuple((name, getattr(value, "shape", None) or str(value)) for name, value in sorted(inputs.items()))


def _ways(
    failure: Failure, named: Sequence[str], sizes: Sizes, documented: dict[str, Tensor]
) -> Iterator[dict[str, Any]]:
    for name in _missing(failure.error, named):
        if name not in failure.inputs:
            made = [documented[name]] if name in documented else []
            for value in [*made, *(MAKERS[name](sizes) if name in MAKERS else ())]:
                yield {**failure.inputs, name: value}
    for came, wanted in _wanted_sizes(str(failure.error)):
        for name, value in failure.inputs.items():
            if isinstance(value, Tensor):
                for other in _resized(value, came, wanted):
                    yield {**failure.inputs, name: other}


def _missing(error: TraceError, named: Sequence[str]) -> list[str]:
    """The inputs that an error names; where it says no more than that one is None, those of the line that it is of."""
    text = str(error)
    if "NoneType" in text:
        text = _line(error.__cause__)
    return [name for name in named if re.search(rf"\b{name}\b", text)]


def _line(error: BaseException | None) -> str:
    """The innermost statement, of a model's own, that an error came from."""
    own = Path(torch.__file__).parent
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    for frame in reversed(frames):
        if own not in Path(frame.filename).parents:
            end = getattr(frame, "end_lineno", None) or frame.lineno or 0
            return " ".join(linecache.getline(frame.filename, line) for line in range(frame.lineno or 0, end + 1))
    return ""


def _wanted_sizes(text: str) -> list[tuple[int, int]]:
    found = [(int(match["came"]), int(match["wanted"])) for pattern in _SIZES for match in pattern.finditer(text)]
    for length, place, shape in _BROADCAST.findall(text):
        other = [int(size) for size in shape.split(",") if size.strip().isdigit()][-int(place) :][:1]
        found += [pair for size in other for pair in ((size, int(length)), (int(length), size))]
    for shape, size in _RESHAPED.findall(text):
        known = math.prod(int(each) for each in shape.split(",") if each.strip().isdigit())
        found.append((int(size), math.lcm(int(size), known)))
    return [(came, wanted) for came, wanted in found if came > 0 and wanted > 0]


def _resized(value: Tensor, came: int, wanted: int) -> Iterator[Tensor]:
    """Other inputs that may make a size what is wanted: it came of a dimension like it or, in data, of a multiple."""
    shape, is_data = tuple(value.shape), value.is_floating_point()
    of = [d for d, size in enumerate(shape) if d > 0 and size > 0 and max(size, came) % min(size, came) == 0]
    of = [d for d in of if shape[d] * wanted % came == 0 and (is_data or shape[d] == came)]
    new = {d: shape[d] * wanted // came for d in sorted(of, key=lambda d: shape[d] != came)}
    alike = [d for d in of if shape.count(shape[d]) > 1]
    for changed in ([alike] if len(alike) > 1 else []) + [[d] for d in new]:
        other = tuple(new[d] if d in changed else size for d, size in enumerate(shape))
        if 0 < math.prod(other) <= _LARGEST:
            yield torch.zeros(other, dtype=value.dtype, device="meta")
