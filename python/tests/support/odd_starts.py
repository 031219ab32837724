"""Further modules with starts of their own; `kept` names the parameters that must be as they were."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class OddStart(nn.Module):
    """A module and what it is called with."""

    inputs: tuple[Tensor, ...] = (torch.zeros(1, 64),)
    kept: tuple[str, ...] = ()


class RandomFourier(OddStart):
    """Frequencies that were drawn once and stay."""

    inputs = (torch.zeros(1, 2),)
    kept = ("frequencies",)

    def __init__(self) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(2, 32) * 10, requires_grad=False)
        self.head = nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        angle = x @ self.frequencies
        return self.head(torch.cat((angle.sin(), angle.cos()), -1))


class FrozenBias(OddStart):
    """A bias is frozen, its weight is not."""

    kept = ("first.bias",)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, 64), nn.Linear(64, 64)
        self.first.bias.requires_grad_(False).copy_(torch.arange(64.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu())


class CarefulGru(OddStart):
    """Orthogonal recurrence, and an update gate that begins almost shut."""

    inputs = (torch.zeros(1, 5, 32),)
    kept = ("gru.weight_hh_l0", "gru.bias_ih_l0", "gru.bias_hh_l0")

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(32, 32, batch_first=True), nn.Linear(32, 32)
        nn.init.orthogonal_(self.gru.weight_hh_l0)
        nn.init.zeros_(self.gru.bias_hh_l0)
        nn.init.zeros_(self.gru.bias_ih_l0)
        nn.init.constant_(self.gru.bias_ih_l0[32:64], -1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(x)[0])


class ZeroModulation(OddStart):
    """The modulation of a diffusion transformer and its last layer begin as nothing."""

    inputs = (torch.zeros(1, 64), torch.zeros(1, 64))
    kept = ("modulation.weight", "modulation.bias", "last.weight", "last.bias")

    def __init__(self) -> None:
        super().__init__()
        self.modulation, self.last = nn.Linear(64, 192), nn.Linear(64, 64)
        self.norm, self.middle = nn.LayerNorm(64, elementwise_affine=False), nn.Linear(64, 64)
        for layer in (self.modulation, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift, gate = self.modulation(functional.silu(condition)).chunk(3, -1)
        return self.last(x + gate * self.middle(self.norm(x) * (1 + scale) + shift))


class ReZero(OddStart):
    """A scalar of 0 and a vector of 0.1 that scale branches."""

    kept = ("alpha", "scale")

    def __init__(self) -> None:
        super().__init__()
        self.branch, self.head = nn.Linear(64, 64), nn.Linear(64, 64)
        self.alpha, self.scale = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.full((64,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.alpha * self.branch(x).relu()
        return self.head(x + self.scale * x.tanh())


class AnchoredPriors(OddStart):
    """A detector's bias of three anchors: priors of objects and classes, zeros for the boxes."""

    inputs = (torch.zeros(1, 3, 16, 16),)
    kept = ("head.bias",)

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 64, 3), nn.Conv2d(64, 24, 1)
        with torch.no_grad():
            bias = self.head.bias.view(3, 8).zero_()
            bias[:, 4], bias[:, 5:] = math.log(8 / 40**2), math.log(0.6 / 2.01)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stem(x).relu())


class SpatialTransformer(OddStart):
    """Its first transform is the identity."""

    inputs = (torch.zeros(1, 3, 16, 16),)
    kept = ("transform.weight", "transform.bias")

    def __init__(self) -> None:
        super().__init__()
        self.locate, self.transform, self.stem = nn.Linear(64, 64), nn.Linear(64, 6), nn.Conv2d(3, 64, 3)
        nn.init.zeros_(self.transform.weight)
        with torch.no_grad():
            self.transform.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def forward(self, x: Tensor) -> Tensor:
        theta = self.transform(self.locate(x.flatten(1)[:, :64]).relu()).view(-1, 2, 3)
        grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
        return self.stem(functional.grid_sample(x, grid, align_corners=False))


class Identities(OddStart):
    """A matrix and kernels that pass on what they get."""

    inputs = (torch.zeros(1, 5, 64),)
    kept = ("matrix.weight", "line.weight", "plane.weight")

    def __init__(self) -> None:
        super().__init__()
        self.matrix, self.head = nn.Linear(64, 64), nn.Linear(64, 64)
        self.line, self.plane = nn.Conv1d(64, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1)
        nn.init.eye_(self.matrix.weight)
        nn.init.dirac_(self.line.weight)
        nn.init.dirac_(self.plane.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.line(self.matrix(x).relu().transpose(1, 2))
        return self.head(self.plane(y[..., None]).flatten(2).transpose(1, 2))


class GivenTable(OddStart):
    """A table that was given and is frozen, beside one that is learned."""

    inputs = (torch.zeros(1, 5, dtype=torch.long),)
    kept = ("given.weight",)

    def __init__(self) -> None:
        super().__init__()
        self.learned, self.head = nn.Embedding(100, 64, padding_idx=7), nn.Linear(64, 64)
        self.given = nn.Embedding.from_pretrained(torch.arange(6400.0).view(100, 64).sin())

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.learned(x) + self.given(x))


class SlopesAndBins(OddStart):
    """Vectors whose entries are in an order that means something."""

    kept = ("slopes", "bins")

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(64, 64), nn.Linear(64, 64)
        self.slopes = nn.Parameter(2.0 ** -torch.arange(1.0, 65.0))
        self.bins = nn.Parameter(torch.linspace(0, 1, 64))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.first(x) * self.slopes + self.bins)


class Highway(OddStart):
    """Its gate begins almost shut."""

    kept = ("gate.bias",)

    def __init__(self) -> None:
        super().__init__()
        self.branch, self.gate, self.head = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 64)
        nn.init.constant_(self.gate.bias, -2.0)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate(x).sigmoid()
        return self.head(gate * self.branch(x).relu() + (1 - gate) * x)


ODD_STARTS: tuple[type[OddStart], ...] = (
    RandomFourier, FrozenBias, CarefulGru, ZeroModulation, ReZero, AnchoredPriors, SpatialTransformer, Identities,
    GivenTable, SlopesAndBins, Highway,
)  # fmt: skip
