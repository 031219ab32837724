"""The inputs that a module says its own: by its configuration, and by the signature of its forward pass."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from typing import Any, TypeAlias

from torch import nn

from logah.client.tracing.input_makers import MAKERS, PATCH_MAKERS, PATCHES, PROMPT, PROMPT_MAKERS, TOGETHER, Sizes
from logah.errors import TraceError

#: What to do for a module that does not say its inputs.
_PASS_THEM = "pass an example x: graph = logah.client.trace(module, (x,)), then initialize(module, graph)"

#: Ways to make the inputs that are tried at most.
_TRIES = 12

Inputs: TypeAlias = dict[str, Any]


def own_inputs(module: nn.Module) -> Iterator[tuple[tuple[Any, ...], Inputs]]:
    """No positional and these keyword arguments for the forward pass of a transformers model, the likeliest first.

    They are on the meta device, since only their shapes count, or `Numbers`. Raises TraceError where the module does
    not say them.
    """
    config, main = getattr(module, "config", None), getattr(module, "main_input_name", None)
    if config is None or not isinstance(main, str):
        raise TraceError(f"a {type(module).__name__} does not say its inputs; {_PASS_THEM}")
    signature = inspect.signature(module.forward).parameters
    named = [name for name, p in signature.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    required = [name for name in named if signature[name].default is inspect.Parameter.empty]
    first = [main, *required] if main in named else required or named[:1]
    if main == "input_ids" and main in named:
        # A model with inputs beside the text, such as a decoder's, overrides these.
        first += [name for name in _exemplified(module) if name in named and name in MAKERS]
    if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in named:
        first.append("decoder_input_ids")
    sizes = Sizes(config)
    makers = {**MAKERS, **(PATCH_MAKERS if PATCHES.intersection(first) else {})}
    makers |= PROMPT_MAKERS if PROMPT in first else {}
    if main not in named and main in makers and len(required) == 1:
        # The forward pass has another name for it.
        other = makers.get(required[0])
        makers[required[0]] = lambda sizes: [*makers[main](sizes), *(other(sizes) if other else ())]
    first = list(dict.fromkeys(name for each in first for name in (each, *TOGETHER.get(each, ())) if name in named))
    unknown = [name for name in first if name not in makers]
    if unknown:
        raise TraceError(f'a {type(module).__name__} reads "{unknown[0]}"; {_PASS_THEM}')
    beside = [name for name in _BESIDE if name in named]
    sets = dict.fromkeys(tuple(dict.fromkeys(names)) for names in (first, [*first, *beside]))
    options: Inputs = {"use_cache": False} if "use_cache" in named else {}
    ways = (
        dict(zip(names, tensors, strict=True))
        for names in sets
        for tensors in itertools.product(*(makers[name](sizes) for name in names))
    )
    return (((), {**way, **options}) for way in itertools.islice(ways, _TRIES))


def _exemplified(module: nn.Module) -> tuple[str, ...]:
    """The inputs that the module has examples of, which are of tokens that its configuration may lack."""
    try:
        return tuple(getattr(module, "dummy_inputs", ()))
    except (RuntimeError, TypeError):
        return ()


#: What a network with several kinds of inputs reads, where the first alone is not enough.
_BESIDE = (
    "input_ids", "pixel_values", "input_values", "input_features", "decoder_input_ids", "input_features_mask",
)  # fmt: skip
