"""Every piece of Python in the documentation runs as it stands, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import run_snippet
from client_servers import SMALL_VIT
from paths import REPOSITORY

#: What cannot run here, by a part of its text, and why. It is compiled.
CANNOT_RUN = {
    'init_device_mesh("cuda", (8,))': "needs eight GPUs; tests/client/test_initialize.py does the same on four CPUs",
    "recipe.expand(arrays, layer, jnp)": "needs JAX; examples/python/flax_sharded.py does the same",
}


class Snippet(NamedTuple):
    document: str
    line: int
    code: str

    @property
    def reason(self) -> str | None:
        """Why it cannot run; None: it can."""
        return next((reason for part, reason in CANNOT_RUN.items() if part in self.code), None)


def snippets() -> list[Snippet]:
    """The Python of README.md, CONTRIBUTING.md, docs and examples."""
    documents = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]
    documents += sorted([*REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("examples/**/*.md")])
    return [
        Snippet(str(path.relative_to(REPOSITORY)), text.count("\n", 0, block.start()) + 1, block[1])
        for path in documents
        for text in [path.read_text()]
        for block in re.finditer(r"^```py(?:thon)?\b[^\n]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]


SNIPPETS = snippets()


@pytest.mark.server
@pytest.mark.parametrize(
    "snippet",
    [snippet for snippet in SNIPPETS if snippet.reason is None],
    ids=lambda snippet: f"{snippet.document}:{snippet.line}",
)
def test_a_snippet_runs_as_it_stands(snippet: Snippet, server: str, tmp_path: Path) -> None:
    # What a reader has at hand: a clone's examples, and a configuration of their own.
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    (tmp_path / "config.json").write_text(json.dumps(SMALL_VIT))
    (tmp_path / "snippet.py").write_text(snippet.code)
    path = os.pathsep.join([str(REPOSITORY / "python"), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, run_snippet.__file__, "snippet.py", server],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr


def test_what_cannot_run_is_named_with_the_reason_and_is_python() -> None:
    for part in CANNOT_RUN:
        (snippet,) = [snippet for snippet in SNIPPETS if part in snippet.code]
        compile(snippet.code, snippet.document, "exec")


def test_there_are_snippets_where_readers_begin() -> None:
    assert {"README.md", "docs/python-client.md"} <= {snippet.document for snippet in SNIPPETS}
