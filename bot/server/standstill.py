"""An event loop whose time stands still while the process does.

A laptop that sleeps, a machine that is paused, a request that holds the loop: whatever waits for
its time meanwhile (silence, a ping, an idle client, a client that is never ready, a sentence that
is being played) would find all of it gone at once, and end calls that are well. So a turn of the
loop counts as `TURN_S` at most, however long it took, and so does a rest that ended too late.

Times of the loop (`now`, monotonic seconds) are for deadlines and the ledger. Whoever measures the
standstill itself, or what came in during it, takes the time of `time.monotonic`.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import TypeAlias

TURN_S = 0.25
"""Seconds that one turn may take: a third of the stall that is filled with silence."""


class PatientClock:
    """Monotonic seconds, without those in which nothing moved."""

    def __init__(self, now: float) -> None:
        self._stood_s = 0.0
        self._most = now + TURN_S
        """How far the time may come until the next rest, or the next turn, begins."""

    @property
    def stood_still_s(self) -> float:
        """Seconds that were left out so far."""
        return self._stood_s

    def read(self, now: float) -> float:
        return min(now - self._stood_s, self._most)

    def rest(self, now: float, timeout_s: float | None) -> None:
        """The loop has nothing to do for so long; None until something comes."""
        self._catch_up(now)
        self._most = float("inf") if timeout_s is None else self.read(now) + timeout_s + TURN_S

    def turn(self, now: float) -> None:
        """The loop goes on."""
        self._catch_up(now)
        self._most = now - self._stood_s + TURN_S

    def _catch_up(self, now: float) -> None:
        self._stood_s = max(self._stood_s, now - self._most)


Monotonic: TypeAlias = Callable[[], float]


class _WatchedSelector(selectors.DefaultSelector):
    def __init__(self, clock: PatientClock, monotonic: Monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._monotonic = monotonic

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._clock.rest(self._monotonic(), timeout)
        try:
            return super().select(timeout)
        finally:
            self._clock.turn(self._monotonic())


class PatientLoop(asyncio.SelectorEventLoop):
    def __init__(self, monotonic: Monotonic = time.monotonic) -> None:
        self.clock = PatientClock(monotonic())
        self._monotonic = monotonic
        super().__init__(_WatchedSelector(self.clock, monotonic))

    def time(self) -> float:
        return self.clock.read(self._monotonic())
