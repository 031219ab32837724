"""An HTTP proxy that leads every connection to one server, so that code runs as it stands, whatever address it has."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def tunnel_to(address: str) -> Iterator[dict[str, str]]:
    """The environment in which gRPC reaches the server at `address` for any other address."""
    host, _, port = address.rpartition(":")

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            assert self.rfile.readline().startswith(b"CONNECT ")
            while self.rfile.readline().strip():
                pass
            with socket.create_connection((host, int(port))) as server:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                there = threading.Thread(target=_copy, args=(self.connection, server))
                there.start()
                _copy(server, self.connection)
                there.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as proxy:
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield {"grpc_proxy": f"http://127.0.0.1:{proxy.server_address[1]}", "no_grpc_proxy": "", "no_proxy": ""}
        finally:
            proxy.shutdown()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Until either side ends; then the other one is told."""
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
