"""One call through the real pipeline: a caller who sends what was sent then, and a page."""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.audio.two_track import Pcm, TwoTrack
from pipelines.cascade import Call, CallFormat, Policies, Services
from pipelines.core.exchange import AudioIn, AudioOut, Flush, FromCaller, Played, Sent, ToCaller
from pipelines.core.recording import Noted, Recorder, line_of

REPORT_EVERY_S = 0.08
"""As our page and our caller do."""


@dataclass(slots=True)
class MemoryRecorder:
    """`Recorder` in memory."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    begun_s: float = 0.0
    also: Recorder | None = None
    """Is told all of it too."""

    def note(self, item: Noted, at_s: float) -> None:
        self.lines.append(line_of(item, at_s, "full", self.begun_s))
        if self.also is not None:
            self.also.note(item, at_s)

    def close(self) -> None:
        if self.also is not None:
            self.also.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The caller's side, in seconds from the call's beginning."""

    events: Iterable[tuple[float, FromCaller]]
    form: CallFormat
    lasts_s: float
    way_s: float = 0.0
    """From the server to the listener's ear."""


@dataclass(frozen=True, slots=True)
class Replayed:
    lines: list[dict[str, Any]]
    """As a recording has them."""
    sound: Pcm
    """Shape (n, 2) at the caller's rate."""


class Ear:
    """A page's loudspeaker: what has arrived is heard without a gap."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._starts_s: list[float] = []
        self._ends: list[int] = []
        """Samples of this generation up to the end of each piece."""
        self._quiet_s = 0.0
        self._generation = 0

    def add(self, samples: int, now_s: float) -> None:
        start_s = max(now_s, self._quiet_s)
        self._starts_s.append(start_s)
        self._ends.append((self._ends[-1] if self._ends else 0) + samples)
        self._quiet_s = start_s + samples / self._rate_hz

    def played(self, now_s: float) -> Played:
        at = bisect_right(self._starts_s, now_s) - 1
        if at < 0:
            return Played(self._generation, 0)
        before = self._ends[at - 1] if at else 0
        heard = before + round((now_s - self._starts_s[at]) * self._rate_hz)
        return Played(self._generation, min(heard, self._ends[at]))

    def flush(self, generation: int, now_s: float) -> Played:
        """Returns how far the generation before it came."""
        before = self.played(now_s)
        self._starts_s, self._ends = [], []
        self._quiet_s, self._generation = 0.0, generation
        return before


class ScriptPlayer:
    """Plays one script, on whichever clock the running loop has."""

    def __init__(
        self,
        services: Services,
        policies: Policies,
        script: Script,
        recorder: Recorder | None = None,
    ) -> None:
        self._script = script
        self._begun_s = asyncio.get_running_loop().time()
        self._tape = MemoryRecorder(begun_s=self._begun_s, also=recorder)
        form = script.form
        self._ear = Ear(form.out_rate_hz)
        self._track = TwoTrack(form.in_rate_hz, form.out_rate_hz)
        self._travelling: deque[tuple[float, Callable[[], None]]] = deque()
        self._call = Call(services, form, self._send, policies, self._tape)

    async def play(self, tell: Callable[[float], None] = lambda now_s: None) -> Replayed:
        """`tell` is told from time to time how far it is."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._call.run())
            reporting = tasks.create_task(self._report())
            for at_s, event in self._script.events:
                if at_s > self._now() + 1e-9:
                    await self._until(at_s)
                    tell(at_s)
                self._push(event)
            await self._until(self._script.lasts_s)
            reporting.cancel()
            running.cancel()
        end_s = max(self._script.lasts_s, self._track.end_s)
        return Replayed(self._tape.lines, self._track.take(end_s))

    def _push(self, event: FromCaller) -> None:
        if isinstance(event, Played | Sent):
            return  # of what was sent and heard then; there is another answer now
        if isinstance(event, AudioIn):
            self._track.hear(np.frombuffer(event.pcm, "<i2"), self._now())
        self._call.push(event)

    def _send(self, item: ToCaller) -> None:
        if isinstance(item, AudioOut) and item.tell:
            self._call.push(item.sent(asyncio.get_running_loop().time()))
        if isinstance(item, AudioOut | Flush):
            self._travelling.append((self._now() + self._script.way_s, lambda: self._arrive(item)))
            if self._script.way_s:
                loop = asyncio.get_running_loop()
                loop.call_later(self._script.way_s, self._let_in)
            else:
                self._let_in()

    def _let_in(self) -> None:
        """In order, whatever the timers do."""
        while self._travelling and self._travelling[0][0] <= self._now() + 1e-9:
            self._travelling.popleft()[1]()

    def _arrive(self, item: AudioOut | Flush) -> None:
        now = self._now()
        if isinstance(item, AudioOut):
            pcm = np.frombuffer(item.pcm, "<i2")
            self._ear.add(len(pcm), now)
            self._track.say(pcm, now)
        elif self._script.form.reports_playout:
            self._track.flush(now)
            self._call.push(self._ear.flush(item.generation, now))

    async def _report(self) -> None:
        last: Played | None = None
        while self._script.form.reports_playout:
            await asyncio.sleep(REPORT_EVERY_S)
            heard = self._ear.played(self._now())
            if heard != last:
                last = heard
                self._call.push(heard)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._begun_s

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self._now()))
