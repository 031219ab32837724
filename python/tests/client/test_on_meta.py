"""What only a constructor says of a module on the meta device."""

from __future__ import annotations

import sys
import types

import pytest
import torch
from torch import Tensor, nn

import logah
from logah.client import Client, CoverageError, on_meta, trace

pytestmark = pytest.mark.server


class Scaled(nn.Module):
    """Scales, tables and layers drawn anew in a constructor, of which no code is left behind."""

    def __init__(self, scale: float = 1e-6, *, width: int = 16) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, width), nn.Linear(width, 4)
        self.scale = nn.Parameter(scale * torch.ones(width))
        self.table = nn.Parameter(torch.empty(3, width, 5))
        self.slopes = nn.Parameter(torch.linspace(0, 1, width))
        self.depth = torch.linspace(0, 0.1, 3, device="cpu").tolist()[1]
        self.aside = nn.Conv1d(width, width, 3)
        nn.init.trunc_normal_(self.table, std=0.02)
        nn.init.normal_(self.aside.weight, std=3.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x) * self.scale + self.slopes * self.table.sum()
        return self.head(x + self.aside(x[:, :, None].expand(-1, -1, 3)).squeeze(2))


EXAMPLE = torch.empty(2, 8, device="meta")


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return logah.connect(server)


def test_a_module_made_by_on_meta_starts_as_its_constructor_says(client: Client) -> None:
    torch.manual_seed(0)
    module = on_meta(lambda: Scaled(0.25))
    assert all(parameter.is_meta for parameter in module.parameters())
    report = client.initialize(module, trace(module, (EXAMPLE,)), seed=1)
    assert isinstance(module, Scaled)
    assert torch.equal(module.scale, torch.full((16,), 0.25))
    assert torch.equal(module.slopes, torch.linspace(0, 1, 16))
    assert float(module.table.detach().std()) == pytest.approx(0.02, rel=0.2)
    assert float(module.aside.weight.detach().std()) == pytest.approx(3.0, rel=0.1)
    assert float(module.stem.weight.detach().std()) > 0
    assert report.predicted >= module.stem.weight.numel()


def test_what_a_constructor_alone_says_is_refused_on_the_plain_meta_device() -> None:
    with torch.device("meta"):
        module = Scaled()
    with pytest.raises(CoverageError, match="scale, table, slopes"):
        trace(module, (EXAMPLE,))


def test_defaults_of_a_registered_model_are_said_to_be_assumed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with timm, whose models know their names, and not the options that they were made with."""
    registry = types.SimpleNamespace(is_model=lambda name: name == "scaled_16", create_model=lambda name: Scaled())
    monkeypatch.setitem(sys.modules, "timm", registry)
    with torch.device("meta"):
        module = Scaled()
    module.pretrained_cfg = {"architecture": "scaled_16"}  # type: ignore[assignment]
    report = client.initialize(module, trace(module, (EXAMPLE,)), seed=1)
    assert torch.equal(module.scale, torch.full((16,), 1e-6))
    [warning] = [text for text in report.warnings if "scaled_16" in text]
    assert "by default" in warning
    assert "on_meta" in warning


def test_options_that_change_shapes_are_not_taken_to_be_defaults(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = types.SimpleNamespace(is_model=lambda _: True, create_model=lambda _: Scaled())
    monkeypatch.setitem(sys.modules, "timm", registry)
    with torch.device("meta"):
        module = Scaled(width=32)
    module.pretrained_cfg = {"architecture": "scaled_16"}  # type: ignore[assignment]
    with pytest.raises(CoverageError, match="scale, table, slopes"):
        trace(module, (EXAMPLE,))
