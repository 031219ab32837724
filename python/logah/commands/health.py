"""`logah health`: asks a server whether it is well, for container health checks and scripts."""

from __future__ import annotations

import argparse

from logah.commands.ending import exit_status
from logah.commands.request_flags import server
from logah.commands.security_flags import add_security_flags, security

#: Seconds until a server that does not answer counts as unwell.
_DEADLINE = 3.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser; its flags are those of the Node.js command line."""
    parser = subparsers.add_parser(
        "health",
        help="ask a server for its health",
        description="Asks a server for its health (grpc.health.v1). Exit code 0: it serves, 1: it does not.",
    )
    parser.add_argument(
        "--server",
        type=server,
        default="127.0.0.1:50051",
        metavar="HOST:PORT",
        help="the server to ask (default: 127.0.0.1:50051)",
    )
    parser.add_argument(
        "--service",
        default="",
        metavar="NAME",
        help="service to ask about, such as logah.v1.LogahService (default: the server as a whole)",
    )
    add_security_flags(parser)
    parser.set_defaults(run=lambda arguments: exit_status(lambda: _run(arguments)))


def _run(arguments: argparse.Namespace) -> int:
    from logah.client.link.health import health
    from logah.client.link.security import channel_credentials

    # Whoever they are, everybody may ask: the token is not shown.
    credentials = channel_credentials(security(arguments)["tls"], None)
    status = health(arguments.server, arguments.service, credentials=credentials, timeout=_DEADLINE)
    print(status)
    return 0 if status == "SERVING" else 1
