"""How to connect, and the calls of the contract. `docs/clients.md` gives the reasons for the settings."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import grpc

from logah.client._generated import logah_pb2

_SERVICE = "logah.v1.LogahService"

#: Room for a plan of some 100,000 tensors and for the largest chunk (4 MiB).
_MAX_MESSAGE_BYTES = 16 << 20

#: gRPC itself never repeats a stream that has delivered a message, so `Predict` is covered up to its plan.
_RETRY_UNAVAILABLE = {
    "methodConfig": [
        {
            "name": [{"service": _SERVICE}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

#: The receive window needs no setting: grpcio adapts it.
CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.service_config", json.dumps(_RETRY_UNAVAILABLE)),
)

#: A channel of `grpc` or of `grpc.aio`; grpcio has no types.
Channel: TypeAlias = Any


class Calls:
    """The methods of the service on a channel, blocking or asyncio alike.

    Written by hand: a generated stub refuses every grpcio older than the one that it was generated with.
    """

    def __init__(self, channel: Channel) -> None:
        self.predict = channel.unary_stream(
            f"/{_SERVICE}/Predict",
            request_serializer=logah_pb2.PredictRequest.SerializeToString,
            response_deserializer=logah_pb2.PredictResponse.FromString,
        )
        self.plan = channel.unary_unary(
            f"/{_SERVICE}/Plan",
            request_serializer=logah_pb2.PlanRequest.SerializeToString,
            response_deserializer=logah_pb2.PlanResponse.FromString,
        )
        self.get_expansion = channel.unary_stream(
            f"/{_SERVICE}/GetExpansion",
            request_serializer=logah_pb2.GetExpansionRequest.SerializeToString,
            response_deserializer=logah_pb2.GetExpansionResponse.FromString,
        )
        self.list_models = channel.unary_unary(
            f"/{_SERVICE}/ListModels",
            request_serializer=logah_pb2.ListModelsRequest.SerializeToString,
            response_deserializer=logah_pb2.ListModelsResponse.FromString,
        )
        self.get_tokenizer = channel.unary_unary(
            f"/{_SERVICE}/GetTokenizer",
            request_serializer=logah_pb2.GetTokenizerRequest.SerializeToString,
            response_deserializer=logah_pb2.GetTokenizerResponse.FromString,
        )


def open_channel(target: str, credentials: grpc.ChannelCredentials | None) -> Channel:
    """A blocking channel; it connects at the first call."""
    if credentials is None:
        return grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
    return grpc.secure_channel(target, credentials, options=CHANNEL_OPTIONS)


def open_aio_channel(target: str, credentials: grpc.ChannelCredentials | None) -> Channel:
    """An asyncio channel, bound to the running loop."""
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(target, credentials, options=CHANNEL_OPTIONS)
