"""The arguments of a prediction -> `logah.v1.PredictRequest`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from operator import index as integer_of
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from logah.client._generated import logah_pb2
from logah.client.architecture import Architecture
from logah.client.wire.element_type import DtypeName, element_type_named
from logah.errors import RequestError

if TYPE_CHECKING:
    import torch

#: By tensor name: a (start, end) for each of the first one or two dimensions.
Slices: TypeAlias = Mapping[str, Sequence[tuple[int, int]]]

#: How predicted matrices are sent.
Representation = Literal["dense", "factors", "core"]

_REPRESENTATIONS: Mapping[str, logah_pb2.Representation] = {
    "dense": logah_pb2.REPRESENTATION_UNSPECIFIED,
    "factors": logah_pb2.REPRESENTATION_FACTORS,
    "core": logah_pb2.REPRESENTATION_CORE,
}


class PredictOptions(TypedDict, total=False):
    """What to predict and how to send it; the same for every method."""

    #: Name of the model; default: the server chooses by the architecture's family.
    model: str
    #: Seeds what is drawn at random, 0 to 2^53 - 1; default 0.
    seed: int
    #: Default "float32".
    dtype: DtypeName | torch.dtype
    #: Patterns of names, `*` for any run of characters and `?` for one; default: all tensors.
    select: str | Sequence[str] | None
    #: (index, count): the rows of dimension 0 that PyTorch's FSDP gives to rank `index`; default: all rows.
    shard: tuple[int, int] | None
    #: By tensor name, (start, end) for the first one or two dimensions; default: every tensor whole.
    slices: Slices | None
    #: Largest chunk, 4096 to 4194304; default 0: 1 MiB.
    chunk_bytes: int
    #: Whether to compare SHA-256 digests beside CRC-32; default False.
    sha256: bool
    #: Refuse an architecture with elements that would be filled by rule; default False.
    strict: bool
    #: Make the network of so many copies of a narrower one that computes the same function, as the model predicts it;
    #: at most 1024. 1: predict the network as it is. Default 0: as many as bring its widths into what the model was
    #: trained on (`Plan.widening`).
    copies: int
    #: Add seeded normal noise to each predicted matrix, kernel and embedding, of so many times its own standard
    #: deviation; at most 10, and not with representation "factors". Default 0: none.
    lift: float
    #: Multiply each predicted matrix, kernel and embedding by it, and have vectors so far of the way from what the
    #: network itself starts them as (norms' weights 1, biases 0) to the prediction; above 0, at most 10. Default 1.
    strength: float
    #: Add seeded normal noise to each of them, of so many times the standard deviation that the network's own random
    #: start has there; at most 10, and not with representation "factors". For a long training of a language model,
    #: `strength=0.3, base=1`. Default 0: none.
    base: float
    #: "factors": matrices come as the low-rank factors that they are products of, and are multiplied here; few bytes,
    #: and values that agree with the dense ones to 1e-6 of the tensor's largest. Not with `shard` or `slices`.
    #: Default "dense".
    representation: Representation


def predict_request(
    architecture: Architecture,
    *,
    model: str = "",
    seed: int = 0,
    dtype: DtypeName | torch.dtype = "float32",
    select: str | Sequence[str] | None = None,
    shard: tuple[int, int] | None = None,
    slices: Slices | None = None,
    chunk_bytes: int = 0,
    sha256: bool = False,
    strict: bool = False,
    copies: int = 0,
    lift: float = 0.0,
    strength: float = 1.0,
    base: float = 0.0,
    representation: Representation = "dense",
) -> logah_pb2.PredictRequest:
    """Raises RequestError where an argument does not fit its field; what else is wrong, the server says."""
    if representation not in _REPRESENTATIONS:
        raise RequestError(f'representation is "{representation}"; allowed: {", ".join(_REPRESENTATIONS)}')
    _check_type("model", model, str, "a text")
    _check_range("seed", seed, 2**53 - 1)
    _check_range("chunk_bytes", chunk_bytes, 2**32 - 1)
    _check_range("copies", copies, 2**32 - 1)
    _check_type("sha256", sha256, bool, "True or False")
    _check_type("strict", strict, bool, "True or False")
    for name, number in (("lift", lift), ("strength", strength), ("base", base)):
        _check_type(name, number, Real, "a number")
    request = logah_pb2.PredictRequest(
        architecture=architecture.message,
        model=model,
        seed=seed,
        dtype=element_type_named(dtype).wire,
        chunk_bytes=chunk_bytes,
        sha256=sha256,
        strict=strict,
        representation=_REPRESENTATIONS[representation],
    )
    if lift != 0:
        request.lift = lift
    if strength != 1:
        request.strength = strength
    if base != 0:
        request.base = base
    if copies > 0:
        request.copies = copies
    if select is not None:
        _check_type("select", select, Iterable, "patterns of names")
        for pattern in [select] if isinstance(select, str) else select:
            _check_type("a pattern of select", pattern, str, "a text")
            request.selection.patterns.append(pattern)
        # Also where there is no pattern: that is for the server to refuse, not to be taken for "all".
        request.selection.SetInParent()
    if shard is not None:
        index, count = _pair("shard", shard, "(index, count), such as (0, 4)")
        _check_range("shard index", index, 2**32 - 1)
        _check_range("shard count", count, 2**32 - 1)
        request.shard.CopyFrom(logah_pb2.Shard(index=index, count=count))
    cut(request, {} if slices is None else slices)
    return request


def cut(request: logah_pb2.PredictRequest, slices: Slices) -> None:
    """Asks for a part of each of these tensors. Raises RequestError where it cannot be written."""
    _check_type("slices", slices, Mapping, "a dict by tensor name")
    for name, given in slices.items():
        _check_type("a name of slices", name, str, "a text")
        _check_type(f'the slice of "{name}"', given, Iterable, "a (start, end) for each dimension")
        box = [_pair(f'the slice of "{name}"', part, "(start, end) for each dimension") for part in given]
        for start, end in box:
            _check_range(f'start of the slice of "{name}"', start, 2**63 - 1)
            _check_range(f'end of the slice of "{name}"', end, 2**63 - 1)
        request.slices.add(name=name, start=[start for start, _ in box], end=[end for _, end in box])


def _check_range(name: str, value: object, most: int) -> None:
    try:
        # Python counts booleans as integers, protobuf does not.
        number = integer_of(None if isinstance(value, bool) else value)  # type: ignore[arg-type]
    except TypeError:
        raise RequestError(f"{name} is {value!r}; a whole number from 0 to {most} is allowed") from None
    if not 0 <= number <= most:
        raise RequestError(f"{name} is {value}; 0 to {most} is allowed")


def _check_type(name: str, value: object, kind: type, expected: str) -> None:
    if not isinstance(value, kind):
        raise RequestError(f"{name} is {value!r}; expected {expected}")


def _pair(name: str, value: Sequence[int], expected: str) -> tuple[int, int]:
    pair = () if isinstance(value, str | bytes) or not isinstance(value, Iterable) else tuple(value)
    if len(pair) != 2:
        raise RequestError(f"{name} is {value!r}; expected {expected}")
    return pair[0], pair[1]
