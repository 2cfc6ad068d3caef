"""Both sides of a call on one sample clock: the server's, whatever the client's clock does."""

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.resample import Resampler

Pcm = NDArray[np.int16]

SLACK_S = 0.015
"""How far the caller's sound may be from its place on the clock: nobody hears that."""
STALL_S = 0.22
"""Sound that has not come for so long is not waited for: its place stays silent."""
JUDGED_S = 2.0
"""A caller whose sound came late for so long, all of it, has a slow clock."""
SPURT_S = 0.04
"""After so long a silence the bot's voice begins anew, where it was sent."""
KEEP_S = 0.25
"""The stretch that may still change: a stall, or a lead that is flushed."""


class TwoTrack:
    """Lay sound in with the time at which it came or went; `take` what will not change any more.

    The caller is on channel 0, sample by sample as it came; the bot on channel 1, as it was sent,
    resampled to the caller's rate. All times are seconds from the first sample.
    """

    def __init__(self, rate_hz: int, bot_rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._bot_rate_hz = bot_rate_hz
        self._resampler = Resampler(bot_rate_hz, rate_hz)
        self._sound = np.zeros((rate_hz, 2), np.int16)
        self._base = 0
        self._caller_end = 0
        self._bot_end = 0
        self._came_s: float | None = None
        self._judged_s = 0.0
        self._least_lag = 0

    @property
    def end_s(self) -> float:
        return max(self._caller_end, self._bot_end) / self.rate_hz

    def hear(self, pcm: Pcm, at_s: float) -> int | None:
        """The caller's sound, whose last sample came at `at_s`.

        Returns its first sample's place; None where other sound has that place, and this is
        nowhere: it came after its silence had been written, or the client's clock is fast.
        """
        now, size = round(at_s * self.rate_hz), len(pcm)
        stalled = self._came_s is None or at_s - self._came_s > STALL_S
        start = max(self._caller_end, now - size) if stalled else self._caller_end
        lag = now - start - size
        if stalled:
            self._judge(at_s, lag)
        self._least_lag = min(self._least_lag, lag)
        if at_s - self._judged_s >= JUDGED_S:
            if self._least_lag > SLACK_S / 2 * self.rate_hz:
                start += self._least_lag
            self._judge(at_s, now - start - size)
        self._came_s = at_s
        if lag < -SLACK_S * self.rate_hz:
            return None
        self._lay(0, start, pcm)
        self._caller_end = start + size
        return start

    def say(self, pcm: Pcm, at_s: float) -> None:
        """The bot's voice, sent at `at_s`: it follows what was sent before, or begins then."""
        now = round(at_s * self.rate_hz)
        if now > self._bot_end + SPURT_S * self.rate_hz:
            self._begin_spurt(now)
        sound = self._resampler.feed(pcm)
        self._lay(1, self._bot_end, sound)
        self._bot_end += len(sound)

    def flush(self, at_s: float) -> None:
        """The bot's audio after `at_s` will not be heard."""
        now = round(at_s * self.rate_hz)
        if now < self._bot_end:
            self._sound[max(0, now - self._base) :, 1] = 0
            self._begin_spurt(max(now, self._base))

    def take(self, upto_s: float) -> Pcm:
        """Shape (n, 2): from the last sample taken to `upto_s`; it cannot be changed any more."""
        size = max(0, round(upto_s * self.rate_hz) - self._base)
        self._reach(self._base + size)
        taken, self._sound = self._sound[:size], self._sound[size:]
        self._base += size
        self._caller_end = max(self._caller_end, self._base)
        self._bot_end = max(self._bot_end, self._base)
        return taken

    def _judge(self, at_s: float, lag: int) -> None:
        self._judged_s, self._least_lag = at_s, lag

    def _begin_spurt(self, now: int) -> None:
        self._bot_end = now
        self._resampler = Resampler(self._bot_rate_hz, self.rate_hz)

    def _lay(self, channel: int, start: int, pcm: Pcm) -> None:
        self._reach(start + len(pcm))
        at = start - self._base
        self._sound[at : at + len(pcm), channel] = pcm

    def _reach(self, end: int) -> None:
        short = end - self._base - len(self._sound)
        if short > 0:
            more = np.zeros((max(short + self.rate_hz, len(self._sound) // 2), 2), np.int16)
            self._sound = np.concatenate((self._sound, more))
