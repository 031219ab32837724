"""Control flow that depends on values: of buffers it is followed as it is, of weights where every way is alike."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from traced_graphs import predicted

from logah.client import TraceError, on_meta, trace


class Strided(nn.Module):
    """Pads so that a stride fits, which a buffer says."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(8, 8), nn.Linear(8, 4)
        self.register_buffer("stride", torch.tensor(5))

    def forward(self, x: Tensor) -> Tensor:
        missing = torch.ceil(x.shape[1] / self.stride).long() * self.stride - x.shape[1]
        if missing > 0:
            x = nn.functional.pad(x, (0, 0, 0, missing))  # type: ignore[arg-type]
        # Attention asks whether there is more than one row.
        output: Tensor = self.head(self.layer(x) if x.shape[1] > 1 else x)
        return output


@pytest.mark.parametrize("make", [Strided, lambda: on_meta(Strided)], ids=["held", "meta"])
def test_what_small_buffers_say_is_known(make: type[nn.Module]) -> None:
    graph = trace(make(), (torch.empty(1, 12, 8),))
    assert predicted(graph) == {"layer.weight", "layer.bias", "head.weight", "head.bias"}


class Routed(nn.Module):
    """Experts that a router chooses among; tokens that none was given are not computed."""

    experts: int = 6

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(8, self.experts)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, 1)
        weights, chosen = self.router(rows).softmax(-1).topk(2)
        mask = nn.functional.one_hot(chosen, self.experts).permute(2, 1, 0)
        output = torch.zeros_like(rows)
        for expert in (mask.sum((-1, -2)) > 0).nonzero():
            place, token = torch.where(mask[expert[0]])
            output = output.index_add(0, token, self.expert(rows[token], expert[0]) * weights[token, place, None])
        return output.view_as(x)

    def expert(self, x: Tensor, number: Tensor) -> Tensor:
        raise NotImplementedError


class Stacked(Routed):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Parameter(torch.empty(6, 16, 8)), nn.Parameter(torch.empty(6, 8, 16))
        self.bias = nn.Parameter(torch.zeros(6, 8))

    def expert(self, x: Tensor, number: Tensor) -> Tensor:
        hidden = nn.functional.linear(x, self.up[number]).relu()
        return nn.functional.linear(hidden, self.down[number]) + self.bias[number]


class Listed(Routed):
    def __init__(self) -> None:
        super().__init__()
        self.each = nn.ModuleDict({f"expert_{number}": nn.Linear(8, 8) for number in range(6)})

    def expert(self, x: Tensor, number: Tensor) -> Tensor:
        output: Tensor = self.each[f"expert_{number}"](x)
        return output


def test_experts_of_one_tensor_that_a_loop_calls_are_a_matrix_each() -> None:
    module, x = Stacked(), torch.empty(1, 4, 8)
    graph = trace(module, (x,))
    assert {"router.weight", "up", "down"} <= predicted(graph)
    assert [node.shape for node in graph.nodes if node.name in ("up", "down")] == [(16, 8), (8, 16)]


def test_experts_that_are_modules_are_each_predicted() -> None:
    graph = trace(Listed(), (torch.empty(1, 4, 8),))
    assert {f"each.expert_{number}.weight" for number in range(6)} <= predicted(graph)


class Splitting(nn.Module):
    """All experts, each on the tokens that a count says."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.head = nn.Parameter(torch.empty(3, 8, 8)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        parts = x.split([2, 5, 1], 0)
        output: Tensor = self.head(torch.cat([part @ matrix for part, matrix in zip(parts, self.weight, strict=True)]))
        return output


class Repeating(nn.Module):
    """All experts on all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(8, 3)
        self.up, self.down = nn.Parameter(torch.empty(3, 8, 16)), nn.Parameter(torch.empty(3, 16, 8))

    def forward(self, x: Tensor) -> Tensor:
        gates = self.router(x).sigmoid().t().reshape(-1, 1)
        rows = (x.repeat(3, 1) * gates).view(3, -1, 8)
        return torch.bmm(torch.bmm(rows, self.up).relu(), self.down).sum(0)


def test_experts_that_read_parts_or_copies_of_the_tokens_are_predicted() -> None:
    assert "weight" in predicted(trace(Splitting(), (torch.empty(8, 8),)))
    assert {"up", "down"} <= predicted(trace(Repeating(), (torch.empty(4, 8),)))


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.queries, self.head = nn.Parameter(torch.empty(3, 8, 8)), nn.Linear(24, 4)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.head(torch.cat([x @ own for own in self.queries], -1))
        return output


class Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight, self.head = nn.Parameter(torch.empty(3, 8, 8)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        for number in range(3):
            x = (x[torch.arange(len(x))] @ self.weight[number]).relu()
        output: Tensor = self.head(x)
        return output


@pytest.mark.parametrize("kind", [Heads, Layers])
def test_heads_and_layers_of_one_tensor_are_no_experts(kind: type[nn.Module]) -> None:
    assert predicted(trace(kind(), (torch.empty(4, 8),))) == {"head.weight", "head.bias"}


class Durations(nn.Module):
    """Speech of as many frames as the network itself says."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.duration, self.decoder = nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.encoder(x)
        lengths = self.duration(hidden).squeeze(-1).exp().round().long()
        if lengths.sum() == 0:
            lengths = torch.ones_like(lengths)
        frames = torch.repeat_interleave(hidden, lengths, dim=0)
        output: Tensor = self.decoder(frames if len(frames) > 1 else frames.repeat(2, 1))
        return output


def test_lengths_that_a_network_predicts_are_assumed() -> None:
    assert {"encoder.weight", "decoder.weight"} <= predicted(trace(Durations(), (torch.empty(4, 8),)))


class Condition(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layer(x)
        return output if bool(output.mean() > 0) else -output


def test_which_way_a_network_goes_is_not_assumed() -> None:
    with pytest.raises(TraceError, match="depends on the values"):
        trace(Condition(), (torch.empty(4, 8),))


class Converting(nn.Module):
    """A router that computes in float32, whatever the rest is in."""

    def __init__(self) -> None:
        super().__init__()
        self.router, self.head = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        self.router = self.router.to(torch.float32)
        output: Tensor = self.head(self.router(x.float()).to(x.dtype))
        return output


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_layer_may_be_converted_in_the_forward_pass(dtype: torch.dtype) -> None:
    module = Converting().to(dtype)
    assert "router.weight" in predicted(trace(module, (torch.empty(4, 8, dtype=dtype),)))
    assert module.router.weight.dtype == dtype


class Variational(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(8, 8), nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        mean, deviation = self.encoder(x).chunk(2, -1)
        output: Tensor = self.decoder(torch.distributions.Normal(mean, deviation.exp()).rsample())
        return output


@pytest.mark.parametrize("is_checked", [True, False])
def test_distributions_do_not_ask_for_values_and_check_afterwards_as_they_did(is_checked: bool) -> None:
    before = Distribution._validate_args
    Distribution.set_default_validate_args(is_checked)
    try:
        graph = trace(Variational(), (torch.empty(4, 8),))
        assert Distribution._validate_args is is_checked
    finally:
        Distribution.set_default_validate_args(before)
    assert {"encoder.weight", "decoder.weight"} <= predicted(graph)


class Packed(nn.Module):
    """Windows whose lengths come as numbers, and places of which only the values say how many there are."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        windows = [self.layer(part).mean(0) for part in x.split(lengths.tolist())]
        count = (x.sum(-1) > 0).sum().item()
        return self.head(torch.stack(windows)), torch.arange(count)


def test_new_tensors_may_have_sizes_that_depend_on_values() -> None:
    graph = trace(Packed(), (torch.empty(12, 8), torch.tensor([4, 8])))
    assert {"layer.weight", "head.weight"} <= predicted(graph)


class Masked(Routed):
    """Each expert on the tokens of a mask, if there are any."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.ModuleList([nn.Linear(8, 8) for _ in range(6)])

    def forward(self, x: Tensor) -> Tensor:
        weights, chosen = self.router(x).softmax(-1).topk(2)
        output = torch.zeros_like(x)
        for number, expert in enumerate(self.each):
            mask = (chosen == number).any(-1)
            if mask.any():
                share = (weights * (chosen == number)).sum(-1, keepdim=True)
                output[mask] += expert(x[mask]) * share[mask]
        return output


class Sorted(Routed):
    """Tokens sorted by their experts, each of which has a stretch of them."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.ModuleList([nn.Linear(8, 8) for _ in range(6)])

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, 1)
        weights, chosen = self.router(rows).softmax(-1).topk(2)
        counts = chosen.new_zeros((len(rows), 6)).scatter_(1, chosen, 1).sum(0).cpu().numpy()
        order = chosen.view(-1).argsort()
        tokens, outputs, start = rows[order // 2], [], 0
        for number, count in enumerate(counts):
            if count == 0:
                continue
            outputs.append(self.each[number](tokens[start : start + count]))
            start += count
        joined = torch.cat(outputs)
        back = torch.empty_like(joined)
        back[order] = joined
        return (back.view(len(rows), 2, 8) * weights[..., None]).sum(1).view_as(x)


@pytest.mark.parametrize("kind", [Masked, Sorted])
def test_experts_of_other_peoples_loops_are_predicted(kind: type[nn.Module]) -> None:
    graph = trace(kind(), (torch.empty(1, 4, 8),))
    assert {f"each.{number}.weight" for number in range(6)} <= predicted(graph)


class Looked(Packed):
    """One of the lengths that values choose says which way it goes."""

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        own = lengths[(x.sum((1,)) > 0).long()]
        return super().forward(x if bool(own.sum() > 20) else -x, lengths)


def test_what_values_choose_among_known_numbers_is_not_known() -> None:
    with pytest.raises(TraceError, match="depends on the values"):
        trace(Looked(), (torch.empty(12, 8), torch.tensor([4, 8])))
