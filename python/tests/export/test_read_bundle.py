"""A bundle read back is the hypernetwork that it was written from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from minute import MINUTE

from logah.errors import BundleError
from logah.export.bundle import BundleDescription, write_bundle
from logah.export.encoder_graph import encoder_graph
from logah.export.read_bundle import read_bundle
from logah.hypernet.hypernetwork import Hypernetwork
from logah.training.configuration import train_configuration


def test_what_was_exported_comes_back_and_is_exported_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Hypernetwork(train_configuration(MINUTE, "test").hypernet)
    write_bundle(model, BundleDescription(name="minute"), tmp_path / "minute")
    again = read_bundle(tmp_path / "minute")
    assert again.config == model.config
    for name, tensor in model.state_dict().items():
        if not name.startswith("encoder.edge_bias."):
            assert torch.equal(again.state_dict()[name], tensor), name
    difference = (again.encoder.edge_bias.table() - model.encoder.edge_bias.table()).abs().max()
    assert difference < 1e-6
    assert encoder_graph(again.encoder)


def test_a_directory_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json"):
        read_bundle(tmp_path)
