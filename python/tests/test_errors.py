"""Errors are values that processes can hand to each other."""

from __future__ import annotations

import pickle

import grpc

from logah.errors import CoverageError, LogahError, ProtocolError, RemoteError, VerificationError


def test_an_error_survives_the_way_to_another_process() -> None:
    for error in (
        RemoteError("127.0.0.1:1", grpc.StatusCode.NOT_FOUND, "no model"),
        CoverageError("not filled", ["a", "b"]),
        VerificationError("differs", ["c"]),
        ProtocolError("chunk offset", 3, 4),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert isinstance(copy, LogahError)
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert copy.__dict__ == error.__dict__
