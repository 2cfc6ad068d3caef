"""The levels of the last seconds of a microphone, to find the quietest place in them."""

from collections import deque

KEEP_S = 40.0
WINDOW_S = 0.06
"""The length that has to be quiet: the closure of a stop is shorter, a breath longer."""


class Levels:
    """Fed in order, a level every 10 ms or so."""

    def __init__(self) -> None:
        self._levels: deque[tuple[float, float]] = deque()

    def add(self, dbfs: float, media_s: float) -> None:
        """`dbfs` of the sound that ends at `media_s`."""
        self._levels.append((media_s, dbfs))
        while self._levels[0][0] < media_s - KEEP_S:
            self._levels.popleft()

    def quietest_s(self, start_s: float, end_s: float) -> float:
        """The middle of the quietest `WINDOW_S` between two media times, or the last of them."""
        known = [(at, 10 ** (dbfs / 10)) for at, dbfs in self._levels if start_s < at <= end_s]
        best_s, least = end_s, float("inf")
        first, power = 0, 0.0
        for at, one in known:
            power += one
            while known[first][0] <= at - WINDOW_S + 1e-6:
                power -= known[first][1]
                first += 1
            if at - start_s >= WINDOW_S and power < least:
                best_s, least = at - WINDOW_S / 2, power
        return best_s
