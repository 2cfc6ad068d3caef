"""Twilio's side of a stream on virtual time: a buffer that plays, marks, and a way to and fro."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.audio import mulaw
from pipelines.audio.pcm import to_int16
from pipelines.services.protocols import Samples
from tests.bot.phone.speaking_twilio import CONNECTED, media, said, start, stop

RATE_HZ = 8000
FRAME = 160


@dataclass(frozen=True, slots=True)
class Cleared:
    at_s: float
    played: int
    """Samples heard since the clear before."""
    echoed: int
    """Marks that came back unheard."""


class TwilioLine:
    """A `Socket`. `ppm` is how much faster its clock runs than ours."""

    def __init__(self, *, way_s: float = 0.0, ppm: float = 0.0) -> None:
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._way_s = way_s
        self._pace = 1 + ppm / 1e6
        self._ends_s = 0.0
        self._pieces: list[tuple[float, int]] = []
        self._marks: list[tuple[float, str]] = []
        self._timers: list[asyncio.TimerHandle] = []
        self.media: list[tuple[float, int]] = []
        """When each frame came, and its loudest sample."""
        self.cleared: list[Cleared] = []
        self.samples = 0
        """All that came."""
        self.held_s: list[float] = []
        """The audio in the buffer, as each frame came."""
        self.ran_dry = 0
        self.closed: tuple[int, str] | None = None
        self._frames = 0
        for message in (CONNECTED, start()):
            self._inbox.put_nowait(said(message))

    # ---- the caller ----

    def speak(self, samples: Samples) -> None:
        """20 ms at 8 kHz."""
        self._frames += 1
        coded = mulaw.encode(to_int16(samples))
        message = said(media(coded, chunk=self._frames, at_ms=20 * (self._frames - 1)))
        self._later(self._way_s, lambda: self._inbox.put_nowait(message))

    def hang_up(self) -> None:
        self._inbox.put_nowait(said(stop()))

    def drop(self) -> None:
        """Gone without a word."""
        self._inbox.put_nowait(None)

    # ---- the socket ----

    async def receive(self) -> str | bytes | None:
        message = await self._inbox.get()
        if message is None:
            raise ConnectionError
        return message

    async def send(self, message: str | bytes) -> None:
        read = json.loads(message)
        self._later(self._way_s, lambda: self._take(read))

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        for timer in self._timers:
            timer.cancel()

    # ---- what Twilio does ----

    def _take(self, read: dict[str, dict[str, str]]) -> None:
        now = self._now()
        match str(read["event"]):
            case "media":
                pcm = mulaw.decode(base64.b64decode(read["media"]["payload"]))
                self.media.append((now, int(np.abs(pcm.astype(int)).max())))
                if self.media[1:] and self._ends_s < now:
                    self.ran_dry += 1
                begins_s = max(now, self._ends_s)
                self.samples += len(pcm)
                self.held_s.append(begins_s - now + len(pcm) / RATE_HZ)
                self._pieces.append((begins_s, len(pcm)))
                self._ends_s = begins_s + len(pcm) / RATE_HZ / self._pace
            case "mark":
                name, due_s = read["mark"]["name"], max(now, self._ends_s)
                self._marks.append((due_s, name))
                self._later(due_s - now, self._echo_due)
            case _:
                self._clear(now)

    def _clear(self, now: float) -> None:
        played = sum(
            min(samples, max(0, round((now - begins_s) * RATE_HZ * self._pace)))
            for begins_s, samples in self._pieces
        )
        unheard, self._marks = self._marks, []
        self.cleared.append(Cleared(now, played, len(unheard)))
        self._pieces.clear()
        self._ends_s = now
        for _, name in unheard:
            self._echo(name)

    def _echo_due(self) -> None:
        while self._marks and self._marks[0][0] <= self._now() + 1e-9:
            self._echo(self._marks.pop(0)[1])

    def _echo(self, name: str) -> None:
        message = {"event": "mark", "sequenceNumber": "1", "mark": {"name": name}}
        message |= {"streamSid": start()["streamSid"]}
        self._later(self._way_s, lambda: self._inbox.put_nowait(said(message)))

    def _later(self, delay_s: float, act: Callable[[], None]) -> None:
        if delay_s <= 0:
            act()
            return
        self._timers = [timer for timer in self._timers if not timer.cancelled()][-64:]
        self._timers.append(asyncio.get_running_loop().call_later(delay_s, act))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
