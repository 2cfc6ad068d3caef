"""The calls that there are: how many may be, who comes back to one, and the drain."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import structlog
from structlog.contextvars import bound_contextvars

from bot.calls.connection import Around, ConnectedCall, Seat, Send, serve
from bot.calls.farewell import REFUSED, CallOutcome, Farewell
from bot.calls.limits import Limits
from bot.calls.messages import Codec
from bot.calls.websocket import Socket
from bot.server.telemetry import Metrics
from pipelines.cascade import CallFormat
from pipelines.services.minding import Minders
from pipelines.services.protocols import ServiceError

LEAVING_S = 2.0
"""Seconds that a call may take to end once it has been told to."""


_log = structlog.get_logger(__name__)


class CallEngine(Protocol):
    """The models, the voice and the LLM, as the server uses them: opened once, asked for calls."""

    async def open(self) -> None:
        """Load everything. Raises ServiceError."""
        ...

    def new_call(self, form: CallFormat, send: Send) -> ConnectedCall: ...

    async def close(self) -> None: ...


class Doors(Enum):
    LOADING = "loading"
    OPEN = "open"
    DRAINING = "draining"
    BROKEN = "broken"
    """The engine could not be opened; the server has nothing to offer."""


_REASONS = {
    Doors.LOADING: "the models are still loading",
    Doors.DRAINING: "the server is shutting down",
    Doors.BROKEN: "the server could not start its models",
}


class RefusedError(Exception):
    """No call can be taken now. The message may be shown to the caller."""

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.status = status
        """As HTTP has it."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A caller, and the door."""

    door: str
    call_id: str
    """For the log."""
    address: str = ""
    key: str = ""
    """The secret by which it may come back; empty where it cannot."""


@dataclass(slots=True, eq=False)
class _Visit:
    visitor: Visitor
    seat: Seat
    last: Farewell = Farewell(CallOutcome.FAILED, 1006)


class Sessions:
    """One per server. Used from its event loop only."""

    def __init__(
        self, engine: CallEngine, metrics: Metrics, limits: Limits, minders: Minders | None = None
    ) -> None:
        """`minders`: of the processes that the engine has, once it is open."""
        self._engine = engine
        self._minders = minders or Minders()
        self._metrics = metrics
        self._limits = limits
        self._doors = Doors.LOADING
        self._changed = asyncio.Event()
        self._visits: list[_Visit] = []

    @property
    def doors(self) -> Doors:
        return self._doors

    @property
    def closed_because(self) -> str | None:
        """In words, for whoever asks; None while calls are taken."""
        return _REASONS.get(self._doors)

    @property
    def trouble(self) -> str | None:
        """In words, for anybody: calls are taken all the same, and may get an apology."""
        return self._minders.trouble

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def calls(self) -> int:
        return len(self._visits)

    async def open_and_mind(self) -> None:
        """Until it is cancelled, or the engine could not be opened."""
        await self.open()
        if self._doors is not Doors.BROKEN:
            await self._minders.run()

    async def open(self) -> None:
        """Open the engine, then the doors. Cancelled, it leaves both as they are."""
        try:
            await self._engine.open()
        except ServiceError as error:
            _log.error("the engine could not be opened", reason=str(error))
            self._become(Doors.BROKEN)
        else:
            if self._doors is Doors.LOADING:
                self._become(Doors.OPEN)

    async def close(self) -> None:
        await self._engine.close()

    def leave(self) -> None:
        """Take no more calls. Asked a second time: end those that there are."""
        match self._doors:
            case Doors.LOADING | Doors.OPEN:
                self._become(Doors.DRAINING)
            case Doors.DRAINING:
                self._end_calls()
            case Doors.BROKEN:
                pass

    def check(self, address: str = "", key: str = "") -> None:
        """Raises RefusedError, and counts it, if a call could not be taken now.

        `key` is of the call to go on with, if there is one: it has its place.
        """
        if self._find(key) is not None:
            return
        there = sum(visit.visitor.address == address for visit in self._visits)
        if self._doors is not Doors.OPEN:
            refusal = self._doors.value, RefusedError(_REASONS[self._doors])
        elif len(self._visits) >= self._limits.calls:
            refusal = "full", RefusedError("all lines are busy")
        elif address and there >= self._limits.calls_per_address:
            refusal = "address", RefusedError("too many calls from this address", 429)
        else:
            return
        self.refuse(refusal[0])
        raise refusal[1]

    def refuse(self, reason: str) -> None:
        """Count somebody who was turned away."""
        self._metrics.refused(reason)

    async def carry(
        self,
        visitor: Visitor,
        socket: Socket,
        codec: Codec,
        *,
        around: Around = lambda new_call: new_call,
        limits: Limits | None = None,
    ) -> None:
        """One call, from the open socket to the closed one; `limits` are the door's own."""
        try:
            self.check(visitor.address)
        except RefusedError as refusal:
            await socket.close(REFUSED, str(refusal))
            return
        bound = bound_contextvars(call=visitor.call_id, door=visitor.door)
        with bound, self._visit(visitor) as visit:
            new_call, limits = around(self._engine.new_call), limits or self._limits
            visit.last = await serve(socket, codec, new_call, self._metrics, visit.seat, limits)

    async def come_back(self, key: str, socket: Socket) -> bool:
        """Go on with the call that has this key; False if there is none, and nothing done."""
        visit = self._find(key)
        if visit is None:
            return False
        await visit.seat.come_back(socket)
        return True

    def _find(self, key: str) -> _Visit | None:
        return next((v for v in self._visits if key and v.visitor.key == key), None)

    @contextmanager
    def _visit(self, visitor: Visitor) -> Iterator[_Visit]:
        visit = _Visit(visitor, Seat())
        self._visits.append(visit)
        self._metrics.call_began(visitor.door)
        _log.info("call began")
        try:
            yield visit
        finally:
            last = visit.last
            _log.info("call ended", outcome=last.outcome.value, code=last.code, reason=last.reason)
            self._metrics.call_ended(visitor.door, last.outcome.value)
            self._visits.remove(visit)
            self._news()

    async def until(self, *doors: Doors) -> Doors:
        while self._doors not in doors:
            await self._changed.wait()
        return self._doors

    async def drain(self, within_s: float) -> None:
        """Until no call is left: in their own time, and after `within_s` because they must."""
        if await self._emptied(within_s):
            return
        self._end_calls()
        if not await self._emptied(LEAVING_S):
            _log.error("calls would not end", calls=len(self._visits))

    async def _emptied(self, within_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._visits:
                    await self._changed.wait()
        return not self._visits

    def _end_calls(self) -> None:
        for visit in self._visits:
            visit.seat.ending.set()

    def _become(self, doors: Doors) -> None:
        self._doors = doors
        self._news()

    def _news(self) -> None:
        """Wakes everyone who waits, each once: later waiters wait on an event of their own."""
        self._changed.set()
        self._changed = asyncio.Event()
