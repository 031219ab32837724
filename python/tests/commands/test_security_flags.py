"""The command line speaks TLS and shows a token as that of Node.js does, to real servers."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from client_servers import MODELS, serve
from node_command import node_output
from paths import REPOSITORY

from logah.__main__ import main

CONFIG = str(REPOSITORY / "examples" / "vit-tiny-patch16-224" / "config.json")
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True)
class Secured:
    """Two servers, and the flags for that with TLS, which asks for certificates and tokens."""

    address: str
    plain: str
    tls: list[str]
    token_file: Path

    @property
    def flags(self) -> list[str]:
        return [*self.tls, "--token-file", str(self.token_file)]

    @property
    def variables(self) -> dict[str, str]:
        flags = iter(self.flags)
        return {f"LOGAH_{flag[2:].upper().replace('-', '_')}": value for flag, value in zip(flags, flags, strict=True)}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    directory = tmp_path_factory.mktemp("tls")
    path = {name: str(directory / name) for name in ("ca.pem", "ca.key", "own.csr", "own.pem", "own.key", "names")}

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    openssl("req", "-x509", *NEW_KEY, "-keyout", path["ca.key"], "-out", path["ca.pem"], "-subj", "/CN=authority")
    openssl("req", *NEW_KEY, "-keyout", path["own.key"], "-out", path["own.csr"], "-subj", "/CN=signed")
    Path(path["names"]).write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    authority = ["-CA", path["ca.pem"], "-CAkey", path["ca.key"], "-CAcreateserial", "-extfile", path["names"]]
    openssl("x509", "-req", "-in", path["own.csr"], *authority, "-days", "1", "-out", path["own.pem"])
    token_file = directory / "token"
    token_file.write_text("a-token-of-the-team\n")
    callers = directory / "callers"
    callers.write_text(f"team, sha256:{hashlib.sha256(b'a-token-of-the-team').hexdigest()}, models=*\n")
    flags = ["--tls-cert", path["own.pem"], "--tls-key", path["own.key"], "--tls-client-ca", path["ca.pem"]]
    with ExitStack() as stack:
        address = stack.enter_context(serve(MODELS, *flags, "--callers", str(callers)))
        plain = stack.enter_context(serve(MODELS))
        tls = ["--ca", path["ca.pem"], "--cert", path["own.pem"], "--key", path["own.key"]]
        yield Secured(address, plain, tls, token_file)


@pytest.mark.server
@pytest.mark.parametrize("command", [["models"], ["plan", CONFIG], ["health"]], ids=lambda command: command[0])
def test_a_command_answers_over_tls_as_the_other_command_line_does(
    command: list[str], secured: Secured, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [*command, "--server", secured.address, *secured.flags]
    assert main(line) == 0
    assert capsys.readouterr().out == node_output(*line)


@pytest.mark.server
def test_predict_writes_its_file_over_tls(secured: Secured, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "out"), "--quiet"]
    assert main(["predict", CONFIG, *out, "--server", secured.address, *secured.flags]) == 0
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.server
def test_the_environment_says_the_same(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in secured.variables.items():
        monkeypatch.setenv(name, value)
    assert main(["models", "--server", secured.address]) == 0
    assert main(["health", "--server", secured.address]) == 0


@pytest.mark.server
def test_nothing_is_answered_without_a_token_or_a_certificate(
    secured: Secured, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "--server", secured.address, "--patience", "0", *secured.tls]) == 1
    assert "credentials" in capsys.readouterr().err
    assert main(["models", "--server", secured.address, "--patience", "0", *secured.tls[:2]]) == 1
    assert main(["health", "--server", secured.address, *secured.tls]) == 0
    assert main(["health", "--server", secured.address, *secured.tls[:2]]) == 1


@pytest.mark.server
def test_a_token_goes_to_this_machine_in_plain_text_and_no_further(
    secured: Secured, capsys: pytest.CaptureFixture[str]
) -> None:
    token = ["--token-file", str(secured.token_file)]
    assert main(["models", "--server", secured.plain, *token]) == 0
    capsys.readouterr()
    assert main(["models", "--server", "192.0.2.1:50051", "--patience", "0", *token]) == 1
    assert "plain text" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "variables", "says"),
    [
        (["--cert", "a.pem"], {}, "--cert and --key go together"),
        ([], {"LOGAH_KEY": "a.key"}, "--cert and --key go together"),
        ([], {"LOGAH_TLS": "yes"}, "LOGAH_TLS is 'yes'; it must be true or false"),
        (["--ca", "ca.pem"], {"LOGAH_TLS": "false"}, "neither --ca nor --cert"),
        (["--ca", "/nowhere/ca.pem"], {}, "/nowhere/ca.pem"),
    ],
)
@pytest.mark.parametrize("command", ["models", "health"])
def test_contradictions_are_refused(
    command: str,
    flags: list[str],
    variables: dict[str, str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main([command, "--server", "127.0.0.1:1", *flags]) == 1
    assert says in capsys.readouterr().err
