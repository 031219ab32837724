"""What docs/python-client.md lists is there."""

import re

from paths import REPOSITORY

import logah

TEXT = (REPOSITORY / "docs" / "python-client.md").read_text()


def test_every_name_of_the_client_that_the_page_has_exists() -> None:
    methods = set(
        re.findall(
            r"^\| `(\w+)` +\| (?:every|an iterator|all tensors|`model|a module|the checked|what each)", TEXT, re.M
        )
    )
    assert methods == {"plan", "predict", "state_dict", "save", "initialize", "cores", "events"}
    assert all(hasattr(logah.Client, name) for name in methods)
    errors = set(re.findall(r"^\| `(\w+Error)`", TEXT, re.M))
    assert errors == {name for name in logah.client.__all__ if name.endswith("Error")} - {"LogahError"}
