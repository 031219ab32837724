"""The package as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files

import pytest
from paths import REPOSITORY

import logah


def test_the_packages_of_both_languages_have_one_version() -> None:
    assert logah.__version__ == json.loads((REPOSITORY / "package.json").read_text())["version"]


def test_type_checkers_of_its_users_read_the_annotations() -> None:
    assert files("logah").joinpath("py.typed").is_file()


@pytest.mark.parametrize(
    "name",
    [
        "client.trace",
        "client.LogahError",
        "graph.ArchitectureGraph",
        "errors.RemoteError",
        "RemoteError",
        "aio.connect",
    ],
)
def test_what_the_package_has_is_there_after_importing_it_alone(name: str) -> None:
    subprocess.run([sys.executable, "-c", f"import logah; logah.{name}"], check=True)


def test_every_name_that_the_package_lists_is_there_and_a_wrong_one_is_an_attribute_error() -> None:
    assert all(getattr(logah, name) is not None and name in dir(logah) for name in logah.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'clients'"):
        logah.clients  # noqa: B018


def test_errors_have_one_class_wherever_they_are_imported_from() -> None:
    assert logah.RemoteError is logah.errors.RemoteError is logah.client.RemoteError
    kinds = [kind for kind in vars(logah.errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 10
    assert all(issubclass(kind, logah.LogahError) for kind in kinds)


def test_a_command_that_needs_a_package_which_is_not_installed_names_it() -> None:
    code = "import sys; sys.modules['torch'] = None; from logah.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "train", "none.yaml"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=REPOSITORY / "python")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "logah: this command needs torch; in a clone: pip install './python[hypernet]'\n"
