"""The place of the caller's audio on the microphone clock: jitter, stalls, gaps and silence.

Audio is placed end to end as it arrives, and none of it is lost. A stall that is shorter than the
call's limit (`CallFormat.stall_s`) changes nothing: what comes in a burst afterwards follows what
came before. A longer one is filled with silence, so that no turn can hang; what comes then follows
the silence.

A client's time stamps decide one thing alone: a gap that they state is silence, if they have moved
evenly until then and as much time has passed here.
"""

STALL_S = 0.75
"""Twilio's advice for gaps in media; a pause in speech is over by then."""
PIECE_LATE_S = 0.5
"""How late a piece may come that is longer than what is left of the longest stall."""
PIECES_SHRINK = 0.9
"""For each piece, how much shorter the longest is held to be: a client may send a rest at times."""
TOLERANCE_S = 0.02
EVEN_S = 5.0
"""Audio whose time stamps fit, after some that did not, until a gap is believed again."""
DRIFT = 0.001
"""How much a client's clock may run ahead of ours: 1,000 ppm."""


class Intake:
    def __init__(self, rate_hz: int, stall_s: float = STALL_S) -> None:
        """`stall_s`: the longest stall that is waited out."""
        self._rate = rate_hz
        self._stall_s = stall_s
        self._placed = 0
        self._offset_s: float | None = None
        self._arrived_s = 0.0
        self._piece_s = 0.0
        self._stamps = _Stamps(rate_hz)

    @property
    def media_s(self) -> float:
        return self._placed / self._rate

    def deadline(self) -> float | None:
        """When to ask `starve`, if nothing comes before."""
        return None if self._offset_s is None else self._arrived_s + self._patience_s

    def place(self, samples: int, now: float, media_s: float | None = None) -> int:
        """`samples` have arrived, for `media_s` on the client's clock if it says so.

        Returns the samples of silence to put before them.
        """
        silence = 0
        if media_s is not None:
            silence = self._stamps.gap(media_s, self._placed, samples, self._spare(samples, now))
        self._placed += silence + samples
        self._arrive(samples, now)
        return silence

    def starve(self, now: float) -> int:
        """Samples of silence to put now, since nothing has come for too long."""
        deadline = self.deadline()
        if deadline is None or now < deadline - 1e-6 or self._offset_s is None:
            return 0
        due = max(0, round((now - self._offset_s) * self._rate) - self._placed)
        self._placed += due
        self._stamps.lose_track()
        return due

    @property
    def _patience_s(self) -> float:
        return max(self._stall_s, self._piece_s + PIECE_LATE_S)

    def _spare(self, samples: int, now: float) -> int:
        """Samples for which there would have been time beside what is placed and `samples`."""
        if self._offset_s is None:
            return 0
        return round((now - self._offset_s) * self._rate) - self._placed - samples

    def _arrive(self, samples: int, now: float) -> None:
        offset_s = now - self.media_s
        elapsed_s = now - self._arrived_s if self._offset_s is not None else 0.0
        if self._offset_s is None or offset_s < self._offset_s:
            self._offset_s = offset_s
        else:
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
