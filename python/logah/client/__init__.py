"""The client: asks a server for the parameters of a network, checks the answer, and puts it where it is needed.

Needs grpcio, protobuf and numpy; torch only for what returns or fills torch tensors.
"""

from logah.client.client import Client, connect
from logah.client.cores import Cores, Recipe, TensorCores
from logah.client.files.saving import SavedPrediction
from logah.client.inspection import Histogram, Picture, Spectrum, TensorInspection
from logah.client.link.security import Tls
from logah.client.module_source import on_meta, trace
from logah.client.request import PredictOptions
from logah.client.source import Source
from logah.client.wire.plan import Coverage, Plan, TensorPlan, Warning, Widening
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent, Summary
from logah.errors import (
    CoverageError,
    FieldViolation,
    LogahError,
    ProtocolError,
    RemoteError,
    RequestError,
    ShardingError,
    SourceError,
    TraceError,
    VerificationError,
)

__all__ = [
    "Client",
    "Cores",
    "Coverage",
    "CoverageError",
    "DataEvent",
    "Event",
    "FieldViolation",
    "Histogram",
    "LogahError",
    "Picture",
    "Plan",
    "PlanEvent",
    "PredictOptions",
    "ProtocolError",
    "Recipe",
    "RemoteError",
    "RequestError",
    "SavedPrediction",
    "ShardingError",
    "Source",
    "SourceError",
    "Spectrum",
    "Summary",
    "TensorCores",
    "TensorInspection",
    "TensorPlan",
    "Tls",
    "TraceError",
    "VerificationError",
    "Warning",
    "Widening",
    "connect",
    "on_meta",
    "trace",
]
