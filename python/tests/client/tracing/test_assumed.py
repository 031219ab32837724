"""What a trace may assume of data, where another way of the control flow would reach other parameters."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from traced_graphs import predicted

from logah.client import TraceError, trace


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)


BOTH = {"first.weight", "first.bias", "second.weight", "second.bias"}


class LeavesNumbers(Two):
    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.first(x)
        if torch.isnan(hidden).any():
            return hidden
        output: Tensor = self.second(hidden)
        return output


class RefusesOthers(Two):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        if (torch.isnan(hidden) | ~torch.isfinite(hidden)).any():
            raise ValueError("not finite")
        output: Tensor = self.second(hidden)
        return output


class FixedPoint(Two):
    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros_like(x)
        for _ in range(3):
            new = torch.tanh(self.first(state) + x)
            if ((new - state).abs() < 1e-3).all():
                break
            state = new
        output: Tensor = self.second(state)
        return output


class LeavesEarly(Two):
    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.first(x)
        if (hidden > 0).all():
            return hidden
        output: Tensor = self.second(hidden)
        return output


class LeavesBetweenTwo(Two):
    """Only if both conditions are otherwise, it goes on."""

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.first(x)
        is_large = (hidden > 1).all()
        is_small = (hidden < -1).all()
        if is_large or is_small:
            return hidden
        output: Tensor = self.second(hidden)
        return output


@pytest.mark.parametrize("kind", [LeavesNumbers, RefusesOthers, FixedPoint, LeavesEarly, LeavesBetweenTwo])
def test_of_two_ways_that_data_decides_between_the_one_that_reaches_more_is_followed(kind: type[nn.Module]) -> None:
    assert predicted(trace(kind(), (torch.empty(4, 8),))) == BOTH


class Exits(nn.Module):
    """Each layer has a head of its own, whose answer is the last if it is sure."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        self.heads = nn.ModuleList(nn.Linear(8, 3) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        answer = x
        for layer, head in zip(self.layers, self.heads, strict=True):
            x = functional.relu(layer(x), inplace=True)
            answer = head(x)
            if (answer.softmax(-1).amax(-1) > 0.9).all():
                return answer
        return answer


class Either(Two):
    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.first(x) if (x > 0).any() else self.second(x)
        return output


class Chooses(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layers[int(x.sum(0).argmax())](x)
        return output


class Counts(Chooses):
    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[: int(x.abs().sum().long())]:
            x = layer(x)
        return x


class CountsFar(Two):
    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.first(x)
        count = int(hidden.abs().sum().long())
        output: Tensor = self.second(hidden) if count > 5 else hidden
        return output


class ChoosesOne(Two):
    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.first(x)
        choice = int(hidden.sum(0).argmax())
        output: Tensor = self.second(hidden) if choice == 5 else hidden
        return output


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (CountsFar, "long"),
        (ChoosesOne, "argmax"),
        (Exits, "amax"),
        (Either, r"x > 0"),
        (Chooses, "argmax"),
        (Counts, "long"),
    ],
)
def test_where_every_way_leaves_parameters_out_the_error_names_the_line(kind: type[nn.Module], line: str) -> None:
    with pytest.raises(TraceError, match=rf"depends on the values of tensors at test_assumed.py:\d+, .*{line}"):
        trace(kind(), (torch.empty(4, 8),))


class AllOf(Two):
    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.first(x) if (self.first.weight > 100).all() else self.second(x)
        return output


class Learned(nn.Module):
    """What parameters hold says which layers there are."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([0.0, 0.0, 1.0]))
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))


class Argmax(Learned):
    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layers[int(self.alpha.softmax(0).argmax())](x)
        return output


class Length(Learned):
    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[: int(self.alpha.sum().long())]:
            x = layer(x)
        return x


class Places(Learned):
    def forward(self, x: Tensor) -> Tensor:
        for number in torch.nonzero(self.alpha > 0.5).flatten().tolist():
            x = self.layers[number](x)
        return x


@pytest.mark.parametrize("kind", [AllOf, Argmax, Length, Places])
def test_of_what_parameters_hold_nothing_is_assumed(kind: type[nn.Module]) -> None:
    with pytest.raises(TraceError, match="depends on the values"):
        trace(kind(), (torch.empty(4, 8),))


class Buffered(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))
        self.register_buffer("count", torch.tensor(3.0))
        self.register_buffer("mask", torch.tensor([1.0, 0.0, 1.0, 0.0]))


class BufferedCount(Buffered):
    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[: int(self.count.long())]:  # type: ignore[operator]
            x = layer(x)
        return x


class BufferedMask(Buffered):
    def forward(self, x: Tensor) -> Tensor:
        for number in torch.nonzero(self.mask > 0.5).flatten().tolist():  # type: ignore[operator]
            x = self.layers[number](x)
        return x


@pytest.mark.parametrize(("kind", "numbers"), [(BufferedCount, (0, 1, 2)), (BufferedMask, (0, 2))])
def test_what_small_buffers_of_fractions_say_is_known(kind: type[nn.Module], numbers: tuple[int, ...]) -> None:
    graph = trace(kind(), (torch.empty(4, 8),))
    assert predicted(graph) == {f"layers.{number}.{own}" for number in numbers for own in ("weight", "bias")}
