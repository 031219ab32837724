"""How to connect, and the calls of the contract. `docs/clients.md` gives the reasons for the settings."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, TypeAlias

import grpc

from logah.client._generated import logah_pb2
from logah.client.wire.chunk_message import parsed_response

_SERVICE = "logah.v1.LogahService"

#: Room for a plan of some 100,000 tensors and for the largest chunk (4 MiB).
_MAX_MESSAGE_BYTES = 16 << 20

#: The receive window needs no setting: grpcio adapts it.
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    # A connection whose other end hangs is given up before a stream over it counts as stalled.
    ("grpc.keepalive_time_ms", 15_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC would wait up to two minutes for a server that is back after one.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
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
            response_deserializer=parsed_response,
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
        self.inspect_tensors = channel.unary_stream(
            f"/{_SERVICE}/InspectTensors",
            request_serializer=logah_pb2.InspectTensorsRequest.SerializeToString,
            response_deserializer=logah_pb2.InspectTensorsResponse.FromString,
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
        return grpc.insecure_channel(target, options=channel_options(target))
    return grpc.secure_channel(target, credentials, options=channel_options(target))


def open_aio_channel(target: str, credentials: grpc.ChannelCredentials | None) -> Channel:
    """An asyncio channel, bound to the running loop."""
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=channel_options(target))
    return grpc.aio.secure_channel(target, credentials, options=channel_options(target))


#: Calls take turns among all addresses that a name has; gRPC's default stays with the first that answers.
_TAKE_TURNS = '{"loadBalancingConfig": [{"round_robin": {}}]}'


def channel_options(target: str) -> tuple[tuple[str, int | str], ...]:
    """The options for a server: those above, and two that depend on it.

    Of the loopback, that no HTTP proxy (`http_proxy`) leads there. Of a target that says how it is resolved
    ("dns:///logah-headless:50051", "ipv4:a:1,b:2"), that calls take turns among its addresses.
    """
    options: tuple[tuple[str, int | str], ...] = CHANNEL_OPTIONS
    if is_loopback(target):
        options = (*options, ("grpc.enable_http_proxy", 0))
    if re.match(r"(?:dns|ipv4|ipv6):", target, re.IGNORECASE):
        options = (*options, ("grpc.service_config", _TAKE_TURNS))
    return options


def is_loopback(target: str) -> bool:
    """Whether a gRPC target ("host:port", "dns:///host:port", "ipv4:a:1,b:2", "unix:path") is on this machine."""
    path = re.sub(r"^(?:dns|ipv4|ipv6):(?://[^/]*/)?", "", target, flags=re.IGNORECASE)
    if re.match(r"unix(?:-abstract)?:", path, re.IGNORECASE):
        return True
    return all(_is_loopback_host(_host(address).lower()) for address in path.split(","))


def _host(address: str) -> str:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::\d+)?", address)
    if bracketed:
        return bracketed[1]
    # More than one colon without brackets: an IPv6 address without a port.
    return re.sub(r":\d*$", "", address) if address.count(":") == 1 else address


def _is_loopback_host(host: str) -> bool:
    if re.fullmatch(r"(?:.*\.)?localhost\.?", host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified
