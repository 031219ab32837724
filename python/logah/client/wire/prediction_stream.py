"""One prediction, without input or output: the requests to send, the checks on what comes, and when to go on.

The blocking client and the asyncio client both feed it; neither checks anything itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from logah.client._generated import logah_pb2
from logah.client.wire.checked_plan import check_asked
from logah.client.wire.chunk_message import ReceivedChunk
from logah.client.wire.plan import Plan
from logah.client.wire.tensor_pieces import TensorPiece, TensorPieces
from logah.errors import ProtocolError, expect_equal

#: What the contract takes `chunk_bytes` 0 for.
DEFAULT_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class PlanEvent:
    """The stream's first event."""

    plan: Plan


@dataclass(frozen=True)
class DataEvent:
    """One chunk: `data` is `pieces` joined."""

    #: Position of `data` within the data of all tensors joined, in bytes.
    offset: int
    data: bytes | memoryview
    pieces: tuple[TensorPiece, ...]


@dataclass(frozen=True)
class Timings:
    """Seconds by stage, measured on the server."""

    plan: float
    encode: float
    #: Decoding and writing together.
    stream: float
    decode: float
    #: Waiting for the reader.
    write: float


@dataclass(frozen=True)
class Summary:
    """The stream's last event: only now is all data known to be right."""

    #: Of all chunks together.
    total_bytes: int
    timings: Timings
    #: The server process's largest resident memory so far, in bytes.
    peak_memory_bytes: int


Event = PlanEvent | DataEvent | Summary


class PredictionStream:
    """The state of one prediction over all its attempts."""

    def __init__(self, request: logah_pb2.PredictRequest, held: tuple[Plan, int] | None = None) -> None:
        """`held`: the plan, and the end of the tensors of it that an earlier stream brought; None: nothing."""
        self._request = request
        self._plan: Plan | None = None
        self._pieces: TensorPieces | None = None
        if held is not None:
            self._plan, start = held
            self._pieces = self._pieces_of(self._plan, start)
        self._resumed_at = 0
        # Whether the next message must be the plan of a resumed stream.
        self._awaits_same_plan = False
        self._attempt_start = 0
        self._ended_in_vain = 0
        #: Whether the summary has come, and agreed.
        self.complete = False

    def next_request(self) -> logah_pb2.PredictRequest:
        """What to send for the first attempt, or the next one: it resumes where the last broke off."""
        if self._plan is None or self._pieces is None:
            return self._request
        position = self._pieces.position
        self._awaits_same_plan = True
        self._attempt_start = position
        request = logah_pb2.PredictRequest()
        request.CopyFrom(self._request)
        request.resume.CopyFrom(logah_pb2.Resume(fingerprint=self._plan.fingerprint, offset=position))
        return request

    def accept(self, message: logah_pb2.PredictResponse | ReceivedChunk) -> Event | None:
        """Checks a message; None where it tells the caller nothing new. Raises ProtocolError."""
        if isinstance(message, ReceivedChunk):
            return self._accept_chunk(message)
        kind = message.WhichOneof("message")
        shown = kind or "empty or of an unknown kind"
        if self.complete:
            raise ProtocolError("message after the summary", shown, "none")
        if self._awaits_same_plan or self._pieces is None:
            if kind != "plan":
                raise ProtocolError("message", shown, "the plan first")
            return self._accept_plan(message.plan)
        if kind == "chunk":
            return self._accept_chunk(ReceivedChunk(message.chunk.offset, memoryview(message.chunk.data)))
        if kind == "summary":
            self._pieces.finish(message.summary, self._resumed_at)
            self.complete = True
            timings = message.summary.timings
            return Summary(
                message.summary.total_bytes,
                Timings(
                    timings.plan_seconds,
                    timings.encode_seconds,
                    timings.stream_seconds,
                    timings.decode_seconds,
                    timings.write_seconds,
                ),
                message.summary.peak_memory_bytes,
            )
        raise ProtocolError("message", shown, "a chunk or the summary")

    def _accept_chunk(self, chunk: ReceivedChunk) -> DataEvent:
        if self.complete:
            raise ProtocolError("message after the summary", "chunk", "none")
        if self._awaits_same_plan or self._pieces is None:
            raise ProtocolError("message", "chunk", "the plan first")
        return DataEvent(chunk.offset, chunk.data, self._pieces.accept(chunk))

    @property
    def begun(self) -> bool:
        """Whether the plan has come, so that another attempt can go on where this one broke off."""
        return self._plan is not None

    @property
    def received(self) -> int:
        """Bytes of data so far."""
        return 0 if self._pieces is None else self._pieces.position

    def ended(self) -> ProtocolError | None:
        """The server, or a proxy for it, ended the stream without an error: what is wrong with that, if anything.

        Raises it at the second end in a row behind a plan and no byte: a proxy that has lost its server sends no plan.
        """
        if self.complete:
            return None
        early = ProtocolError("end of the stream", "early", "after the summary")
        in_vain = self.begun and not self._awaits_same_plan and self.received == self._attempt_start
        self._ended_in_vain = self._ended_in_vain + 1 if in_vain else 0
        if self._ended_in_vain > 1:
            raise early
        return early

    def _accept_plan(self, message: logah_pb2.Plan) -> PlanEvent | None:
        if self._plan is not None and self._pieces is not None:
            expect_equal("fingerprint of the resumed plan", message.fingerprint, self._plan.fingerprint)
            self._awaits_same_plan = False
            self._resumed_at = self._pieces.position
            return None
        self._plan = check_asked(message, self._request)
        self._pieces = self._pieces_of(self._plan, 0)
        return PlanEvent(self._plan)

    def _pieces_of(self, plan: Plan, start: int) -> TensorPieces:
        return TensorPieces(plan, self._request.chunk_bytes or DEFAULT_CHUNK_BYTES, self._request.sha256, start)
