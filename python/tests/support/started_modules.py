"""Modules with starts of their own: what each docstring says must hold after `Client.initialize`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class FrozenSinusoids(nn.Module):
    """`positions` is fixed (requires_grad False): it must hold its sines and cosines afterwards, bit for bit."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(8, 16)
        angle = torch.arange(32)[:, None] * torch.exp(torch.arange(0, 16, 2) * (-math.log(10_000) / 16))
        table = torch.stack((angle.sin(), angle.cos()), 2).reshape(1, 32, 16)
        self.positions = nn.Parameter(table, requires_grad=False)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.project(x) + self.positions)


class FrozenLayer(nn.Module):
    """The user froze `stem`: it must not change."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, 16), nn.Linear(16, 4)
        self.stem.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stem(x).relu())


class CarefulLstm(nn.Module):
    """Not predicted, so its own start must stay: orthogonal recurrence, forget bias 1, other biases 0."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.rnn, self.head = nn.Linear(8, 16), nn.LSTM(16, 16, batch_first=True), nn.Linear(16, 4)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)
        with torch.no_grad():
            self.rnn.bias_ih_l0[16:32].fill_(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(self.embed(x))[0])


class ZeroAdapter(nn.Module):
    """`up` (LoRA's B), `conv` and the group norm start at 0, `scale` at 1e-5: branches begin as nothing, and must."""

    def __init__(self) -> None:
        super().__init__()
        self.base, self.down, self.up = nn.Linear(8, 8), nn.Linear(8, 2, bias=False), nn.Linear(2, 8, bias=False)
        self.conv, self.norm = nn.Conv1d(8, 8, 3, padding=1), nn.GroupNorm(2, 8)
        self.scale = nn.Parameter(torch.full((8,), 1e-5))
        for zero in (self.up.weight, self.conv.weight, self.conv.bias, self.norm.weight):
            nn.init.zeros_(zero)

    def forward(self, x: Tensor) -> Tensor:
        y = self.base(x)
        branch = self.norm(self.conv(x.transpose(1, 2))).transpose(1, 2)
        return y + self.up(self.down(x)) + self.scale * branch


class Generator(nn.Module):
    """Transposed convolutions that `apply` gave N(0, 0.02): predicted or not, never PyTorch's own uniform rule."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(100, 64, 4, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False),
            nn.Tanh(),
        )
        for layer in self.layers:
            if isinstance(layer, nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, 0, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class PriorBias(nn.Module):
    """A detection head's bias is -log(99): a prior of 1 %. It must still be."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.classes = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1)
        nn.init.constant_(self.classes.bias, -math.log(99))

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.body(x).relu())


class Temperature(nn.Module):
    """A scalar parameter refuses the whole network today. It must keep its value."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.logit_scale = nn.Linear(8, 8), nn.Parameter(torch.tensor(2.6592))

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x) * self.logit_scale.exp()


class Video(nn.Module):
    """Five dimensions, likewise."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.patches(x).flatten(2).mean(2))


class WeightNorm(nn.Module):
    """`original0` must be the norms of `original1`'s rows, so that the weight is the one that was meant."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.linear(x).relu())


class Experts(nn.Module):
    """Experts in one tensor [experts, out, in], as transformers 5 stores them; a wide one must not be refused."""

    def __init__(self, experts: int = 4, width: int = 8, hidden: int = 32) -> None:
        super().__init__()
        self.router = nn.Linear(width, experts)
        self.up = nn.Parameter(torch.randn(experts, hidden, width) * 0.02)
        self.down = nn.Parameter(torch.randn(experts, width, hidden) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        gates = self.router(x).softmax(-1)
        hidden = torch.einsum("btw,ehw->bteh", x, self.up).relu()
        return torch.einsum("bteh,ewh,bte->btw", hidden, self.down, gates)


SEQUENCE, IMAGE = torch.zeros(1, 32, 8), torch.zeros(1, 3, 16, 16)
CASES = (
    (FrozenSinusoids, SEQUENCE),
    (FrozenLayer, SEQUENCE),
    (CarefulLstm, SEQUENCE),
    (ZeroAdapter, SEQUENCE),
    (Generator, torch.zeros(1, 100, 1, 1)),
    (PriorBias, IMAGE),
    (Temperature, SEQUENCE),
    (Video, torch.zeros(1, 3, 4, 8, 8)),
    (WeightNorm, SEQUENCE),
    (Experts, SEQUENCE),
)
