"""Configurations as people have them, and random ones: the service builds what transformers builds, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import write_config_classes
from paths import FIXTURES
from random_configs import Difference, differences, parameters_of, service
from transformers import AutoConfig

pytestmark = pytest.mark.server

FILES = sorted((FIXTURES / "configs").glob("*.json"))
# Each is a configuration of every family: transformers needs most of the time.
SEEDS = [11, 12]


def service_parameters(text: str) -> list[tuple[str, list[int], str | None]] | None:
    """None where it refuses them."""
    with service() as front_end:
        graph: dict[str, Any] | None = front_end.read(text).get("graph")
    return graph and [(p["name"], p.get("shape", []), p.get("tiedTo")) for p in graph["parameters"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_stands_for_what_transformers_makes_of_it(path: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(path.read_bytes())
    try:
        config = AutoConfig.from_pretrained(tmp_path)
        theirs = parameters_of(config, config.architectures[0])
    except Exception:  # whatever transformers raises is its refusal
        theirs = None
    assert service_parameters(path.read_text()) == theirs


@pytest.mark.parametrize("seed", SEEDS)
def test_random_configurations_stand_for_what_transformers_makes_of_them(seed: int) -> None:
    found = list(differences(seed, 3, [], odd=0.01))
    wrong = [item for item in found if isinstance(item, Difference) and item.kind != "only the service refuses"]
    assert not wrong
    assert found.count("built") > len(found) / 2


def test_what_the_service_knows_of_configuration_classes_is_what_transformers_says() -> None:
    assert write_config_classes.FILE.read_text() == write_config_classes.text()
