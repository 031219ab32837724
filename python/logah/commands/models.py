"""`logah models`: lists the models of a server."""

from __future__ import annotations

import argparse
import json

from logah.commands.ending import exit_status
from logah.commands.request_flags import add_server_flags
from logah.commands.security_flags import security
from logah.commands.tables import table


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser; its flags are those of the Node.js command line."""
    parser = subparsers.add_parser(
        "models", help="list the models of a server", description="Lists the models of a server."
    )
    add_server_flags(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.set_defaults(run=lambda arguments: exit_status(lambda: _run(arguments)))


def _run(arguments: argparse.Namespace) -> int:
    from logah.client import connect
    from logah.commands.contract_json import json_of

    with connect(arguments.server, patience=arguments.patience, **security(arguments)) as client:
        response = client.list_models()
    if arguments.json:
        content = json_of(response)
        for model in content["models"]:
            training = model.pop("trainingJson")
            model["training"] = json.loads(training) if training else None
        print(json.dumps(content, indent=2))
        return 0
    rows = [
        (
            model.name,
            "formula" if model.built_in else model.decoder,
            str(model.rank or "-"),
            f"{model.parameters:,}",
            ", ".join(model.families) or "-",
            model.description,
        )
        for model in response.models
    ]
    print(table(("model", "decoder", "rank>", "parameters>", "families", "description"), rows))
    print(f"default for other families: {response.default_model or 'none'}")
    return 0
