"""How long the threads of this process waited for a processor core: what other programs cost us."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_THREADS = Path("/proc/self/task")
EVERY_S = 0.02
"""Reading takes about 20 µs a thread."""


def waited_s() -> float | None:
    """So far, of all threads together; None where the kernel does not tell (Linux does)."""
    total_ns = 0
    try:
        for thread in _THREADS.iterdir():
            total_ns += int((thread / "schedstat").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return total_ns / 1e9


@dataclass(slots=True)
class Waits:
    """The waits of one play in real time."""

    begun_s: float
    """The loop's clock at its beginning."""
    _moments: list[float] = field(default_factory=list)
    _totals: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Until cancelled."""
        while (total_s := waited_s()) is not None:
            self.note(asyncio.get_running_loop().time() - self.begun_s, total_s)
            await asyncio.sleep(EVERY_S)

    def note(self, at_s: float, total_s: float) -> None:
        self._moments.append(at_s)
        self._totals.append(total_s)

    def between(self, start_s: float, end_s: float) -> float | None:
        """How long they waited then; None where that is not known."""
        if not self._moments:
            return None
        before, after = np.interp([start_s, end_s], self._moments, self._totals)
        return float(after - before)
