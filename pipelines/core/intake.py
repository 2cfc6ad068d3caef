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
            start = round(media_s * self._rate)
            silence = min(max(0, start - self._placed), round(LONGEST_GAP_S * self._rate))
            skip = min(samples, max(0, self._placed - start))
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
        elapsed_s = now - self._arrived_s if self._offset_s is not None else 0.0
        if self._offset_s is None or (offset_s < self._offset_s and self._filled == 0):
            self._offset_s = offset_s
        elif offset_s >= self._offset_s:
            self._offset_s = min(offset_s, self._offset_s + DRIFT * elapsed_s)
        self._arrived_s = now
