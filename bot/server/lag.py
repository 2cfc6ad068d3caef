"""The event loop's lag: how late it comes to its work, and where it stood meanwhile.

A loop that is held cannot look at itself: a thread looks from outside. What it sees are places in
the code, never values.
"""

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import structlog

TICK_S = 0.02
"""How often the loop is to come by."""
HELD_S = 0.05
"""The most that anything may hold it."""
STUCK_S = 2.0
"""After which it is said while it is still held."""
LOG_EVERY_S = 5.0
"""Between two lines; what comes meanwhile is counted."""
_PLACES = 4
"""Frames of a place, the innermost first."""
_ROOT = Path(__file__).parents[2]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hold:
    """One time in which the loop did not come by."""

    late_s: float
    worked_s: float
    """CPU time of the loop's thread: little where the machine was busy with others, or stood."""
    place: str
    """The place at which it stood most of the time; empty where nobody has seen it."""
    unsaid: int = 0
    """As many before it were not told of."""


@dataclass(slots=True)
class Lag:
    """Seconds (`now`) are monotonic. `came` is called by the loop, `look` by the thread."""

    _due_s: float = 0.0
    _worked_s: float = 0.0
    _said_s: float = -LOG_EVERY_S
    _unsaid: int = 0
    _said_stuck: bool = False
    _seen: Counter[str] = field(default_factory=Counter)

    def wait(self, now: float, worked_s: float) -> None:
        """The loop goes to its work, and should be back after `TICK_S`."""
        self._worked_s, self._due_s = worked_s, now + TICK_S

    def came(self, now: float, worked_s: float) -> tuple[float, Hold | None]:
        """How late it is, and what is to be told of it."""
        late_s, seen = max(0.0, now - self._due_s), self._seen
        if late_s < HELD_S:
            if seen:
                self._seen = Counter()
            return late_s, None
        self._seen, self._said_stuck = Counter(), False
        if now - self._said_s < LOG_EVERY_S:
            self._unsaid += 1
            return late_s, None
        place = seen.most_common(1)[0][0] if seen else ""
        hold = Hold(late_s, worked_s - self._worked_s, place, self._unsaid)
        self._said_s, self._unsaid = now, 0
        return late_s, hold

    def look(self, now: float, place: Callable[[], str]) -> Hold | None:
        """`place` is asked where the loop stands if it is late; the hold, if it is stuck."""
        late_s = now - self._due_s
        if not self._due_s or late_s < HELD_S:
            return None
        self._seen[here := place()] += 1
        if late_s < STUCK_S or self._said_stuck:
            return None
        self._said_stuck = True
        return Hold(late_s, 0.0, here)


def place_of(frame: FrameType | None) -> str:
    """Files, lines and names, the innermost first: its own, and then those of ours around it."""
    places: list[str] = []
    while frame is not None and len(places) < _PLACES:
        path = Path(frame.f_code.co_filename)
        is_ours = path.is_relative_to(_ROOT) and "site-packages" not in path.parts
        if is_ours or not places:
            name = path.relative_to(_ROOT) if is_ours else path.name
            places.append(f"{name}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(places)


@asynccontextmanager
async def watched(observe: Callable[[float], None]) -> AsyncIterator[None]:
    """Measures the running loop; `observe` is told of each tick how late it was, in seconds."""
    lag, over = Lag(), threading.Event()
    looking = threading.Thread(
        target=_look, args=(lag, over, threading.get_ident()), name="lag", daemon=True
    )
    looking.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(_tick(lag, observe))
            yield
            ticking.cancel()
    finally:
        over.set()
        looking.join()


async def _tick(lag: Lag, observe: Callable[[float], None]) -> None:
    while True:
        lag.wait(time.monotonic(), time.thread_time())
        await asyncio.sleep(TICK_S)
        late_s, hold = lag.came(time.monotonic(), time.thread_time())
        observe(late_s)
        if hold is not None:
            # Where it worked little, the machine or another thread had no time for it.
            was_held = hold.worked_s >= hold.late_s / 2
            _log.warning(
                "the event loop was held" if was_held else "the event loop was kept waiting",
                **_told(hold),
            )


def _look(lag: Lag, over: threading.Event, thread: int) -> None:
    while not over.wait(TICK_S):
        hold = lag.look(time.monotonic(), lambda: place_of(sys._current_frames().get(thread)))
        if hold is not None:
            _log.error("the event loop is held", **_told(hold))


def _told(hold: Hold) -> dict[str, object]:
    return {
        "late_s": round(hold.late_s, 3),
        "worked_s": round(hold.worked_s, 3),
        "place": hold.place,
        "unsaid": hold.unsaid,
    }
