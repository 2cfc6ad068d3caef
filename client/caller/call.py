"""Places one call over a WebSocket: plays recordings in real time, listens, and measures."""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from bot.calls.errors import PeerError
from client.caller.conductor import (
    CallerStage,
    CallProgress,
    Conductor,
    Delivered,
    Pacing,
    ScriptLine,
)
from client.caller.dialect import Message
from client.caller.door import CallError, Door, Entrance, PageDoor, reason_of
from client.caller.measure import (
    MISSED_S,
    ReceivedMessage,
    SentTurn,
    Wait,
    Words,
    measure_wait,
    words_of,
)
from client.caller.microphone import MICROPHONE_RATE_HZ, CallerMicrophone
from client.caller.player import PLAY_RATE_HZ, Sound
from client.caller.speech_file import Recording, SpokenTurn, narrowed
from client.caller.trouble import SimulatedNetwork
from client.caller.twilio import Tally, is_audio
from pipelines.addresses import printable
from pipelines.audio.pcm import Pcm

SHOW_EVERY_FRAMES = 4
"""80 ms."""
HOLD_S = 22.0
"""A server asks a silent client whether it is there, and has let go of it within 20 s."""
CLOSED_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    door: Door = field(default_factory=PageDoor)
    pacing: Pacing = field(default_factory=Pacing)
    floor_dbfs: float | None = None
    """White noise between the recordings; None is exact zeros."""
    handshake_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    recording: Recording
    turn: SpokenTurn
    said: SentTurn
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
    """The whole call as the loudspeaker played it, at `heard_hz`."""
    sounds: tuple[Sound, ...]
    """Every audible 10 ms window of `heard`, in seconds of the client's clock."""
    messages: tuple[ReceivedMessage, ...]
    microphone_late_s: float
    """The most that a frame left after its time: a machine too busy to measure with shows here."""
    heard_hz: int = PLAY_RATE_HZ
    tally: Tally | None = None
    """A telephone call's account of the wire."""

    @property
    def faults(self) -> list[str]:
        """The faults that the server told of."""
        return [str(m.data.get("error", "")) for m in self.messages if m.kind == "error"]


Watch: TypeAlias = Callable[[CallProgress], None]


async def place_call(
    url: str,
    lines: Sequence[ScriptLine],
    options: CallOptions | None = None,
    watch: Watch | None = None,
    when_stopped: Callable[[CallResult], None] | None = None,
) -> CallResult:
    """One call: every line in order, each after the answer to the one before, then goodbye.

    `url` is a server's http address, asked for its socket, or a ws address, used as it is.
    Raises CallError if there is no server, it refuses, breaks the protocol or hangs up; on the
    telephone it may hang up once it has heard every line. Cancelled, it tells `when_stopped` what
    there is until then.
    """
    options = options or CallOptions()
    async with options.door.entered(url, options.handshake_s) as entrance:
        if entrance.narrow_hz is not None:
            lines = [_narrowed(line, entrance.narrow_hz) for line in lines]
        async with await _dialled(entrance, options.handshake_s) as socket:
            call = _Call(socket, entrance, lines, options, watch)
            try:
                return await call.run()
            except ExceptionGroup as group:
                return call.cut_short(_first(group))
            except asyncio.CancelledError:
                if when_stopped is not None:
                    when_stopped(call.until_now())
                raise


async def _dialled(entrance: Entrance, timeout_s: float) -> ClientConnection:
    try:
        return await connect(
            entrance.url,
            additional_headers=entrance.headers,
            compression=None,
            proxy=None,
            open_timeout=timeout_s,
            ping_interval=None,  # the server asks; a caller that vanished does not
        )
    except (OSError, InvalidHandshake, InvalidURI) as exc:
        raise CallError(f"{_shown(entrance)}: no WebSocket ({reason_of(exc)})") from exc


def _narrowed(line: ScriptLine, rate_hz: int) -> ScriptLine:
    return replace(line, recording=narrowed(line.recording, rate_hz))


def _shown(entrance: Entrance) -> str:
    return printable(entrance.url)  # the ticket is nobody's to read


class _Call:
    def __init__(
        self,
        socket: ClientConnection,
        entrance: Entrance,
        lines: Sequence[ScriptLine],
        options: CallOptions,
        watch: Watch | None,
    ) -> None:
        self._socket = socket
        self._address = _shown(entrance)
        self._dialect = entrance.dialect
        self._tally = entrance.tally
        self._options = options
        self._watch = watch
        self._now = asyncio.get_running_loop().time
        self._microphone = CallerMicrophone(self._now(), floor_dbfs=options.floor_dbfs)
        self._speaker = self._dialect.speaker
        self._lines = lines
        self._conductor = Conductor(lines, self._microphone, self._speaker, options.pacing)
        self._network = SimulatedNetwork(entrance.trouble, is_audio)
        self._gone_s = self._microphone.started_s + (
            math.inf if entrance.trouble.vanish is None else entrance.trouble.vanish
        )
        self._is_ready = False

    async def run(self) -> CallResult:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen())
            is_gone = await self._speak()
            listening.cancel()
        await (self._vanish() if is_gone else self._leave())
        return self.result()

    def cut_short(self, cause: Exception) -> CallResult:
        """The rest of the call; raises CallError if that is nothing to speak of."""
        failure = _failure(cause, self._address)
        if self._tally is None or not isinstance(cause, ConnectionClosed):
            raise failure from cause
        self._tally.ended = str(failure)
        if len(self._conductor.said(self._now())) < len(self._lines):
            raise failure from cause
        return self.result()

    def until_now(self) -> CallResult:
        """Without the turn that may be answered yet."""
        result = self.result()
        if not result.turns:
            return result
        *before, last = result.turns
        waits = last.wait.missed and last.said.next_s < last.said.end_s + MISSED_S
        return replace(result, turns=tuple(before)) if waits else result

    async def _speak(self) -> bool:
        """False: the call is over; True: the caller is to vanish."""
        await self._send(self._dialect.greet())
        frames = 0
        while self._conductor.stage is not CallerStage.DONE:
            moment = min(self._microphone.deadline, self._network.deadline)
            await asyncio.sleep(moment - self._now())
            now = self._now()
            if not self._is_ready and now > self._microphone.started_s + self._options.handshake_s:
                raise CallError("the server never answered the handshake (no bot-ready)")
            if now >= self._gone_s:
                return True
            if now >= self._microphone.deadline:
                self._conductor.tick(now)
                keys = self._conductor.keys()
                self._network.put(self._dialect.say(self._microphone.take(now), keys, now), now)
                frames += 1
                if frames % SHOW_EVERY_FRAMES == 0:
                    self._show()
            await self._send([])
        return False

    async def _listen(self) -> None:
        self._look_ready()
        while True:
            message = await self._socket.recv()
            await self._send(self._dialect.take(message, self._now()))
            self._look_ready()

    def _look_ready(self) -> None:
        if self._dialect.is_ready and not self._is_ready:
            self._is_ready = True
            self._conductor.ready(self._now())

    async def _send(self, messages: Sequence[Message]) -> None:
        """These, and whatever else has been under way for long enough."""
        now = self._now()
        self._network.put(messages, now)
        for message in self._network.take(now):
            await self._socket.send(message)

    async def _leave(self) -> None:
        """Say goodbye, after all that is still under way; nothing is listened to any more."""
        self._network.put(self._dialect.part(), self._now())
        with suppress(ConnectionClosed):
            while self._network.deadline < math.inf:
                await asyncio.sleep(self._network.deadline - self._now())
                await self._send([])

    async def _vanish(self) -> None:
        """Neither read nor write, ask nor answer, and see whether the server lets go."""
        transport = self._socket.transport
        transport.pause_reading()
        await asyncio.sleep(HOLD_S)
        transport.resume_reading()
        try:
            async with asyncio.timeout(CLOSED_WITHIN_S):
                await self._socket.wait_closed()
            ended = "the caller vanished, and the server let go of the call"
        except TimeoutError:
            ended = f"the caller vanished, and the server still held the line after {HOLD_S:g} s"
        if self._tally is not None:
            self._tally.ended = ended
        transport.abort()

    def _show(self) -> None:
        if self._watch is not None:
            self._watch(self._conductor.progress())

    def result(self) -> CallResult:
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
            heard_hz=self._speaker.rate_hz,
            sounds=tuple(sounds),
            messages=tuple(self._dialect.heard),
            microphone_late_s=self._microphone.late_s,
            tally=self._tally,
        )

    def _measure(
        self, delivered: Delivered, turn: SpokenTurn, said: SentTurn, sounds: Sequence[Sound]
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


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The first thing that went wrong; what followed from it is not told."""
    first: Exception = group
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return first


def _failure(cause: Exception, address: str) -> Exception:
    """In words, where it is the server's doing."""
    match cause:
        case PeerError():
            return CallError(f"{address}: {cause}")
        case ConnectionClosed():
            return CallError(f"{address}: the server hung up ({_farewell(cause)})")
        case _:
            return cause


def _farewell(closed: ConnectionClosed) -> str:
    if closed.rcvd is None:
        return "without a word"
    return f"{closed.rcvd.code} {closed.rcvd.reason}".strip()
