"""Places one call over a WebSocket: plays recordings in real time, listens, and measures."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from bot.wire.errors import PeerError
from client.caller.browser import Browser
from client.caller.conductor import Conductor, Delivered, Line, Manners, Progress, Stage
from client.caller.dialect import Dialect, Message
from client.caller.door import CallError, find_socket
from client.caller.loudness import Pcm
from client.caller.measure import Heard, Said, Wait, Words, measure_wait, words_of
from client.caller.microphone import MICROPHONE_RATE_HZ, Microphone
from client.caller.player import Sound
from client.caller.recording import Recording, Turn

SHOW_EVERY_FRAMES = 4
"""80 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    stock: bool = False
    """Behave as Pipecat's own client: never flush, never report."""
    manners: Manners = field(default_factory=Manners)
    jitter_s: float = 0.0
    """How long the player holds audio that arrives while it is empty."""
    floor_dbfs: float | None = None
    """White noise between the recordings; None is exact zeros."""
    handshake_s: float = 10.0
    token: str | None = field(default=None, repr=False)
    """The server's access token, where it asks for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    recording: Recording
    turn: Turn
    said: Said
    """Seconds of the client's monotonic clock, as in `CallResult`."""
    wait: Wait
    words: Words
    late_s: float = 0.0
    """How long after its time the last sample of its speech left: the doubt in its wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    turns: tuple[TurnResult, ...]
    started_s: float
    """The client's monotonic clock at sample 0 of `spoken` and of `heard`."""
    spoken: Pcm
    """The whole call as the microphone heard it, 16 kHz; a late frame is in its own place."""
    heard: Pcm
    """The whole call as the loudspeaker played it, 24 kHz."""
    sounds: tuple[Sound, ...]
    """Every audible 10 ms window of `heard`, in seconds of the client's clock."""
    messages: tuple[Heard, ...]
    microphone_late_s: float
    """The most that a frame left after its time: a machine too busy to measure with shows here."""

    @property
    def faults(self) -> list[str]:
        """What the server said went wrong."""
        return [str(m.data.get("error", "")) for m in self.messages if m.kind == "error"]


Watch: TypeAlias = Callable[[Progress], None]


async def place_call(
    url: str,
    lines: Sequence[Line],
    options: CallOptions | None = None,
    watch: Watch | None = None,
) -> CallResult:
    """One call: every line in order, each after the answer to the one before, then goodbye.

    `url` is a server's http address, asked with POST /start, or a ws address, used as it is.
    Raises CallError if there is no server, it refuses, breaks the protocol or hangs up.
    """
    options = options or CallOptions()
    socket_url = await find_socket(url, options.handshake_s, options.token)
    dialect = Browser(stock=options.stock, jitter_s=options.jitter_s)
    address = socket_url.partition("?")[0]  # the ticket is nobody's to read
    try:
        socket = await connect(
            socket_url, compression=None, proxy=None, open_timeout=options.handshake_s
        )
    except (OSError, InvalidHandshake, InvalidURI) as exc:
        raise CallError(f"{address}: no WebSocket ({_reason(exc)})") from exc
    async with socket:
        call = _Call(socket, dialect, lines, options, watch)
        try:
            return await call.run()
        except ExceptionGroup as group:
            raise _failure(group, address) from group


class _Call:
    def __init__(
        self,
        socket: ClientConnection,
        dialect: Dialect,
        lines: Sequence[Line],
        options: CallOptions,
        watch: Watch | None,
    ) -> None:
        self._socket = socket
        self._dialect = dialect
        self._options = options
        self._watch = watch
        self._now = asyncio.get_running_loop().time
        self._microphone = Microphone(self._now(), floor_dbfs=options.floor_dbfs)
        self._speaker = dialect.speaker
        self._conductor = Conductor(lines, self._microphone, self._speaker, options.manners)
        self._is_ready = False

    async def run(self) -> CallResult:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen())
            await self._speak()
            listening.cancel()
        return self._result()

    async def _speak(self) -> None:
        await self._send(self._dialect.greet())
        frames = 0
        while self._conductor.stage is not Stage.DONE:
            await asyncio.sleep(self._microphone.deadline - self._now())
            now = self._now()
            if not self._is_ready and now > self._microphone.started_s + self._options.handshake_s:
                raise CallError("the server never answered the handshake (no bot-ready)")
            self._conductor.tick(now)
            await self._send(self._dialect.say(self._microphone.take(now), "", now))
            frames += 1
            if frames % SHOW_EVERY_FRAMES == 0:
                self._show()
        await self._send(self._dialect.part())

    async def _listen(self) -> None:
        while True:
            message = await self._socket.recv()
            now = self._now()
            await self._send(self._dialect.take(message, now))
            if self._dialect.is_ready and not self._is_ready:
                self._is_ready = True
                self._conductor.ready(now)

    async def _send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self._socket.send(message)

    def _show(self) -> None:
        if self._watch is not None:
            self._watch(self._conductor.progress())

    def _result(self) -> CallResult:
        until_s = self._microphone.heard_s(self._microphone.position)
        started_s = self._microphone.started_s
        sounds = [sound for sound in self._speaker.sounds if sound[0] < until_s]
        turns = [
            self._measure(delivered, turn, said, sounds)
            for delivered, saids in self._conductor.said(until_s)
            for turn, said in zip(delivered.line.recording.turns, saids, strict=True)
        ]
        return CallResult(
            turns=tuple(turns),
            started_s=started_s,
            spoken=self._microphone.tape,
            heard=self._speaker.timeline(started_s, until_s),
            sounds=tuple(sounds),
            messages=tuple(self._dialect.heard),
            microphone_late_s=self._microphone.late_s,
        )

    def _measure(
        self, delivered: Delivered, turn: Turn, said: Said, sounds: Sequence[Sound]
    ) -> TurnResult:
        messages = [m for m in self._dialect.heard if said.start_s <= m.at_s < said.next_s]
        due_s = self._microphone.started_s + delivered.first_sample / MICROPHONE_RATE_HZ
        return TurnResult(
            recording=delivered.line.recording,
            turn=turn,
            said=said,
            wait=measure_wait(said, sounds),
            words=words_of(messages),
            late_s=said.end_s - (due_s + turn.end_s),
        )


def _failure(group: ExceptionGroup[Exception], address: str) -> Exception:
    """The first thing that went wrong, in words; what followed from it is not told."""
    first: Exception = group
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    match first:
        case CallError():
            return first
        case PeerError():
            return CallError(f"{address}: {first}")
        case ConnectionClosed():
            return CallError(f"{address}: the server hung up ({_farewell(first)})")
        case _:
            return first


def _farewell(closed: ConnectionClosed) -> str:
    if closed.rcvd is None:
        return "without a word"
    return f"{closed.rcvd.code} {closed.rcvd.reason}".strip()


def _reason(exc: Exception) -> str:
    return str(exc).splitlines()[0] if str(exc) else type(exc).__name__
