"""The package as a whole."""

from __future__ import annotations

import json
from importlib.resources import files

from paths import REPOSITORY

import logah


def test_the_packages_of_both_languages_have_one_version() -> None:
    assert logah.__version__ == json.loads((REPOSITORY / "package.json").read_text())["version"]


def test_type_checkers_of_its_users_read_the_annotations() -> None:
    assert files("logah").joinpath("py.typed").is_file()
