"""Carries one call between a client's socket and its conversation. All socket I/O is here."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

import structlog
from fastapi import WebSocket, WebSocketDisconnect

from bot.wire.errors import PeerError
from bot.wire.messages import Closed, Codec, FromClient, Opened
from pipelines.cascade import CallFormat
from pipelines.core.exchange import AudioIn, AudioOut, Flush, FromCaller, ToCaller

OPENING_S = 10.0
"""What a client may take, from the open socket to the end of its handshake."""

GOODBYE_S = 5.0
"""What a client may take to read the last of what a call had to say."""

OUTBOX_LIMIT = 256
"""Messages: five seconds of 20 ms frames. A call sends in real time, so a healthy one holds few."""

FLUSHABLE_LEAD_S = 0.2
UNFLUSHABLE_LEAD_S = 0.06
"""How far ahead of the clock a client is sent audio, by whether it can drop what it has."""

_log = structlog.get_logger(__name__)


class Socket(Protocol):
    async def receive(self) -> str | bytes | None:
        """None once the peer has closed. Raises ConnectionError once it is gone without a word,
        PeerError once it was shut out for breaking the socket's own rules.
        """
        ...

    async def send(self, message: str | bytes) -> None:
        """Waits while the peer reads too slowly; does nothing once it is gone."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Never waits for the peer; does nothing once it is gone."""
        ...


class Call(Protocol):
    """What `pipelines.cascade.Call` is to its connection."""

    def push(self, event: FromCaller) -> None: ...

    async def run(self) -> None: ...


Send: TypeAlias = Callable[[ToCaller], None]
NewCall: TypeAlias = Callable[[CallFormat, Send], Call]


class Outcome(StrEnum):
    """How a call ended, for the log and the metric."""

    LEFT = "left"
    """The client said goodbye."""
    FINISHED = "finished"
    """The bot ended the call."""
    VANISHED = "vanished"
    """The client was gone without a word."""
    BROKE_PROTOCOL = "broke protocol"
    NEVER_READY = "never ready"
    READ_TOO_SLOWLY = "read too slowly"
    DRAINED = "drained"
    """The server had to go."""
    FAILED = "failed"
    """A bug of ours."""


class Watch(Protocol):
    """Whoever keeps count: `bot.telemetry.Metrics`."""

    def observe(self, request: ToCaller) -> None:
        """Of everything that the call sends."""
        ...

    def dropped_audio(self, seconds: float, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Farewell:
    """The end of a call, and what the client is told of it."""

    outcome: Outcome
    code: int
    reason: str = ""


class _Over(Exception):  # noqa: N818
    """Ends the connection's tasks."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


_FAREWELLS = {
    Outcome.LEFT: Farewell(Outcome.LEFT, 1000),
    Outcome.FINISHED: Farewell(Outcome.FINISHED, 1000),
    Outcome.VANISHED: Farewell(Outcome.VANISHED, 1001),
    Outcome.NEVER_READY: Farewell(Outcome.NEVER_READY, 1008, "the client was never ready"),
    Outcome.READ_TOO_SLOWLY: Farewell(Outcome.READ_TOO_SLOWLY, 1013, "the client reads too slowly"),
    Outcome.DRAINED: Farewell(Outcome.DRAINED, 1012, "the server is shutting down"),
    Outcome.FAILED: Farewell(Outcome.FAILED, 1011, "internal error"),
}


def farewell(errors: tuple[Exception, ...]) -> Farewell:
    """What to say for what went wrong: the one place that chooses close codes and words."""
    for error in errors:
        if isinstance(error, PeerError):
            return Farewell(Outcome.BROKE_PROTOCOL, error.close_code, str(error))
    for error in errors:
        if isinstance(error, _Over):
            return _FAREWELLS[error.outcome]
    return _FAREWELLS[Outcome.FAILED]


async def serve(
    socket: Socket,
    codec: Codec,
    new_call: NewCall,
    watch: Watch,
    ending: asyncio.Event,
    *,
    opening_s: float = OPENING_S,
) -> Farewell:
    """Carry one call to its end, whatever that is, and close the socket with the right code.

    `ending` tells it to end at once. Cancelled, it takes the call with it and closes nothing.
    """
    line = _Line(socket, codec, watch)
    errors: tuple[Exception, ...] = ()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(line.write())
            tasks.create_task(_raise_when(ending, _Over(Outcome.DRAINED)))
            tasks.create_task(_raise_when(line.overflowed, _Over(Outcome.READ_TOO_SLOWLY)))
            async with aclosing(line.events()) as events:
                opened = await line.opening(events, opening_s)
                call = new_call(_call_format(codec, opened), line.put)
                tasks.create_task(line.run(call))
                await _hand_on(events, call)
    except ExceptionGroup as group:
        errors = group.exceptions
    for error in errors:
        if not isinstance(error, _Over | PeerError):
            _log.error("a call failed", exc_info=error)
    last = farewell(errors)
    await socket.close(last.code, last.reason)
    return last


async def _raise_when(event: asyncio.Event, over: _Over) -> None:
    await event.wait()
    raise over


async def _hand_on(events: AsyncIterator[FromClient], call: Call) -> None:
    async for event in events:
        if not isinstance(event, Opened | Closed):
            call.push(event)


def _call_format(codec: Codec, opened: Opened) -> CallFormat:
    return CallFormat(
        in_rate_hz=codec.in_rate_hz,
        out_rate_hz=codec.out_rate_hz,
        lead_s=FLUSHABLE_LEAD_S if opened.flushes else UNFLUSHABLE_LEAD_S,
        reports_playout=opened.flushes,
    )


class _Line:
    """Both directions of one connection, and the queue between the call and the socket."""

    def __init__(self, socket: Socket, codec: Codec, watch: Watch) -> None:
        self._socket = socket
        self._codec = codec
        self._watch = watch
        self._outbox: deque[tuple[ToCaller | None, str | bytes]] = deque()
        self._waiting = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self.overflowed = asyncio.Event()

    async def events(self) -> AsyncGenerator[FromClient, None]:
        """Ends by raising _Over or PeerError."""
        try:
            while (message := await self._socket.receive()) is not None:
                events = self._codec.receive(message)
                self._enqueue(None, self._codec.replies())
                for event in events:
                    if isinstance(event, Closed):
                        raise _Over(Outcome.LEFT)
                    yield event
        except ConnectionError:
            raise _Over(Outcome.VANISHED) from None
        raise _Over(Outcome.LEFT)

    async def opening(self, events: AsyncIterator[FromClient], within_s: float) -> Opened:
        """What the client sends before it is ready is not listened to."""
        try:
            async with asyncio.timeout(within_s):
                async for event in events:
                    match event:
                        case Opened():
                            return event
                        case AudioIn(pcm):
                            seconds = len(pcm) / 2 / self._codec.in_rate_hz
                            self._watch.dropped_audio(seconds, "before ready")
                        case _:
                            pass
        except TimeoutError:
            pass
        raise _Over(Outcome.NEVER_READY)

    async def run(self, call: Call) -> None:
        """Until the bot ends the call and the client has been sent the last of it."""
        await call.run()
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._all_sent.wait()
        except TimeoutError:
            raise _Over(Outcome.READ_TOO_SLOWLY) from None
        raise _Over(Outcome.FINISHED)

    def put(self, request: ToCaller) -> None:
        """What the call sends. A flush overtakes the audio that it makes worthless."""
        self._watch.observe(request)
        if isinstance(request, Flush):
            kept = (item for item in self._outbox if not isinstance(item[0], AudioOut))
            self._outbox = deque(kept)
        self._enqueue(request, self._codec.send(request))

    def _enqueue(self, request: ToCaller | None, messages: list[str | bytes]) -> None:
        if len(self._outbox) + len(messages) > OUTBOX_LIMIT:
            self.overflowed.set()
        if messages and not self.overflowed.is_set():  # else the connection is about to end for it
            self._outbox.extend((request, message) for message in messages)
            self._all_sent.clear()
            self._waiting.set()

    async def write(self) -> None:
        """Send what is put, in order, until cancelled."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while self._outbox:
                _, message = self._outbox.popleft()
                await self._socket.send(message)
            self._all_sent.set()


class WebSocketSocket:
    """A `Socket` over FastAPI's WebSocket, accepted already, as served by `bot.server`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._gone = False

    async def receive(self) -> str | bytes | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            self._gone = True
            if message["code"] in _SHUT_OUT:
                raise PeerError(_SHUT_OUT[message["code"]], close_code=message["code"])
            if "reason" not in message:  # uvicorn reports a close frame's, and has none for a loss
                raise ConnectionError
            return None
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    async def send(self, message: str | bytes) -> None:
        if self._gone:
            return
        try:
            if isinstance(message, str):
                await self._websocket.send_text(message)
            else:
                await self._websocket.send_bytes(message)
        except (WebSocketDisconnect, RuntimeError):
            # RuntimeError is uvicorn's while it shuts the peer out; either way `receive` will tell.
            self._gone = True

    async def close(self, code: int, reason: str) -> None:
        if self._gone:
            return
        self._gone = True
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code, reason)


_SHUT_OUT = {
    1002: "broken WebSocket frames",
    1007: "text that is not UTF-8",
    1009: "a message that is too big",
}
"""Codes with which the WebSocket library itself shuts a peer out."""
