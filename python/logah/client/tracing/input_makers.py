"""Example inputs by their names in transformers, in the sizes that a configuration says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from logah.client.tracing.numbers import Numbers

#: Where a configuration does not say: lengths of texts, of audio in samples (a multiple of most strides) and in frames,
#: of series; the side and the channels of an image, the frames of a video, the width of what is hidden.
TOKENS = (4, 16)
_SAMPLES = 15_360
_AUDIO_FRAMES = 3_000
_MEL_BINS = 80
_SERIES = 32
_IMAGE_SIZE = 224
_CHANNELS = 3
_VIDEO_FRAMES = 16
_WIDTH = 768

#: Patches of an image along each side, where it comes cut into patches.
_SIDE = 12
_PATCH = 16

Made = Sequence[Tensor | Numbers]


class Sizes:
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


def _texts(sizes: Sizes) -> list[Tensor]:
    largest = sizes.number("max_position_embeddings", "max_target_positions", "n_positions", default=max(TOKENS))
    lengths = dict.fromkeys(min(tokens, largest) if largest > 0 else tokens for tokens in TOKENS)
    # Of music, a row for each code book; of speech beside text, a column for each, after that of the text.
    books = sizes.number("num_codebooks", default=1)
    shapes = [(count, tokens) for count in dict.fromkeys((1, books)) for tokens in lengths]
    columns = [(1, min(lengths), books + 1)] if books > 1 else []
    return _made([*shapes, *columns], torch.long)


def _images(sizes: Sizes) -> list[Tensor]:
    frames = sizes.find("num_frames", "frames_per_clip")
    image, video = (1, *sizes.image), (1, frames if isinstance(frames, int) else 2, *sizes.image)
    return _made((video, image) if isinstance(frames, int) else (image, video))


def _videos(sizes: Sizes) -> list[Tensor]:
    frames = sizes.number("num_frames", "frames_per_clip", default=_VIDEO_FRAMES)
    return _made([(1, frames, *sizes.image)])


def _waves(sizes: Sizes) -> list[Tensor]:
    channels = sizes.number("audio_channels", default=1)
    plain = (1, _SAMPLES)
    length, bins = sizes.find("max_length"), sizes.find("num_mel_bins")
    if isinstance(bins, int):
        # A spectrogram, whatever it is called.
        return _made([(1, length if isinstance(length, int) else 1024, bins), plain])
    return _made([(1, channels, _SAMPLES), plain] if sizes.find("audio_channels") else [plain, (1, 1, _SAMPLES)])


def _spectrograms(sizes: Sizes) -> list[Tensor]:
    bins = sizes.number(
        "num_mel_bins", "feature_size", "input_feat_per_channel", "feature_projection_input_dim", "input_dim",
        "input_feat_size", "num_mel_filters", default=_MEL_BINS,
    )  # fmt: skip
    positions = sizes.find("max_source_positions")
    # Whisper's encoder halves the frames, and wants all of its positions filled.
    frames = 2 * positions if isinstance(positions, int) and positions <= _AUDIO_FRAMES else _AUDIO_FRAMES
    length = sizes.number("spec_size", default=1024)
    short = _AUDIO_FRAMES // 10
    # Two frames at a time, each with its differences from the one before.
    paired = (1, short, 4 * bins)
    return _made([(1, bins, frames), (1, short, bins), (1, 1, length, bins), paired])


def _series(sizes: Sizes) -> list[Tensor]:
    length = sizes.number("context_length", "prediction_length", default=_SERIES)
    channels = sizes.number("num_input_channels", "input_size", default=1)
    return _made([(1, length, channels), (1, length)])


def _frame_masks(sizes: Sizes) -> list[Tensor]:
    return [torch.ones(1, _AUDIO_FRAMES, dtype=torch.bool, device="meta")]


def _hidden(sizes: Sizes) -> Made:
    width = sizes.number("hidden_size", "d_model", "dim", default=_WIDTH)
    return _made([(1, max(TOKENS), width), (1, width, max(TOKENS)), (max(TOKENS), width)])


def _encoder_states(sizes: Sizes) -> Made:
    return _made([(1, max(TOKENS), sizes.number("encoder_hidden_size", "hidden_size", default=_WIDTH))])


def _patches(sizes: Sizes) -> Made:
    """The patches of one image, each a row, or an image of one patch each, or of those that become one token."""
    channels = sizes.number("in_channels", "num_channels", "in_chans", default=_CHANNELS)
    patch = sizes.number("patch_size", default=_PATCH)
    frames = sizes.number("temporal_patch_size", "patch_temporal", default=1)
    count, width = _SIDE * _SIDE, channels * patch * patch
    side = patch * sizes.number("spatial_merge_size", default=1)
    rows = [(count, frames * width), (count, channels, patch, patch), (1, count, width), (count, width)]
    return _made([*rows, (count, side, side, channels)])


def _grid(_: Sizes) -> Made:
    return [Numbers(((1, _SIDE, _SIDE),)), Numbers(((_SIDE, _SIDE),))]


def _patch_counts(sizes: Sizes) -> Made:
    """Of each image, how many patches it has along its height and its width."""
    patch = sizes.number("patch_size", default=_PATCH)
    _, height, width = sizes.image
    return [Numbers(((height // patch, width // patch),), torch.int)]


def _image_masks(sizes: Sizes) -> Made:
    """Which images a token sees: of those that `pixel_values` has in its two kinds."""
    return _made([(1, tokens, images) for images in (2, 1) for tokens in TOKENS], torch.long)


def _patch_places(_: Sizes) -> Made:
    return [Numbers((tuple((column, row) for row in range(_SIDE) for column in range(_SIDE)),))]


def _rows_of_patches(sizes: Sizes) -> Made:
    """Patches as rows that begin with their row and column."""
    patch = sizes.number("patch_size", default=_PATCH)
    width = sizes.number("patch_embed_hidden_size", default=_CHANNELS * patch * patch)
    return _made([(1, _SIDE * _SIDE, 2 + width)])


def _patch_mask(_: Sizes) -> Made:
    return _made([(1, _SIDE * _SIDE)], torch.long)


def _frames_of_bins(sizes: Sizes) -> Made:
    return _made([(1, _AUDIO_FRAMES // 10, sizes.number("input_feat_size", "num_mel_bins", default=_MEL_BINS))])


def _frame_flags(_: Sizes) -> Made:
    return _made([(1, _AUDIO_FRAMES // 10)], torch.bool)


def _past(sizes: Sizes) -> int:
    """The length of a series with what it looks back at."""
    lags = sizes.find("lags_sequence") or (0,)
    return sizes.number("context_length", "prediction_length", default=_SERIES) + max(lags)


def _past_features(sizes: Sizes) -> Made:
    return _made([(1, _past(sizes), sizes.number("num_time_features", default=1))])


def _past_values(sizes: Sizes) -> Made:
    channels = sizes.number("input_size", default=1)
    shape = (1, _past(sizes)) if channels == 1 else (1, _past(sizes), channels)
    return [*_made([shape] if sizes.find("lags_sequence") else []), *_series(sizes)]


def _states(sizes: Sizes) -> Made:
    width = sizes.number("state_dim", "max_state_dim", default=_WIDTH)
    return _made([(1, max(TOKENS), width), (1, width)])


def _actions(sizes: Sizes) -> Made:
    width = sizes.number("act_dim", "max_action_dim", default=4)
    return _made([(1, max(TOKENS), width)])


def _numbers_by_step(_: Sizes) -> Made:
    return _made([(1, max(TOKENS), 1)])


def _steps(_: Sizes) -> Made:
    return _made([(1, max(TOKENS))], torch.long)


def _tasks(sizes: Sizes) -> Made:
    return _made([(1, sizes.number("task_seq_len", default=77))], torch.long)


def _half_images(sizes: Sizes) -> Made:
    """An image that the network puts below its prompt: together they have the height that it takes."""
    channels, height, width = sizes.image
    return _made([(1, channels, height // 2, width)])


MAKERS: dict[str, Callable[[Sizes], Made]] = {
    **dict.fromkeys(("input_ids", "decoder_input_ids", "qformer_input_ids", "token_type_ids"), _texts),
    "attention_mask": _texts,
    "pixel_values": _images,
    "pixel_values_videos": _videos,
    "input_values": _waves,
    "input_features": _spectrograms,
    "past_values": _past_values,
    "input_features_mask": _frame_masks,
    "past_time_features": _past_features,
    "past_observed_mask": _past_values,
    "past_values_padding": lambda sizes: _made([(1, sizes.number("context_length", default=_SERIES))], torch.long),
    "freq": lambda _: _made([(1, 1)], torch.long),
    **dict.fromkeys(
        (
            "hidden_states",
            "inputs_embeds",
            "query_embeds",
            "latents",
            "noise_embeds",
            "context_hidden_states",
        ),
        _hidden,
    ),
    "inputs": lambda sizes: [*_hidden(sizes), *_texts(sizes)],
    "encoder_hidden_states": _encoder_states,
    **dict.fromkeys(("grid_thw", "image_grid_thw"), _grid),
    "spatial_shapes": lambda _: [Numbers(((_SIDE, _SIDE),))],
    "merge_sizes": lambda _: [Numbers((2,))],
    "pixel_position_ids": _patch_places,
    "target_sizes": _patch_counts,
    "image_attention_mask": _image_masks,
    "pixel_attention_mask": _patch_mask,
    "flattened_patches": _rows_of_patches,
    "audio_mel": _frames_of_bins,
    "audio_mel_mask": _frame_flags,
    **dict.fromkeys(("states", "state"), _states),
    "actions": _actions,
    **dict.fromkeys(("rewards", "returns_to_go"), _numbers_by_step),
    "timesteps": _steps,
    "task_inputs": _tasks,
    **dict.fromkeys(("prompt_pixel_values", "prompt_masks"), _half_images),
}

#: With a prompt that is an image, too.
PROMPT = "prompt_pixel_values"
PROMPT_MAKERS = {"pixel_values": _half_images}

#: Inputs that say how an image was cut into patches; with one of them, the image comes as patches.
PATCHES = frozenset(("grid_thw", "image_grid_thw", "spatial_shapes", "pixel_position_ids"))
PATCH_MAKERS = dict.fromkeys(("pixel_values", "hidden_states"), _patches)

#: What a model reads beside an input, though it could do without by its signature.
TOGETHER: Mapping[str, tuple[str, ...]] = {
    "states": ("actions", "rewards", "returns_to_go", "timesteps"),
    "query_embeds": ("encoder_hidden_states",),
    "flattened_patches": ("decoder_input_ids",),
}
