"""Who may come in, and until when: admission, the limit on calls, the drain."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Protocol

import structlog
from structlog.contextvars import bound_contextvars

from bot.connection import Call, Farewell, Outcome, Send, Socket, serve
from bot.telemetry import Metrics
from bot.wire.messages import Codec
from pipelines.cascade import CallFormat
from pipelines.services.protocols import ServiceError

LEAVING_S = 5.0
"""What a call may take to end once it has been told to."""


_log = structlog.get_logger(__name__)


class Engine(Protocol):
    """What the models, the voice and the LLM are to the server: opened once, asked for calls."""

    async def open(self) -> None:
        """Load everything. Raises ServiceError."""
        ...

    def new_call(self, form: CallFormat, send: Send) -> Call: ...

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


class _Seat:
    """A call's place."""

    def __init__(self) -> None:
        self.ending = asyncio.Event()
        self.last = Farewell(Outcome.FAILED, 1006)


class Sessions:
    """One per server. Used from its event loop only."""

    def __init__(self, engine: Engine, metrics: Metrics, max_calls: int) -> None:
        self._engine = engine
        self._metrics = metrics
        self._max_calls = max_calls
        self._doors = Doors.LOADING
        self._changed = asyncio.Event()
        self._seats: set[_Seat] = set()

    @property
    def doors(self) -> Doors:
        return self._doors

    @property
    def calls(self) -> int:
        return len(self._seats)

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

    def check(self) -> None:
        """Raises RefusedError, and counts it, if a call could not be taken now."""
        reason, message = "", ""
        if self._doors is not Doors.OPEN:
            reason, message = self._doors.value, _REASONS[self._doors]
        elif len(self._seats) >= self._max_calls:
            reason, message = "full", "all lines are busy"
        if reason:
            self._metrics.refused(reason)
            raise RefusedError(message)

    async def carry(self, door: str, call_id: str, socket: Socket, codec: Codec) -> None:
        """One call, from the open socket to the closed one."""
        try:
            self.check()
        except RefusedError as refusal:
            await socket.close(1013, str(refusal))
            return
        with bound_contextvars(call=call_id, door=door), self._seat(door) as seat:
            seat.last = await serve(
                socket, codec, self._engine.new_call, self._metrics, seat.ending
            )

    @contextmanager
    def _seat(self, door: str) -> Iterator["_Seat"]:
        seat = _Seat()
        self._seats.add(seat)
        self._metrics.call_began(door)
        _log.info("call began")
        try:
            yield seat
        finally:
            last = seat.last
            _log.info("call ended", outcome=last.outcome.value, code=last.code, reason=last.reason)
            self._metrics.call_ended(door, last.outcome.value)
            self._seats.remove(seat)
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
            _log.error("calls would not end", calls=len(self._seats))

    async def _emptied(self, within_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._seats:
                    await self._changed.wait()
        return not self._seats

    def _end_calls(self) -> None:
        for seat in self._seats:
            seat.ending.set()

    def _become(self, doors: Doors) -> None:
        self._doors = doors
        self._news()

    def _news(self) -> None:
        """Wakes everyone who waits, each once: later waiters wait on an event of their own."""
        self._changed.set()
        self._changed = asyncio.Event()
