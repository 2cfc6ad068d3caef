"""Carries one call between a client's sockets and its conversation: one socket at a time."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import structlog

from bot.calls.errors import PeerError
from bot.calls.farewell import MOVED, CallOutcome, Farewell, Over, causes, farewell
from bot.calls.limits import Allowance, Limits
from bot.calls.messages import Closed, Codec, Opened
from bot.calls.websocket import Socket
from pipelines.cascade import CallFormat
from pipelines.core.exchange import (
    AudioIn,
    AudioOut,
    Flush,
    FromCaller,
    LineDropped,
    LineRestored,
    Muted,
    ToCaller,
)
from pipelines.core.hearing.intake import STALL_S

GOODBYE_S = 5.0
"""Seconds that a client may take to read the last of what a call had to say."""

OUTBOX_LIMIT = 2048
"""Messages. A network may stand still for 15 s: 1,500 on the telephone, where a mark follows each
frame of 20 ms, and on the page 750 frames and all that is shown of short phrases.
"""

TELL_EVERY_S = 10.0
"""Audio that is dropped is a line in the log no more often."""

OUTBOX_BYTES = 2 * 1024 * 1024
"""The same in bytes: a client chooses how long a text is, and what names an answer carries back."""

FLUSHABLE_LEAD_S = 0.2
UNFLUSHABLE_LEAD_S = 0.06
"""How far ahead of the clock a client is sent audio, by whether it can drop what it has."""

SENDS_ALWAYS_STALL_S = 15.0
"""Seconds without audio of a client that sends all of the time: a page of our own, which says when
it closes its microphone, or Twilio. It is the network that stands still, and the turn waits for it.
"""

_log = structlog.get_logger(__name__)


class ConnectedCall(Protocol):
    """The side of `pipelines.cascade.Call` that its connection uses."""

    def push(self, event: FromCaller) -> None: ...

    async def run(self) -> None: ...


Send: TypeAlias = Callable[[ToCaller], None]
NewCall: TypeAlias = Callable[[CallFormat, Send], ConnectedCall]
Around: TypeAlias = Callable[[NewCall], NewCall]
"""A door's change to the making of its calls."""
_Item: TypeAlias = tuple[ToCaller | None, str | bytes]
"""The request, None for the protocol's own, and a message of it."""


class Watch(Protocol):
    """The keeper of counts: `bot.server.telemetry.Metrics`."""

    def observe(self, request: ToCaller) -> None:
        """Takes note of everything that the call sends."""
        ...

    def dropped_audio(self, seconds: float, reason: str) -> None: ...


@dataclass(slots=True, eq=False)
class Leg:
    """The part of a call that is carried over one socket."""

    socket: Socket
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def close(self, code: int, reason: str) -> None:
        await self.socket.close(code, reason)
        self.over.set()


class Seat:
    """A call's place: the server ends the call by it, and a client that was cut off comes back."""

    def __init__(self) -> None:
        self.ending = asyncio.Event()
        """Set, it ends the call at once."""
        self._arrivals: asyncio.Queue[Leg] = asyncio.Queue(1)
        """A client that comes back takes the place of one that waits, which is sent away."""
        self._came_back: set[Leg] = set()
        self._last: tuple[int, str] | None = None

    async def come_back(self, socket: Socket) -> None:
        """Go on with the call over this socket; returns once the call is done with it."""
        while not self._arrivals.empty():
            await self._arrivals.get_nowait().close(*MOVED)
        if self._last is not None:
            await socket.close(*self._last)
            return
        leg = Leg(socket)
        self._came_back.add(leg)
        self._arrivals.put_nowait(leg)
        try:
            await leg.over.wait()
        finally:
            self._came_back.discard(leg)

    async def next(self) -> Leg:
        return await self._arrivals.get()

    async def close(self, code: int, reason: str) -> None:
        """The call is over: also for those who came back and were not heard yet."""
        self._last = code, reason
        for leg in [leg for leg in self._came_back if not leg.over.is_set()]:
            await leg.close(code, reason)


async def serve(
    socket: Socket, codec: Codec, new_call: NewCall, watch: Watch, seat: Seat, limits: Limits
) -> Farewell:
    """Carry one call to its end, whatever that is, and close each socket with the right code.

    Cancelled, it takes the call with it and closes nothing.
    """
    line = _Line(socket, codec, watch, limits)
    errors: list[Exception] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_raise_when(seat.ending, Over(CallOutcome.DRAINED)))
            tasks.create_task(_raise_when(line.overflowed, Over(CallOutcome.READ_TOO_SLOWLY)))
            tasks.create_task(_raise_after(limits.call_s, Over(CallOutcome.TOO_LONG)))
            await line.carry(new_call, seat, tasks)
    except ExceptionGroup as group:
        errors = list(causes(group))
    for error in errors:
        if not isinstance(error, Over | PeerError):
            _log.error("a call failed", exc_info=error)
    last = farewell(errors)
    await line.leg.close(last.code, last.reason)
    await seat.close(last.code, last.reason)
    return last


async def _raise_when(event: asyncio.Event, over: Over) -> None:
    await event.wait()
    raise over


async def _raise_after(seconds: float, over: Over) -> None:
    await asyncio.sleep(seconds)
    raise over


class _Line:
    """Both directions of one call's connection, and the queue between the call and the socket."""

    def __init__(self, socket: Socket, codec: Codec, watch: Watch, limits: Limits) -> None:
        self.leg = Leg(socket)
        self.overflowed = asyncio.Event()
        self._codec = codec
        self._watch = watch
        self._limits = limits
        self._call: ConnectedCall | None = None
        self._can_return = False
        self._open = False
        self._muted = False
        self._outbox: deque[_Item] = deque()
        self._kept: deque[_Item] = deque()
        """Everything but audio, for a client that is not there."""
        self._waiting = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._dropped = _Dropped()

    # ---- the call, from one socket to the next ----

    async def carry(self, new_call: NewCall, seat: Seat, tasks: asyncio.TaskGroup) -> None:
        """Ends by raising Over or PeerError, in a group or not."""

        def begin(opened: Opened) -> ConnectedCall:
            call = new_call(_call_format(self._codec, opened), self.put)
            tasks.create_task(self._run(call))
            return call

        while True:
            following = await self._ride(begin, seat)
            if following is None:
                self.leg.over.set()
                self._drop()
                _log.info("the line dropped")
                following = await self._wait(seat)
            else:
                await self.leg.close(*MOVED)
                self._drop()
            self.leg = following
            _log.info("the client is back")

    async def _ride(self, begin: Callable[[Opened], ConnectedCall], seat: Seat) -> Leg | None:
        """Over one socket: until it drops, or until the client is back on the one returned."""
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write(self.leg.socket))
            returning = tasks.create_task(seat.next())
            talking = tasks.create_task(self._talk(begin))
            await asyncio.wait({returning, talking}, return_when=asyncio.FIRST_COMPLETED)
            for task in (writing, returning, talking):
                task.cancel()
        return None if returning.cancelled() else returning.result()

    async def _talk(self, begin: Callable[[Opened], ConnectedCall]) -> None:
        async with aclosing(self._events()) as events:
            if (opened := await self._opening(events)) is None:
                return
            restored = self._call is not None
            if self._call is None:
                self._call = begin(opened)
                self._can_return = opened.flushes
            self._admit()
            async for event in events:
                if isinstance(event, Opened | Closed):
                    continue
                self._call.push(event)
                if restored:  # its first word is what it has heard, if it knows that
                    self._call.push(LineRestored())
                    restored = False

    def _drop(self) -> None:
        self._open = False
        self._muted = False
        self._kept.extend(item for item in self._outbox if not isinstance(item[0], AudioOut | None))
        self._outbox.clear()
        self._all_sent.set()
        if self._call is not None:
            self._call.push(LineDropped())

    def _admit(self) -> None:
        self._open = True
        kept, self._kept = self._kept, deque()
        self._post(kept)

    async def _wait(self, seat: Seat) -> Leg:
        try:
            async with asyncio.timeout(self._limits.return_s):
                return await seat.next()
        except TimeoutError:
            raise Over(CallOutcome.VANISHED) from None

    async def _run(self, call: ConnectedCall) -> None:
        """Until the bot ends the call and the client has been sent the last of it."""
        await call.run()
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._all_sent.wait()
        except TimeoutError:
            raise Over(CallOutcome.READ_TOO_SLOWLY) from None
        raise Over(CallOutcome.FINISHED)

    # ---- what the client sends ----

    async def _events(self) -> AsyncGenerator[FromCaller | Opened | Closed, None]:
        """Ends where the line has dropped and the client may come back; else by raising."""
        allowance = Allowance(self._limits, self._codec.in_rate_hz)
        try:
            while (message := await self._receive()) is not None:
                events = self._codec.receive(message)
                if not allowance.spend(events, time.monotonic()):
                    self._drop_audio(events, "faster than real time")
                    continue
                self._enqueue(None, self._codec.replies())
                for event in events:
                    match event:
                        case Closed():
                            raise Over(CallOutcome.LEFT)
                        case Muted(muted):
                            self._muted = muted
                        case _:
                            pass
                    yield event
        except ConnectionError:
            if self._can_return:
                return
            raise Over(CallOutcome.VANISHED) from None
        raise Over(CallOutcome.LEFT)

    async def _receive(self) -> str | bytes | None:
        try:
            async with asyncio.timeout(None if self._muted else self._limits.idle_s):
                return await self.leg.socket.receive()
        except TimeoutError:
            raise Over(CallOutcome.IDLE) from None

    async def _opening(self, events: AsyncIterator[FromCaller | Opened | Closed]) -> Opened | None:
        """Receives; messages before the client is ready are ignored. None if it has dropped."""
        try:
            async with asyncio.timeout(self._limits.opening_s):
                async for event in events:
                    match event:
                        case Opened():
                            return event
                        case AudioIn():
                            self._drop_audio([event], "before ready")
                        case _:
                            pass
        except TimeoutError:
            raise Over(CallOutcome.NEVER_READY) from None
        return None

    def _drop_audio(self, events: Sequence[FromCaller | Opened | Closed], reason: str) -> None:
        samples = sum(len(event.pcm) // 2 for event in events if isinstance(event, AudioIn))
        seconds = samples / self._codec.in_rate_hz
        self._watch.dropped_audio(seconds, reason)
        if (told := self._dropped.drop(seconds, reason, time.monotonic())) is not None:
            _log.warning("audio is dropped", reason=reason, seconds=round(told, 3))

    # ---- what the client is sent ----

    def put(self, request: ToCaller) -> None:
        """Sends for the call. A flush overtakes the audio that it makes worthless."""
        self._watch.observe(request)
        if isinstance(request, Flush):
            kept = (item for item in self._outbox if not isinstance(item[0], AudioOut))
            self._outbox = deque(kept)
        self._enqueue(request, self._codec.send(request))

    def _enqueue(self, request: ToCaller | None, messages: list[str | bytes]) -> None:
        items = [(request, message) for message in messages]
        if self._open or request is None:
            self._post(items)
        elif not isinstance(request, AudioOut):
            self._kept.extend(items)
            if _is_too_much(self._kept):
                self.overflowed.set()

    def _post(self, items: Sequence[_Item]) -> None:
        if _is_too_much((*self._outbox, *items)):
            self.overflowed.set()
        if items and not self.overflowed.is_set():  # else the connection is about to end for it
            self._outbox.extend(items)
            self._all_sent.clear()
            self._waiting.set()

    async def _write(self, socket: Socket) -> None:
        """Send what is put, in order, until cancelled."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while self._outbox:
                request, message = self._outbox.popleft()
                if isinstance(request, AudioOut) and request.tell and self._call is not None:
                    self._call.push(request.sent(asyncio.get_running_loop().time()))
                await socket.send(message)
            self._all_sent.set()


def _is_too_much(items: Collection[_Item]) -> bool:
    """In messages, or in bytes. Few wait at a client that reads, so the sum is short."""
    size = sum(len(message) for _, message in items)
    return len(items) > OUTBOX_LIMIT or size > OUTBOX_BYTES


@dataclass(slots=True)
class _Dropped:
    """Seconds of audio that were dropped and not told of yet, by reason."""

    untold_s: dict[str, float] = field(default_factory=dict)
    told_at: dict[str, float] = field(default_factory=dict)

    def drop(self, seconds: float, reason: str, now: float) -> float | None:
        """The seconds to tell of; None while the last line is too new."""
        self.untold_s[reason] = self.untold_s.get(reason, 0.0) + seconds
        if now - self.told_at.get(reason, -TELL_EVERY_S) < TELL_EVERY_S:
            return None
        self.told_at[reason] = now
        return self.untold_s.pop(reason)


def _call_format(codec: Codec, opened: Opened) -> CallFormat:
    return CallFormat(
        in_rate_hz=codec.in_rate_hz,
        out_rate_hz=codec.out_rate_hz,
        lead_s=FLUSHABLE_LEAD_S if opened.flushes else UNFLUSHABLE_LEAD_S,
        reports_playout=opened.flushes,
        stall_s=SENDS_ALWAYS_STALL_S if opened.sends_always else STALL_S,
    )
