"""The asyncio client: the same methods, checks and errors as the blocking one."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from logah.client._generated import logah_pb2
from logah.client.architecture import Architecture
from logah.client.deadline import Deadline
from logah.client.files.saving import SavedPrediction, saving
from logah.client.files.tokenizer import tokenizer_files
from logah.client.inspection import Inspections, TensorInspection, inspect_request
from logah.client.link.aio_calling import AioCalling
from logah.client.link.attempts import Persistence
from logah.client.link.calling import Method
from logah.client.link.channel import open_aio_channel
from logah.client.link.receiver import Receiver
from logah.client.link.replicas import Replicas
from logah.client.link.security import TlsChoice, Token, channel_credentials, token_source
from logah.client.progress import Progress
from logah.client.request import PredictOptions, predict_request
from logah.client.source import Source, is_module, read_source
from logah.client.wire.checked_plan import check_asked
from logah.client.wire.dense_events import DenseEvents
from logah.client.wire.expansion import ExpansionCache, ExpansionLayer, FetchedFile
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent, PredictionStream
from logah.client.wire.status_details import refuses_configuration
from logah.client.wire.tensor_assembly import Array, TensorAssembly, state_dict_of
from logah.errors import RemoteError

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


def connect(
    target: str | Sequence[str],
    credentials: grpc.ChannelCredentials | None = None,
    cache_directory: Path | None = None,
    *,
    patience: float | None = None,
    stall: float = 30.0,
    tls: TlsChoice = None,
    token: Token = None,
) -> AsyncClient:
    """An asyncio client; to be called, and used, in a running loop. Arguments as for `logah.connect`."""
    return AsyncClient(target, credentials, cache_directory, patience=patience, stall=stall, tls=tls, token=token)


class AsyncClient:
    """A connection to a server for asyncio; see `logah.client.Client` for what is the same.

    Cancelling a task cancels its call; `save` then leaves no file.
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
        self._replicas = Replicas(target, lambda name: open_aio_channel(name, secured), shown, is_secure=is_secure)
        self._calling = AioCalling(self._replicas, Persistence(patience, stall))
        self._expansions = ExpansionCache(cache_directory)

    @property
    def target(self) -> str:
        """The address of the server that is asked now, as given."""
        return self._replicas.current.target

    async def plan(self, source: Source, *, timeout: float | None = None, **options: Unpack[PredictOptions]) -> Plan:
        """As `Client.plan`."""
        deadline = Deadline(timeout, self.target)
        request = predict_request(await self._read(source, deadline), **options)
        return await self.plan_request(request, deadline.remaining())

    async def plan_request(self, request: logah_pb2.PredictRequest, timeout: float | None = None) -> Plan:
        """As `Client.plan_request`."""
        response = await self._answer(lambda calls: calls.plan, logah_pb2.PlanRequest(request=request), timeout)
        return check_asked(response.plan, request)

    async def inspect(
        self,
        source: Source,
        *,
        histogram_bins: int = 0,
        histogram_range: tuple[float, float] | None = None,
        picture: tuple[int, int] | None = None,
        singular_values: int = 0,
        timeout: float | None = None,
        **options: Unpack[PredictOptions],
    ) -> AsyncGenerator[TensorInspection, None]:
        """As `Client.inspect`."""
        deadline = Deadline(timeout, self.target)
        wanted = predict_request(await self._read(source, deadline), **options)
        request = inspect_request(wanted, histogram_bins, histogram_range, picture, singular_values)
        stream = self._calling.stream(lambda calls: calls.inspect_tensors, Inspections(request), deadline)
        async with contextlib.aclosing(stream) as tensors:
            async for tensor in tensors:
                yield tensor

    async def list_models(self, *, timeout: float | None = None) -> logah_pb2.ListModelsResponse:
        """As `Client.list_models`."""
        response: logah_pb2.ListModelsResponse = await self._answer(
            lambda calls: calls.list_models, logah_pb2.ListModelsRequest(), timeout
        )
        return response

    async def tokenizer(self, model: str, *, timeout: float | None = None) -> dict[str, bytes]:
        """As `Client.tokenizer`."""
        request = logah_pb2.GetTokenizerRequest(model=model)
        return tokenizer_files(await self._answer(lambda calls: calls.get_tokenizer, request, timeout))

    def predict(
        self, source: Source, *, timeout: float | None = None, **options: Unpack[PredictOptions]
    ) -> AsyncIterator[tuple[str, Array]]:
        """As `Client.predict`. To leave the loop early and cancel the call at once, use `contextlib.aclosing`."""
        return self._arrays(source, timeout, options)

    async def state_dict(
        self,
        source: Source,
        *,
        timeout: float | None = None,
        progress: bool | None = None,
        **options: Unpack[PredictOptions],
    ) -> dict[str, Any]:
        """As `Client.state_dict`."""
        with Progress(progress) as bar:
            arrays = {name: array async for name, array in self._arrays(source, timeout, options, bar.accept)}
        return state_dict_of(bar.plan, arrays)

    async def save(
        self,
        source: Source,
        directory: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        **options: Unpack[PredictOptions],
    ) -> SavedPrediction:
        """As `Client.save`; elements are computed and written in a thread, so that the loop goes on."""
        architecture = read_source(source)
        request = predict_request(architecture, **options)
        dense = DenseEvents()
        with saving(architecture, directory, request) as target:
            async with contextlib.aclosing(self.events(request, timeout)) as events:
                async for sent in events:
                    if isinstance(sent, PlanEvent):
                        dense.layer = await self._layer(sent.plan, timeout)
                    async for event in _from_thread(dense.accept(sent), target.accept):
                        on_event(event)
            if target.wants_tokenizer:
                target.put_tokenizer(await self.tokenizer(target.plan.model))
        return target.result()

    async def events(
        self, request: logah_pb2.PredictRequest, timeout: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """As `Client.events`."""
        receiver: Receiver[Event] = PredictionStream(request)
        deadline = Deadline(timeout, self.target)
        async with contextlib.aclosing(self._calling.stream(lambda calls: calls.predict, receiver, deadline)) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        """Closes the connections; open calls are cancelled."""
        self._replicas.closed = True
        for replica in self._replicas.all:
            await replica.channel.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _arrays(
        self,
        source: Source,
        timeout: float | None,
        options: PredictOptions,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> AsyncGenerator[tuple[str, Array], None]:
        deadline = Deadline(timeout, self.target)
        request = predict_request(await self._read(source, deadline), **options)
        async with contextlib.aclosing(self.events(request, deadline.remaining())) as events:
            assembly: TensorAssembly | None = None
            async for event in events:
                on_event(event)
                if isinstance(event, PlanEvent):
                    assembly = TensorAssembly(event.plan, await self._layer(event.plan, timeout))
                    for name, array in assembly.without_bytes():
                        yield name, array
                elif isinstance(event, DataEvent) and assembly is not None:
                    async for name, array in _from_thread(assembly.accept(event.pieces)):
                        yield name, array

    async def _read(self, source: Source, deadline: Deadline) -> Architecture:
        """The architecture of a source, as `Client.readable` says; a module is traced in a thread."""
        if not is_module(source):
            return read_source(source)
        architecture = await asyncio.to_thread(read_source, source)
        if architecture.trace is None:
            return architecture
        try:
            plan = await self.plan_request(predict_request(architecture), deadline.remaining())
        except RemoteError as error:
            if not refuses_configuration(error):
                raise
            return await asyncio.to_thread(architecture.trace)
        return architecture if architecture.is_network_of(plan) else await asyncio.to_thread(architecture.trace)

    async def _layer(self, plan: Plan, timeout: float | None) -> ExpansionLayer | None:
        """The plan's expansion: kept, or fetched; None where it has none."""
        expansion = plan.expansion
        if expansion is None:
            return None
        layer = self._expansions.kept(expansion)
        if layer is not None:
            return layer
        file = FetchedFile(plan.model, expansion)
        stream = self._calling.stream(lambda calls: calls.get_expansion, file, Deadline(timeout, self.target))
        async for _ in stream:
            pass
        return self._expansions.keep(expansion, file.data)

    async def _answer(self, method: Method, request: object, timeout: float | None) -> Any:
        return await self._calling.answer(method, request, Deadline(timeout, self.target))


async def _from_thread(items: Iterator[T], accept: Callable[[T], None] = lambda item: None) -> AsyncIterator[T]:
    """The items, each made and handed to `accept` in a thread, which is waited for even when cancelled: a file must
    not be closed under it."""

    def take() -> tuple[T] | None:
        for item in items:
            accept(item)
            return (item,)
        return None

    while True:
        taking = asyncio.ensure_future(asyncio.to_thread(take))
        try:
            taken = await asyncio.shield(taking)
        except asyncio.CancelledError:
            await asyncio.wait([taking])
            raise
        if taken is None:
            return
        yield taken[0]
