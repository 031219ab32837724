"""How transformers generates text with a network: the content of the `generation_config.json` beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: The file's name.
GENERATION_CONFIG = "generation_config.json"

#: What a configuration calls the number of positions that its network has.
_POSITIONS = ("n_positions", "max_position_embeddings")
#: The tokens that generation asks for, as `tokenizer_config.json` names them.
_TOKENS = ("bos_token", "eos_token", "pad_token")


def generation_config(config: bytes, tokenizer: Mapping[str, bytes]) -> bytes | None:
    """Of a network's config.json and its tokenizer's files; the Node.js command line writes the same bytes.

    It has no more tokens than the network has positions, where transformers itself would go beyond them, and its tokens
    as the tokenizer numbers them. None where these are not JSON objects.
    """
    network = _parsed(config)
    names, tokens = (_parsed(tokenizer.get(name)) for name in ("tokenizer_config.json", "tokenizer.json"))
    if network is None or names is None or tokens is None:
        return None
    fields: dict[str, Any] = {"do_sample": True, "temperature": 0.7}
    positions = (network.get(name) for name in _POSITIONS)
    count = next((value for value in positions if type(value) is int and value > 0), None)
    if count is not None:
        fields["max_length"] = count
    added = tokens.get("added_tokens")
    for name in _TOKENS:
        token = names.get(name)
        content = token.get("content") if isinstance(token, dict) else token
        for entry in added if isinstance(added, list) else ():
            if isinstance(entry, dict) and entry.get("content") == content and type(entry.get("id")) is int:
                fields[f"{name}_id"] = entry["id"]
    return json.dumps(fields, indent=2, sort_keys=True).encode() + b"\n"


def _parsed(file: bytes | None) -> dict[str, Any] | None:
    try:
        value = None if file is None else json.loads(file)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
