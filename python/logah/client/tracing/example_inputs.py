"""The inputs that a module says its own: by its configuration, and by the signature of its forward pass."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from logah.errors import TraceError

#: Where a configuration does not say: lengths of texts, of audio in samples and in frames, of series; the side and the
#: channels of an image, the frames of a video.
_TOKENS = (4, 16)
_SAMPLES = 16_000
_AUDIO_FRAMES = 3_000
_MEL_BINS = 80
_SERIES = 32
_IMAGE_SIZE = 224
_CHANNELS = 3
_VIDEO_FRAMES = 16

#: What to do for a module that does not say its inputs.
_PASS_THEM = "pass an example x: graph = logah.client.trace(module, (x,)), then initialize(module, graph)"

#: Ways to make the inputs that are tried at most.
_TRIES = 8

Inputs: TypeAlias = dict[str, Any]


def own_inputs(module: nn.Module) -> Iterator[tuple[tuple[Any, ...], Inputs]]:
    """No positional and these keyword arguments for the forward pass of a transformers model, the likeliest first.

    They are on the meta device, since only their shapes count. Raises TraceError where the module does not say them.
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
        first += [name for name in getattr(module, "dummy_inputs", ()) if name in named and name in _MAKERS]
    if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in named:
        first.append("decoder_input_ids")
    sizes = _Sizes(config)
    unknown = [name for name in first if name not in _MAKERS]
    if unknown:
        raise TraceError(f'a {type(module).__name__} reads "{unknown[0]}"; {_PASS_THEM}')
    beside = [name for name in _BESIDE if name in named]
    sets = dict.fromkeys(tuple(dict.fromkeys(names)) for names in (first, [*first, *beside]))
    options: Inputs = {"use_cache": False} if "use_cache" in named else {}
    ways = (
        dict(zip(names, tensors, strict=True))
        for names in sets
        for tensors in itertools.product(*(_MAKERS[name](sizes) for name in names))
    )
    return (((), {**way, **options}) for way in itertools.islice(ways, _TRIES))


class _Sizes:
    """Sizes that a configuration says, or one of those in it."""

    def __init__(self, config: Any) -> None:
        self._configs = [config, *_inner(config, 2)]

    def find(self, *names: str) -> Any:
        """The first of the fields that is there, outer configurations before inner ones; None where none is."""
        for config in self._configs:
            for name in names:
                value = getattr(config, name, None)
                if value is not None:
                    return value
        return None

    def number(self, *names: str, default: int) -> int:
        """The same for a whole number."""
        for config in self._configs:
            for name in names:
                value = getattr(config, name, None)
                if isinstance(value, int) and not isinstance(value, bool):
                    return value
        return default

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        size = self.find("image_size", "input_size", "img_size") or _IMAGE_SIZE
        if isinstance(size, Mapping):
            size = [size.get("height", _IMAGE_SIZE), size.get("width", _IMAGE_SIZE)]
        height, width = (size, size) if isinstance(size, int) else (size[0], size[1])
        return self.number("num_channels", "in_channels", "in_chans", default=_CHANNELS), height, width


def _inner(config: Any, depth: int) -> list[Any]:
    own = [value for value in vars(config).values() if hasattr(value, "model_type") and hasattr(value, "to_dict")]
    return [found for value in own for found in (value, *(_inner(value, depth - 1) if depth else ()))]


def _made(shapes: Sequence[Sequence[int]], dtype: torch.dtype = torch.float32) -> list[Tensor]:
    return [torch.zeros(*shape, dtype=dtype, device="meta") for shape in shapes]


def _texts(sizes: _Sizes) -> list[Tensor]:
    largest = sizes.number("max_position_embeddings", "max_target_positions", "n_positions", default=max(_TOKENS))
    lengths = dict.fromkeys(min(tokens, largest) if largest > 0 else tokens for tokens in _TOKENS)
    return _made([(1, tokens) for tokens in lengths], torch.long)


def _images(sizes: _Sizes) -> list[Tensor]:
    frames = sizes.find("num_frames", "frames_per_clip")
    image, video = (1, *sizes.image), (1, frames if isinstance(frames, int) else 2, *sizes.image)
    return _made((video, image) if isinstance(frames, int) else (image, video))


def _videos(sizes: _Sizes) -> list[Tensor]:
    frames = sizes.number("num_frames", "frames_per_clip", default=_VIDEO_FRAMES)
    return _made([(1, frames, *sizes.image)])


def _waves(sizes: _Sizes) -> list[Tensor]:
    channels = sizes.number("audio_channels", default=1)
    plain = (1, _SAMPLES)
    length, bins = sizes.find("max_length"), sizes.find("num_mel_bins")
    if isinstance(bins, int):
        # A spectrogram, whatever it is called.
        return _made([(1, length if isinstance(length, int) else 1024, bins), plain])
    return _made([(1, channels, _SAMPLES), plain] if sizes.find("audio_channels") else [plain, (1, 1, _SAMPLES)])


def _spectrograms(sizes: _Sizes) -> list[Tensor]:
    bins = sizes.number(
        "num_mel_bins", "feature_size", "input_feat_per_channel", "feature_projection_input_dim", "input_dim",
        "input_feat_size", "num_mel_filters", default=_MEL_BINS,
    )  # fmt: skip
    positions = sizes.find("max_source_positions")
    # Whisper's encoder halves the frames, and wants all of its positions filled.
    frames = 2 * positions if isinstance(positions, int) and positions <= _AUDIO_FRAMES else _AUDIO_FRAMES
    length = sizes.number("spec_size", default=1024)
    return _made([(1, bins, frames), (1, _AUDIO_FRAMES // 10, bins), (1, 1, length, bins)])


def _series(sizes: _Sizes) -> list[Tensor]:
    length = sizes.number("context_length", "prediction_length", default=_SERIES)
    channels = sizes.number("num_input_channels", "input_size", default=1)
    return _made([(1, length, channels), (1, length)])


def _frame_masks(sizes: _Sizes) -> list[Tensor]:
    return [torch.ones(1, _AUDIO_FRAMES, dtype=torch.bool, device="meta")]


_MAKERS: dict[str, Callable[[_Sizes], list[Tensor]]] = {
    **dict.fromkeys(("input_ids", "decoder_input_ids", "qformer_input_ids", "token_type_ids"), _texts),
    "attention_mask": _texts,
    "pixel_values": _images,
    "prompt_pixel_values": _images,
    "pixel_values_videos": _videos,
    "input_values": _waves,
    "input_features": _spectrograms,
    "past_values": _series,
    "input_features_mask": _frame_masks,
}

#: What a network with several kinds of inputs reads, where the first alone is not enough.
_BESIDE = ("input_ids", "pixel_values", "input_values", "input_features", "decoder_input_ids")
