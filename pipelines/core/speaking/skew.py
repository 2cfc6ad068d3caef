"""A listener's clock runs a little faster or slower than ours: told from what it says it played.

Reports come late by the way that they take, which varies; the quickest of each few seconds does
so least. The lateness of that one grows or shrinks with the clocks alone.
"""

WINDOW_S = 2.0
MOST = 0.001
"""The largest error of a clock: 1,000 ppm. A faster change is the way's, and no clock's."""


class Skew:
    """The skew of one stretch of sound without a pause."""

    def __init__(self) -> None:
        self._usual_s: float | None = None
        self._least_s: float | None = None
        self._until_s = 0.0

    def correction_s(self, lag_s: float, now: float) -> float:
        """The listener was `lag_s` behind where our clock has it. Returns by how much to set our
        clock back (or, negative, forward) now, so that the lag stays what it was.
        """
        if self._least_s is None:
            self._least_s, self._until_s = lag_s, now + WINDOW_S
        self._least_s = min(self._least_s, lag_s)
        if now < self._until_s:
            return 0.0
        least_s, self._least_s = self._least_s, None
        if self._usual_s is None:
            self._usual_s = least_s
        most_s = MOST * WINDOW_S
        return max(-most_s, min(most_s, least_s - self._usual_s))
