"""The fixed set of networks that is exported; their parameters all differ, so that no exporter merges them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: Of everything that is drawn for the comparison.
SEED = 11


class Perceptron(nn.Module):
    """Three linear layers with a residual: [..., 20] -> [..., 5]."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(20, 80), nn.Linear(80, 20), nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x + self.second(self.first(x).relu()))


class Reused(nn.Module):
    """One layer that is called three times."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.last = nn.Linear(12, 32), nn.Linear(32, 32), nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for _ in range(3):
            x = self.shared(x).relu()
        return self.last(x)


class Convolutions(nn.Module):
    """Convolutions with batch norms, and a group norm: [N, 3, 16, 16] -> [N, 5]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16)
        self.depthwise, self.point = nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 32, 1)
        self.group, self.head = nn.GroupNorm(4, 32), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x)).relu()
        return self.head(self.group(self.point(self.depthwise(x))).relu().mean((2, 3)))


class Encoder(nn.Module):
    """Patches, positions, a class token, one block of attention written with separate projections: [N, 3, 16, 16]."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 48, 4, 4)
        self.token, self.positions = nn.Parameter(torch.randn(1, 1, 48)), nn.Parameter(torch.randn(1, 17, 48))
        self.before, self.after, self.last = nn.LayerNorm(48), nn.LayerNorm(48), nn.LayerNorm(48)
        self.query, self.key, self.value, self.out = (nn.Linear(48, 48) for _ in range(4))
        self.up, self.down, self.head = nn.Linear(48, 192), nn.Linear(192, 48), nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        y = self.before(x)
        q, k, v = (p(y).unflatten(-1, (4, 12)).transpose(1, 2) for p in (self.query, self.key, self.value))
        attended = (q @ k.transpose(-1, -2) * 12**-0.5).softmax(-1) @ v
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        x = x + self.down(nn.functional.gelu(self.up(self.after(x))))
        return self.head(self.last(x)[:, 0])


class Recurrent(nn.Module):
    """An embedding, an LSTM and a head: [N, T] -> [N, T, 50]."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.lstm, self.head = nn.Embedding(50, 16), nn.LSTM(16, 24, batch_first=True), nn.Linear(24, 50)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(self.table(x))[0])


def _randomised(module: nn.Module) -> nn.Module:
    """All parameters and statistics differ, so that no exporter merges them."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05 + (parameter.dim() == 1))
        for name, buffer in module.named_buffers():
            if "running" in name:
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module.eval()


def networks() -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
    """A module in evaluation mode and its inputs, by name."""
    image = torch.randn(1, 3, 16, 16)
    return {
        "perceptron": (_randomised(Perceptron()), (torch.randn(2, 20),)),
        "perceptron on sequences": (_randomised(Perceptron()), (torch.randn(2, 6, 20),)),
        "reused layer": (_randomised(Reused()), (torch.randn(2, 5, 12),)),
        "convolutions": (_randomised(Convolutions()), (image,)),
        "vision transformer": (_randomised(Encoder()), (image,)),
        "recurrent": (_randomised(Recurrent()), (torch.randint(50, (2, 6)),)),
    }
