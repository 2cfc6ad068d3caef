"""The one language model, shared: calls go first, texts wait their turn in a fair queue.

A request that nobody waits for any longer is cancelled: in the queue, or on the engine, where
closing the stream stops it.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterator,
    Sequence,
)
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from bot.texts.queue_metrics import QueueMetrics
from bot.texts.queueing import MOST_WAITING, FullError, Queue, QueueState, QueueTicket, RequestKind
from pipelines.core.exchange import FromCaller
from pipelines.services.protocols import (
    AS_SET,
    ChatMessage,
    Delta,
    Finished,
    LanguageModel,
    Sampling,
    ServiceError,
    TextDelta,
)


@dataclass(frozen=True, slots=True)
class Queued:
    """It waits: `place` is served before the next."""

    place: int


Progress: TypeAlias = Queued | Delta


class GaveWayError(Exception):
    """Cut off in mid-answer, for a call."""


class _PutOffError(Exception):
    """It gave way, and waits again."""


class PrioritisedCall(Protocol):
    def push(self, event: FromCaller) -> None: ...

    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One that has its place in the queue. `SharedModel.answer` or `drop` is owed to it."""

    ticket: QueueTicket
    messages: Sequence[ChatMessage]
    sampling: Sampling
    asked_s: float
    restartable: bool = False
    """Its words are kept back until there are all of them."""


class SharedModel:
    """One per process. Used from its event loop only."""

    def __init__(self, places: int, size: int = MOST_WAITING) -> None:
        """`places`: requests that the engine serves at once; `size`: texts that may wait."""
        self.metrics = QueueMetrics()
        self.model = ""
        """The name by which clients ask for it."""
        self.calls: LanguageModel = _ForCalls(self)
        """For the calls: opened and closed with this."""
        self._queue = Queue(places, size)
        self._llms: dict[RequestKind, LanguageModel] = {}
        self._changed = asyncio.Event()
        self._reading: dict[QueueTicket, asyncio.Timeout] = {}
        """Timeouts of the engine's next words."""
        self._begun: set[QueueTicket] = set()
        """Tickets whose requests the engine has."""

    @property
    def is_open(self) -> bool:
        return bool(self._llms)

    def open(self, llm: LanguageModel, model: str, texts: LanguageModel | None = None) -> None:
        """`llm` is open, and whoever opened it closes it. `texts` is the same, for texts."""
        self._llms = {RequestKind.CALL: llm, RequestKind.TEXT: texts or llm}
        self.model = model

    def close(self) -> None:
        self._llms = {}

    # ---- calls ----

    @contextmanager
    def line(self) -> Iterator[None]:
        """As long as a call is connected: a place is kept for it."""
        self._queue.call_began()
        try:
            yield
        finally:
            self._queue.call_ended()
            self._settle()

    # ---- requests ----

    async def drain(self, within_s: float) -> None:
        """Until no text waits or is being answered, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._queue.waiting(RequestKind.TEXT) or self._queue.served(RequestKind.TEXT):
                    await self._changed.wait()

    def enter(
        self,
        messages: Sequence[ChatMessage],
        sampling: Sampling = AS_SET,
        *,
        kind: RequestKind = RequestKind.TEXT,
        client: str = "",
        restartable: bool = False,
    ) -> Request:
        """Raises FullError."""
        ticket = QueueTicket(kind, client)
        try:
            self._queue.enter(ticket)
        except FullError:
            self.metrics.ended(kind, "refused")
            raise
        self._settle()
        asked_s = asyncio.get_running_loop().time()
        return Request(ticket, messages, sampling, asked_s, restartable)

    def place(self, request: Request) -> int:
        """0 while it is served."""
        return self._queue.place(request.ticket)

    def drop(self, request: Request) -> None:
        """It will not be asked for its answer."""
        self._cancelled(request.ticket)
        self._leave(request.ticket)

    async def answer(self, request: Request) -> AsyncGenerator[Progress, None]:
        """Its places in the queue, as they change, then its words. Closing it cancels the request.

        Raises ServiceError, and GaveWayError after its first words. Before them it waits again; so
        does a `restartable` one at any time: a `Queued` after its first words takes them back.
        """
        with self._accounting(request.ticket):
            async with aclosing(self._attempts(request)) as progress:
                async for one in progress:
                    yield one

    async def _attempts(self, request: Request) -> AsyncGenerator[Progress, None]:
        while True:
            async for queued in self._wait(request.ticket):
                yield queued
            try:
                async with aclosing(self._serve(request)) as deltas:
                    async for delta in deltas:
                        yield delta
                return
            except _PutOffError:
                yield Queued(max(1, self.place(request)))

    @contextmanager
    def _accounting(self, ticket: QueueTicket) -> Iterator[None]:
        try:
            yield
        except ServiceError:
            self.metrics.ended(ticket.kind, "failed")
            raise
        except GaveWayError:
            self.metrics.ended(ticket.kind, "cut off")
            raise
        except (GeneratorExit, asyncio.CancelledError):
            self._cancelled(ticket)
            raise
        else:
            self.metrics.ended(ticket.kind, "finished")
        finally:
            self._leave(ticket)

    def _cancelled(self, ticket: QueueTicket) -> None:
        self.metrics.cancelled(ticket.kind, "served" if ticket in self._begun else "waiting")

    async def _wait(self, ticket: QueueTicket) -> AsyncGenerator[Queued, None]:
        told = None
        while place := self._queue.place(ticket):
            changed = self._changed
            if place != told:
                told = place
                yield Queued(place)
            else:
                await changed.wait()

    async def _serve(self, request: Request) -> AsyncGenerator[Delta, None]:
        kind, now = request.ticket.kind, asyncio.get_running_loop().time
        if (llm := self._llms.get(kind)) is None:
            raise ServiceError("llm", "is not open", retryable=True)
        self._begun.add(request.ticket)
        began = first = last = now()
        self.metrics.waited(kind, began - request.asked_s)
        pieces = 0
        stream = llm.stream(request.messages, request.sampling)
        async with aclosing(stream):
            try:
                while (delta := await self._next(request.ticket, stream)) is not None:
                    match delta:
                        case TextDelta():
                            last = now()
                            if not pieces:
                                first = last
                                self.metrics.began(kind, first - began)
                            pieces += 1
                        case Finished(completion_tokens=tokens):
                            self.metrics.paced(kind, tokens or pieces, last - first)
                    yield delta
            except GaveWayError:
                if pieces and not request.restartable:
                    raise
            else:
                return
        self._begun.discard(request.ticket)
        self._queue.put_off(request.ticket)  # its stream is closed: the place is free
        self._settle()
        raise _PutOffError

    async def _next(self, ticket: QueueTicket, stream: AsyncIterator[Delta]) -> Delta | None:
        """Raises GaveWayError as soon as the place is wanted."""
        if ticket.state is QueueState.GIVING_WAY:
            raise GaveWayError
        try:
            async with asyncio.timeout(None) as reading:
                self._reading[ticket] = reading
                return await anext(stream, None)
        except TimeoutError:
            if not reading.expired():
                raise
            raise GaveWayError from None
        finally:
            del self._reading[ticket]

    def _leave(self, ticket: QueueTicket) -> None:
        self._begun.discard(ticket)
        self._queue.leave(ticket)
        self._settle()

    def _settle(self) -> None:
        self._queue.settle()
        for ticket, reading in self._reading.items():
            if ticket.state is QueueState.GIVING_WAY and not reading.expired():
                reading.reschedule(asyncio.get_running_loop().time())
        self.metrics.queue_is(self._queue)
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(frozen=True, slots=True)
class _ForCalls:
    """`LanguageModel`."""

    _shared: SharedModel

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        request = self._shared.enter(messages, sampling, kind=RequestKind.CALL)
        async with aclosing(self._shared.answer(request)) as answer:
            async for progress in answer:
                if not isinstance(progress, Queued):
                    yield progress


@dataclass(frozen=True, slots=True)
class CallOnLine:
    """A call, for which a place is kept while it runs, and work that is done beside it."""

    _call: PrioritisedCall
    _shared: SharedModel
    _beside: Callable[[], Coroutine[Any, Any, None]] | None = None
    """Cancelled when the call is over."""

    def push(self, event: FromCaller) -> None:
        self._call.push(event)

    async def run(self) -> None:
        with self._shared.line():
            if self._beside is None:
                await self._call.run()
                return
            async with asyncio.TaskGroup() as tasks:
                beside = tasks.create_task(self._beside())
                await self._call.run()
                beside.cancel()
