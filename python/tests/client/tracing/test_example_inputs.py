"""A module that says its own inputs says them by its configuration, its signature, its documentation and its errors."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor, nn
from traced_graphs import predicted

from logah.client import trace


class Model(nn.Module):
    """A network with a configuration, as those of transformers have one."""

    main_input_name = "input_ids"

    def __init__(self, **sizes: int) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=8, **sizes)
        self.tokens, self.head = nn.Embedding(32, 8), nn.Linear(8, 4)


class Boxes(Model):
    def __init__(self) -> None:
        super().__init__(box_width=6, layer_ids=(1, 2))  # type: ignore[arg-type]
        self.boxes, self.context = nn.Linear(6, 8), nn.Linear(16, 8)

    def forward(self, input_ids: Tensor, bbox: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        """Reads both.

        bbox (`torch.FloatTensor` of shape `(batch_size, num_boxes, box_width)`):
            Where the tokens are.
        context (`torch.FloatTensor` of shape `[batch_size, sequence_length, hidden_size * len(config.layer_ids)]`):
            What was read before.
        """
        if bbox is None:
            raise ValueError("You have to specify bbox")
        if context is None:
            raise ValueError("`context` cannot be `None`")
        output: Tensor = self.head(self.tokens(input_ids) + self.boxes(bbox) + self.context(context))
        return output


def test_inputs_that_an_error_names_are_made_as_they_are_documented() -> None:
    assert predicted(trace(Boxes())) == {
        "tokens.weight",
        *(f"{layer}.{name}" for layer in ("head", "boxes", "context") for name in ("weight", "bias")),
    }


class Masked(Model):
    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        rows = attention_mask[:, :, None]  # type: ignore[index]
        output: Tensor = self.head(self.tokens(input_ids) * rows)
        return output


def test_an_input_that_is_none_where_a_line_reads_it_is_made() -> None:
    assert predicted(trace(Masked())) == {"tokens.weight", "head.weight", "head.bias"}


class Spectrogram(Model):
    main_input_name = "input_features"

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(56, 8)

    def forward(self, input_features: Tensor, input_features_mask: Tensor) -> Tensor:
        output: Tensor = self.head(self.project(input_features) * input_features_mask[:, :, None])
        return output


def test_sizes_that_an_error_wants_are_taken() -> None:
    assert {"project.weight", "head.weight"} <= predicted(trace(Spectrogram()))


class Renamed(Model):
    main_input_name = "input_values"

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(1, 8, 320, 320)

    def forward(self, sound: Tensor) -> Tensor:
        output: Tensor = self.head(self.stem(sound).transpose(1, 2))
        return output


def test_the_main_input_may_have_another_name_in_the_forward_pass() -> None:
    assert {"head.weight", "head.bias"} <= predicted(trace(Renamed()))


def test_what_misses_nothing_is_not_tried_again() -> None:
    calls: list[tuple[int, ...]] = []

    class Stopped(Model):
        def forward(self, input_ids: Tensor) -> Tensor:
            calls.append(tuple(input_ids.shape))
            raise ValueError("of its own")

    try:
        trace(Stopped())
    except Exception as error:
        assert "of its own" in str(error)
    assert torch.Size(calls[0]) == (1, 4)
    assert len(calls) <= 4
