"""Where the caller's audio belongs on the microphone clock: jitter, stalls, gaps and silence.

A stall shorter than `STALL_S` changes nothing: what comes in a burst afterwards is placed end to
end. A longer one is filled with silence, so that no turn can hang; what then comes late for the
filled span is dropped and counted.
"""

from dataclasses import dataclass

STALL_S = 0.75
"""Twilio's advice for gaps in media; a pause in speech is over by then."""
TOLERANCE_S = 0.02
LONGEST_GAP_S = 5.0
DRIFT = 0.001
"""How much a client's clock may run ahead of ours: 1,000 ppm."""


@dataclass(frozen=True, slots=True)
class Placement:
    silence: int
    """Samples of silence to put before it."""
    skip: int
    """Samples at its beginning to leave out."""


class Intake:
    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._placed = 0
        self._offset_s: float | None = None
        self._arrived_s = 0.0
        self._filled = 0
        self._earliest_s: float | None = None
        self._shift = 0
        self._stated_s = 0.0
        self.dropped = 0
        """Samples that came too late."""

    @property
    def media_s(self) -> float:
        return self._placed / self._rate

    def deadline(self) -> float | None:
        """When to ask `starve`, if nothing comes before."""
        return None if self._offset_s is None else self._arrived_s + STALL_S

    def place(self, samples: int, now: float, media_s: float | None = None) -> Placement:
        """`samples` have arrived, for `media_s` on the client's clock if it says so."""
        silence, skip = 0, 0
        if media_s is not None:
            silence, skip = self._fit(samples, now, media_s)
        elif self._filled > 0 and self._offset_s is not None:
            room_s = now - self._offset_s - self.media_s + TOLERANCE_S
            if room_s * self._rate < samples:
                skip = samples
                self._filled -= samples
            elif now - self._arrived_s < STALL_S:
                self._filled = max(0, self._filled - samples // 10)
        self.dropped += skip
        self._placed += silence + samples - skip
        self._arrive(now)
        return Placement(silence, skip)

    def _fit(self, samples: int, now: float, media_s: float) -> tuple[int, int]:
        """By the client's clock, which may count roughly, leap or begin anew, but not outrun ours:
        silence before, and samples to leave out.
        """
        start = round(media_s * self._rate) + self._shift
        if media_s < self._stated_s - LONGEST_GAP_S:
            self._shift += self._placed - start
            start = self._placed
        self._stated_s = media_s
        gap = start - self._placed
        if abs(gap) < round(TOLERANCE_S * self._rate):
            return 0, 0
        if gap < 0:
            return 0, min(samples, -gap)
        passed_s = LONGEST_GAP_S
        if self._earliest_s is not None:
            passed_s = now - self._earliest_s - self.media_s - samples / self._rate
        silence = min(gap, round(max(0.0, min(passed_s, LONGEST_GAP_S)) * self._rate))
        self._shift -= gap - silence
        return silence, 0

    def starve(self, now: float) -> int:
        """Samples of silence to put now, since nothing has come for too long."""
        deadline = self.deadline()
        if deadline is None or now < deadline - 1e-6 or self._offset_s is None:
            return 0
        due = max(0, round((now - self._offset_s) * self._rate) - self._placed)
        self._placed += due
        self._filled += due
        return due

    def _arrive(self, now: float) -> None:
        offset_s = now - self.media_s
        if self._earliest_s is None or offset_s < self._earliest_s:
            self._earliest_s = offset_s
        elapsed_s = now - self._arrived_s if self._offset_s is not None else 0.0
        if self._offset_s is None or (offset_s < self._offset_s and self._filled == 0):
            self._offset_s = offset_s
        elif offset_s >= self._offset_s:
            self._offset_s = min(offset_s, self._offset_s + DRIFT * elapsed_s)
        self._arrived_s = now
