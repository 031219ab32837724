"""The tokenizer that a server has for a model, as files."""

from __future__ import annotations

import re

from logah.client._generated import logah_pb2
from logah.errors import ProtocolError

_NAME = re.compile(r"tokenizer[a-z_]*\.json")


def tokenizer_files(response: logah_pb2.GetTokenizerResponse) -> dict[str, bytes]:
    """The content of each file by its name, which becomes a file of the caller's: with a path it is a ProtocolError."""
    for file in response.files:
        if not _NAME.fullmatch(file.name):
            raise ProtocolError("tokenizer: file name", repr(file.name), "one such as tokenizer.json")
    return {file.name: file.data for file in response.files}
