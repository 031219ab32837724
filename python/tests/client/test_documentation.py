"""The code of docs/python-client.md runs."""

import json
import re
from pathlib import Path

import pytest
from client_servers import REPOSITORY, SMALL_VIT

import logah

TEXT = (REPOSITORY / "docs" / "python-client.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.server
def test_the_code_runs_in_the_order_of_the_page(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.json").write_text(json.dumps(SMALL_VIT))
    names: dict[str, object] = {}
    for block in BLOCKS:
        if '"cuda"' in block:
            compile(block, "docs/python-client.md", "exec")
        else:
            exec(block.replace("127.0.0.1:50051", server), names)
    assert sorted(path.name for path in Path("out").iterdir()) == ["config.json", "model.safetensors"]
    assert len(BLOCKS) >= 4


def test_every_name_of_the_client_that_the_page_has_exists() -> None:
    methods = set(
        re.findall(r"^\| `(\w+)` +\| (?:every|an iterator|all tensors|`model|a module|the checked)", TEXT, re.M)
    )
    assert methods == {"plan", "predict", "state_dict", "save", "initialize", "events"}
    assert all(hasattr(logah.Client, name) for name in methods)
    errors = set(re.findall(r"^\| `(\w+Error)`", TEXT, re.M))
    assert errors == {name for name in logah.client.__all__ if name.endswith("Error")} - {"LogahError"}
