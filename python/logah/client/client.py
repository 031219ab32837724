"""The blocking client."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import grpc

from logah.client._generated import logah_pb2
from logah.client.architecture import Architecture
from logah.client.cores import Cores, fetch_cores
from logah.client.deadline import Deadline
from logah.client.files.saving import SavedPrediction, saving
from logah.client.files.tokenizer import tokenizer_files
from logah.client.inspection import Inspections, TensorInspection, inspect_request
from logah.client.link.attempts import Persistence
from logah.client.link.calling import Calling, Method
from logah.client.link.channel import open_channel
from logah.client.link.receiver import Receiver
from logah.client.link.replicas import Replicas
from logah.client.link.security import TlsChoice, Token, channel_credentials, token_source
from logah.client.progress import Progress
from logah.client.request import PredictOptions, Representation, predict_request
from logah.client.source import Source, read_source
from logah.client.wire.checked_plan import check_asked
from logah.client.wire.dense_events import DenseEvents
from logah.client.wire.expansion import ExpansionCache, ExpansionLayer, FetchedFile
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent, PredictionStream
from logah.client.wire.status_details import refuses_configuration
from logah.client.wire.tensor_assembly import Array, TensorAssembly, state_dict_of
from logah.errors import RemoteError, RequestError

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack

    from logah.client.module.keeping import KeepOrPredict
    from logah.client.module.own_start.start import HeldValues
    from logah.client.module.report import InitializationReport


def connect(
    target: str | Sequence[str],
    credentials: grpc.ChannelCredentials | None = None,
    cache_directory: Path | None = None,
    *,
    patience: float | None = None,
    stall: float = 30.0,
    tls: TlsChoice = None,
    token: Token = None,
) -> Client:
    """A client of the server at `target` ("host:port" or another gRPC target); it connects at the first call.

    Of several targets, which must hold the same models, the first is asked until it fails, then the next, in turn.
    `tls` is True, the file of the authorities that are trusted, or a `Tls` with all files; `credentials` are gRPC's own
    in its place. Default: plain text. `token` is a bearer token, the path of its file (a `Path`, read at every call, so
    that one that is replaced is noticed), or a function that gives one; it is sent over TLS, and to this machine.
    Raises RequestError for a token that would go to another machine in plain text.

    A call that fails because a server is away, busy, or lost behind a proxy is made again, and a stream goes on where
    it broke off: until nothing new has come for `patience` seconds; 0: never. Default: a minute, and two seconds as
    long as no server has answered at all. `stall` seconds without a message count as a break too.
    """
    return Client(target, credentials, cache_directory, patience=patience, stall=stall, tls=tls, token=token)


class Client:
    """A connection to a server, or to several. Open one and share it among threads; close it, or use it in a `with`.

    Every method that calls the server raises `RemoteError` (its status, or that it cannot be reached) and
    `ProtocolError` (an answer that contradicts the contract); those that take a `source` raise `SourceError` where it
    is no architecture, and OSError where its file cannot be read; all raise `RequestError` for an argument that no
    request can carry. `timeout` is in seconds, for all attempts of a call together; None: no limit.
    """

    def __init__(
        self,
        target: str | Sequence[str],
        credentials: grpc.ChannelCredentials | None = None,
        cache_directory: Path | None = None,
        *,
        patience: float | None = None,
        stall: float = 30.0,
        tls: TlsChoice = None,
        token: Token = None,
    ) -> None:
        secured = channel_credentials(tls, credentials)
        is_secure = secured is not None
        shown = token_source(target, is_secure, token)
        self._replicas = Replicas(target, lambda name: open_channel(name, secured), shown, is_secure=is_secure)
        self._calling = Calling(self._replicas, Persistence(patience, stall))
        self._expansions = ExpansionCache(cache_directory)

    @property
    def target(self) -> str:
        """The address of the server that is asked now, as given."""
        return self._replicas.current.target

    def plan(
        self,
        source: Source,
        *,
        timeout: float | None = None,
        **options: Unpack[PredictOptions],
    ) -> Plan:
        """The plan that `predict` would follow: every tensor, its shape, its origin; no weight is decoded."""
        deadline = Deadline(timeout, self.target)
        request = predict_request(self.readable(read_source(source), deadline), **options)
        return self.plan_request(request, deadline.remaining())

    def plan_request(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> Plan:
        """The plan of a request that is given as the contract has it."""
        return check_asked(self.plan_message(request, timeout), request)

    def plan_message(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> logah_pb2.Plan:
        """The plan of a request as the contract has it, and as it came."""
        response = self._answer(lambda calls: calls.plan, logah_pb2.PlanRequest(request=request), timeout)
        message: logah_pb2.Plan = response.plan
        return message

    def inspect(
        self,
        source: Source,
        *,
        histogram_bins: int = 0,
        histogram_range: tuple[float, float] | None = None,
        picture: tuple[int, int] | None = None,
        singular_values: int = 0,
        timeout: float | None = None,
        **options: Unpack[PredictOptions],
    ) -> Generator[TensorInspection, None, None]:
        """What up to 256 tensors look like, in the plan's order, without fetching them.

        `select` names them; None: all. `histogram_range` is (low, high); None: each tensor's own. `picture` is (rows,
        columns), at most 1024 each, that the tensor is reduced to as a matrix; `singular_values` is how many of the
        largest.
        """
        deadline = Deadline(timeout, self.target)
        wanted = predict_request(self.readable(read_source(source), deadline), **options)
        request = inspect_request(wanted, histogram_bins, histogram_range, picture, singular_values)
        yield from self._calling.stream(lambda calls: calls.inspect_tensors, Inspections(request), deadline)

    def list_models(self, *, timeout: float | None = None) -> logah_pb2.ListModelsResponse:
        """The models of the server, as the contract has them."""
        response: logah_pb2.ListModelsResponse = self._answer(
            lambda calls: calls.list_models, logah_pb2.ListModelsRequest(), timeout
        )
        return response

    def tokenizer(self, model: str, *, timeout: float | None = None) -> dict[str, bytes]:
        """The tokenizer of a model (`Plan.has_tokenizer`): the content of each file by its name."""
        request = logah_pb2.GetTokenizerRequest(model=model)
        return tokenizer_files(self._answer(lambda calls: calls.get_tokenizer, request, timeout))

    def predict(
        self,
        source: Source,
        *,
        timeout: float | None = None,
        **options: Unpack[PredictOptions],
    ) -> Iterator[tuple[str, Array]]:
        """Yields the name and the values of each tensor, in the plan's order, as it arrives.

        Holds one tensor and one chunk. Digests come last: only the normal end of the iteration says that all values
        were right. Tied tensors are not sent (`plan` names them). Leaving the loop cancels the call. A stream that
        breaks off goes on where it stopped, at the same server or the next.

        `options` are those of `PredictOptions`. Factors are multiplied with numpy's BLAS. Arrays of dtype "bfloat16"
        have dtype uint16, the bits: `array.view(ml_dtypes.bfloat16)`.

        The arrays have the shape that is sent: the tensor's, or the slice's.
        """
        deadline = Deadline(timeout, self.target)
        request = predict_request(self.readable(read_source(source), deadline), **options)
        return self._arrays(request, deadline.remaining())

    def state_dict(
        self,
        source: Source,
        *,
        timeout: float | None = None,
        progress: bool | None = None,
        **options: Unpack[PredictOptions],
    ) -> dict[str, Any]:
        """All tensors by name, checked; tied ones are the same object as their holder.

        torch tensors where torch can be imported, numpy arrays otherwise. `progress`: whether a bar on standard error
        shows how much has come; None: where that is a terminal. Options as for `predict`.
        """
        deadline = Deadline(timeout, self.target)
        request = predict_request(self.readable(read_source(source), deadline), **options)
        with Progress(progress) as bar:
            arrays = dict(self._arrays(request, deadline.remaining(), bar.accept))
        return state_dict_of(bar.plan, arrays)

    def save(
        self,
        source: Source,
        directory: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        resume: bool = False,
        **options: Unpack[PredictOptions],
    ) -> SavedPrediction:
        """Writes `model.safetensors` (a shard: `shard-INDEX-of-COUNT.safetensors`), and `config.json` beside it where
        the source is a configuration, holding one chunk at a time, or the factors of one tensor and 4 MiB of elements.
        The model's tokenizer goes beside them where it fits the network (`Plan.has_tokenizer`) and none lies there.

        The files appear when the summary has come, everything was right and they are on disk. On any error, and on
        Ctrl-C, nothing is left. Tied tensors are left out, as transformers does. `on_event` is called with each event
        (the plan, the data, the summary, all as if sent dense) once it is written. Options as for `predict`. Raises
        RequestError where the directory holds another network's config.json, and OSError where a file cannot be
        written.

        `resume`: where it fails or is interrupted, what came stays as `NAME.partial`, also of the Node.js command line,
        and the next call for the same prediction goes on behind the last tensor that is whole there. Raises
        RequestError where the representation is not dense.
        """
        architecture = read_source(source)
        request = predict_request(architecture, **options)
        if resume and options.get("representation", "dense") != "dense":
            raise RequestError(f'resume is True with representation "{options["representation"]}"; expected "dense"')
        plan = self.plan_request(request, timeout) if resume else None
        with (
            saving(architecture, directory, request, plan) as target,
            contextlib.closing(self.events(request, timeout, None if plan is None else (plan, target.start))) as events,
        ):
            dense = DenseEvents(target.start)
            for sent in events if plan is None else itertools.chain([PlanEvent(plan)], events):
                if isinstance(sent, PlanEvent):
                    dense.layer = self.expansion_layer(sent.plan, timeout)
                for event in dense.accept(sent):
                    target.accept(event)
                    on_event(event)
            if target.wants_tokenizer:
                target.put_tokenizer(self.tokenizer(target.plan.model))
        return target.result()

    def cores(
        self,
        source: Source,
        *,
        seed: int = 0,
        model: str = "",
        copies: int = 0,
        timeout: float | None = None,
    ) -> Cores:
        """All tensors as what they are made of, a few hundred kilobytes, checked; for libraries that compile.

        `tensor.recipe.expand(tensor.arrays, cores.layer, jax.numpy)` is a tensor in float32, of each of
        `cores.tensors`, and can be traced: where the result is sharded, each device computes its own part. The values
        agree with the dense prediction to 1e-6 of a tensor's largest element. Raises RequestError where the model's
        weights are no products.
        """
        return fetch_cores(self, source, seed, model, copies, timeout)

    def initialize(
        self,
        module: torch.nn.Module,
        source: Source | None = None,
        *,
        seed: int = 0,
        model: str = "",
        strict: bool = True,
        copies: int = 0,
        lift: float = 0.0,
        strength: float = 1.0,
        base: float = 0.0,
        frozen: KeepOrPredict = "keep",
        special: KeepOrPredict = "keep",
        values: HeldValues = "auto",
        device: torch.device | str | None = None,
        representation: Representation | Literal["auto"] = "auto",
        fetch: Literal["each", "rank0"] = "each",
        timeout: float | None = None,
        progress: bool | None = None,
    ) -> InitializationReport:
        """Fills the parameters of a module in place; `source` None: the module itself.

        See `logah.client.initialize.initialize`.
        """
        from logah.client.initialize import initialize

        return initialize(
            self,
            module,
            source,
            seed=seed,
            model=model,
            strict=strict,
            copies=copies,
            lift=lift,
            strength=strength,
            base=base,
            frozen=frozen,
            special=special,
            values=values,
            device=device,
            representation=representation,
            fetch=fetch,
            timeout=timeout,
            progress=progress,
        )

    def readable(self, architecture: Architecture, deadline: Deadline) -> Architecture:
        """The architecture itself; of a module whose configuration the server does not read, or reads as a
        larger network, its trace."""
        if architecture.trace is None:
            return architecture
        try:
            plan = self.plan_request(predict_request(architecture), deadline.remaining())
        except RemoteError as error:
            if not refuses_configuration(error):
                raise
            return architecture.trace()
        return architecture if architecture.is_network_of(plan) else architecture.trace()

    def events(
        self,
        request: logah_pb2.PredictRequest,
        timeout: float | None = None,
        held: tuple[Plan, int] | None = None,
    ) -> Generator[Event, None, None]:
        """The checked events of a request as the contract has it: the plan, then chunks, last the summary.

        What the other methods are made of. Closing the generator cancels the call. `held`: the plan, which then does
        not come again, and the end of the tensors of it that are there already.
        """
        receiver: Receiver[Event] = PredictionStream(request, held)
        yield from self._calling.stream(lambda calls: calls.predict, receiver, Deadline(timeout, self.target))

    def close(self) -> None:
        """Closes the connections; open calls are cancelled."""
        self._replicas.closed = True
        for replica in self._replicas.all:
            replica.channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _arrays(
        self,
        request: logah_pb2.PredictRequest,
        timeout: float | None,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> Iterator[tuple[str, Array]]:
        with contextlib.closing(self.events(request, timeout)) as events:
            assembly: TensorAssembly | None = None
            for event in events:
                on_event(event)
                if isinstance(event, PlanEvent):
                    assembly = TensorAssembly(event.plan, self.expansion_layer(event.plan, timeout))
                    yield from assembly.without_bytes()
                elif isinstance(event, DataEvent) and assembly is not None:
                    yield from assembly.accept(event.pieces)

    def expansion_layer(self, plan: Plan, timeout: float | None = None) -> ExpansionLayer | None:
        """The plan's expansion: kept, or fetched; None where it has none."""
        expansion = plan.expansion
        if expansion is None:
            return None
        layer = self._expansions.kept(expansion)
        if layer is not None:
            return layer
        file = FetchedFile(plan.model, expansion)
        for _ in self._calling.stream(lambda calls: calls.get_expansion, file, Deadline(timeout, self.target)):
            pass
        return self._expansions.keep(expansion, file.data)

    def _answer(self, method: Method, request: object, timeout: float | None) -> Any:
        return self._calling.answer(method, request, Deadline(timeout, self.target))
