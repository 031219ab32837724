"""How a client says who it is, against gRPC servers on real ports."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

import logah.client.aio
from logah.client import Tls, connect
from logah.client._generated import logah_pb2
from logah.errors import RemoteError, RequestError


class _Service(grpc.GenericRpcHandler):
    """Notes what each call shows, and answers that there are no models."""

    def __init__(self) -> None:
        self.shown: list[str | None] = []

    def service(self, handler_call_details: Any) -> Any:
        self.shown.append(dict(handler_call_details.invocation_metadata).get("authorization"))
        return grpc.unary_unary_rpc_method_handler(
            lambda _request, _context: logah_pb2.ListModelsResponse(),
            response_serializer=logah_pb2.ListModelsResponse.SerializeToString,
        )


@pytest.fixture
def service() -> Iterator[tuple[_Service, str]]:
    handler = _Service()
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield handler, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_a_token_is_shown_at_every_call_and_read_again_where_it_changes(
    service: tuple[_Service, str], tmp_path: Path
) -> None:
    handler, address = service
    file = tmp_path / "token"
    file.write_text("first\n")
    with connect(address, token=file, patience=0) as client:
        client.list_models()
        file.write_text("second\n")
        client.list_models()
    with connect(address, token="given", patience=0) as client:
        client.list_models()
    with connect(address, token=lambda: "made", patience=0) as client:
        client.list_models()
    with connect(address, patience=0) as client:
        client.list_models()
    assert handler.shown == ["Bearer first", "Bearer second", "Bearer given", "Bearer made", None]


@pytest.mark.parametrize("target", ["logah.example:50051", "192.0.2.1:1", "dns:///logah:50051", ["127.0.0.1:1", "a:1"]])
def test_a_token_does_not_go_to_another_machine_in_plain_text(target: str | list[str]) -> None:
    with pytest.raises(RequestError, match="plain text"):
        connect(target, token="secret-token")
    connect(target, token="secret-token", tls=True).close()


def test_what_is_no_token_is_refused_without_being_shown() -> None:
    for wrong in ("", "two words", "new\nline"):
        with pytest.raises(RequestError, match="the token is empty or has characters that no token has"):
            connect("127.0.0.1:1", token=wrong)


def test_contradictions_are_refused() -> None:
    with pytest.raises(RequestError, match="go together"):
        connect("127.0.0.1:1", tls=Tls(cert="a.pem"))
    with pytest.raises(RequestError, match="both given"):
        connect("127.0.0.1:1", grpc.ssl_channel_credentials(), tls=True)
    with pytest.raises(OSError):
        connect("127.0.0.1:1", tls="nowhere.pem")


def test_files_that_hold_something_else_are_refused_before_anything_is_sent(secure_port: tuple[str, Path]) -> None:
    address, cert = secure_port
    key = cert.with_name("key.pem")
    with pytest.raises(RequestError, match=r"ca is .*key\.pem, which has no certificate in PEM"):
        connect(address, tls=key)
    with pytest.raises(RequestError, match=r"key is .*cert\.pem, which has no private key in PEM"):
        connect(address, tls=Tls(cert=cert, key=cert))
    connect(address, tls=Tls(ca=cert, cert=cert, key=key)).close()


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan")])
def test_a_time_limit_that_nothing_could_meet_is_refused(timeout: float) -> None:
    with (
        connect("127.0.0.1:1") as client,
        pytest.raises(RequestError, match=r"timeout is .*; allowed: seconds above 0"),
    ):
        client.list_models(timeout=timeout)


@pytest.fixture
def secure_port(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A port of gRPC's own that speaks TLS, and the certificate that its clients have to trust."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key)]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *new, "-out", str(cert), *names], check=True, capture_output=True)
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((_Service(),))
    pair = ((key.read_bytes(), cert.read_bytes()),)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair))
    server.start()
    yield f"127.0.0.1:{port}", cert
    server.stop(None).wait()


def test_a_port_that_speaks_tls_is_named_to_a_client_that_does_not(secure_port: tuple[str, Path]) -> None:
    address, cert = secure_port
    with connect(address, tls=cert) as client:
        client.list_models()
    with connect(address) as client, pytest.raises(RemoteError, match=f"^server {address} speaks TLS on this port; "):
        client.list_models()


def test_a_port_that_does_not_speak_tls_is_named_to_a_client_that_does(
    service: tuple[_Service, str], secure_port: tuple[str, Path]
) -> None:
    _, address = service
    with connect(address, tls=secure_port[1]) as client:
        with pytest.raises(RemoteError, match=f"^server {address} does not speak TLS, or not on this port"):
            client.list_models()


def test_a_certificate_that_is_not_trusted_is_not_taken_for_none(secure_port: tuple[str, Path]) -> None:
    address, _ = secure_port
    with connect(address, tls=True, patience=0) as client, pytest.raises(RemoteError) as caught:
        client.list_models()
    assert "does not speak TLS" not in str(caught.value)


def test_the_asyncio_client_names_tls_too(secure_port: tuple[str, Path]) -> None:
    async def ask() -> None:
        async with logah.client.aio.connect(secure_port[0]) as client:
            await client.list_models()

    with pytest.raises(RemoteError, match="speaks TLS on this port"):
        asyncio.run(ask())
