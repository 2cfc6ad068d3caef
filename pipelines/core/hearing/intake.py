"""Where the caller's audio belongs on the microphone clock: jitter, stalls, gaps and silence.

Audio is placed end to end as it arrives. A stall that is shorter than `STALL_S` changes nothing:
what comes in a burst afterwards follows what came before. A longer one is filled with silence, so
that no turn can hang; what then comes late for the filled span is dropped and counted.

A client's time stamps decide one thing alone: a gap that they state is silence, if they have moved
evenly until then and as much time has passed here. No audio is lost by anything else that they do.
"""

from dataclasses import dataclass

STALL_S = 0.75
"""Twilio's advice for gaps in media; a pause in speech is over by then."""
PIECE_LATE_S = 0.5
"""How late a piece may come that is longer than what is left of `STALL_S`."""
PIECES_SHRINK = 0.9
"""For each piece, how much shorter the longest is held to be: a client may send a rest at times."""
TOLERANCE_S = 0.02
EVEN_S = 5.0
"""Audio whose time stamps fit, after some that did not, until a gap is believed again."""
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
        self._piece_s = 0.0
        self._filled = 0
        self._stamps = _Stamps(rate_hz)
        self.dropped = 0
        """Samples that came too late."""

    @property
    def media_s(self) -> float:
        return self._placed / self._rate

    def deadline(self) -> float | None:
        """When to ask `starve`, if nothing comes before."""
        return None if self._offset_s is None else self._arrived_s + self._patience_s

    def place(self, samples: int, now: float, media_s: float | None = None) -> Placement:
        """`samples` have arrived, for `media_s` on the client's clock if it says so."""
        skip, silence = self._late(samples, now), 0
        if skip:
            self._stamps.lose_track()
        elif media_s is not None:
            silence = self._stamps.gap(media_s, self._placed, samples, self._spare(samples, now))
        self.dropped += skip
        self._placed += silence + samples - skip
        self._arrive(samples, now)
        return Placement(silence, skip)

    def starve(self, now: float) -> int:
        """Samples of silence to put now, since nothing has come for too long."""
        deadline = self.deadline()
        if deadline is None or now < deadline - 1e-6 or self._offset_s is None:
            return 0
        due = max(0, round((now - self._offset_s) * self._rate) - self._placed)
        self._placed += due
        self._filled += due
        self._stamps.lose_track()
        return due

    @property
    def _patience_s(self) -> float:
        return max(STALL_S, self._piece_s + PIECE_LATE_S)

    def _late(self, samples: int, now: float) -> int:
        """How many of them, at the beginning, belong where silence was filled in."""
        if self._filled <= 0:
            return 0
        room = self._spare(0, now) + round(TOLERANCE_S * self._rate)
        if room >= samples:
            if now - self._arrived_s < self._patience_s:
                self._filled = max(0, self._filled - samples // 10)
            return 0
        late = samples - max(0, room)
        self._filled -= late
        return late

    def _spare(self, samples: int, now: float) -> int:
        """Samples for which there would have been time beside what is placed and `samples`."""
        if self._offset_s is None:
            return 0
        return round((now - self._offset_s) * self._rate) - self._placed - samples

    def _arrive(self, samples: int, now: float) -> None:
        offset_s = now - self.media_s
        elapsed_s = now - self._arrived_s if self._offset_s is not None else 0.0
        if self._offset_s is None or (offset_s < self._offset_s and self._filled == 0):
            self._offset_s = offset_s
        elif offset_s >= self._offset_s:
            self._offset_s = min(offset_s, self._offset_s + DRIFT * elapsed_s)
        self._arrived_s = now
        self._piece_s = max(samples / self._rate, self._piece_s * PIECES_SHRINK)


class _Stamps:
    """A client's time stamps, and whether they deserve belief."""

    def __init__(self, rate_hz: int) -> None:
        self._tolerance = round(TOLERANCE_S * rate_hz)
        self._rate = rate_hz
        self._shift: int | None = None
        """From the client's clock to the microphone's, in samples; None while it is not known."""
        self._needed = round(EVEN_S * rate_hz)
        self._even = self._needed

    def lose_track(self) -> None:
        """Nothing is known of the time between the last stamp and the next."""
        self._shift = None

    def gap(self, media_s: float, placed: int, samples: int, spare: int) -> int:
        """Samples of silence before `samples` that are stamped `media_s`, after `placed` ones.

        `spare`: samples for which there has been time besides.
        """
        stated = round(media_s * self._rate)
        if self._shift is None:
            self._shift = placed - stated
        gap = stated + self._shift - placed
        if abs(gap) < self._tolerance:  # rounding, which must not add up
            self._even += samples
            return 0
        is_believed = 0 < gap <= spare + self._tolerance and self._even >= self._needed
        silence = min(gap, spare) if is_believed else 0
        self._even = self._even if is_believed else 0
        self._shift = placed + silence - stated
        return silence
