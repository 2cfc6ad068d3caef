"""One loudness for every voice, without waiting for the end of what it says.

The level of speech is measured where it is audible (as ITU-T P.56 does, roughly), over what a
voice has said before; the gain for the next utterance follows from it, and changes slowly.
"""

import math

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.audible import WINDOW_S, audible_windows, window_powers, window_samples
from pipelines.audio.pcm import to_float, to_int16

SPEECH_DBFS = -20.0
"""RMS of audible speech after it. espeak-ng's own is -20.3, so it is left as it is."""
MOST_DB = 20.0
"""A gain of more would bring up noise."""
MEMORY_S = 10.0
"""Seconds after which speech counts a third."""
UNHEARD = 0.06
"""Half a decibel: not worth the work."""
CEILING = 0.9
"""Beyond it, a peak is bent instead of cut off."""


class Loudness:
    """The loudness of one voice, for all its calls."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._window = window_samples(rate_hz)
        self._power = 0.0
        self._heard_s = 0.0

    @property
    def measured(self) -> bool:
        """Something audible has been."""
        return self._heard_s > 0

    @property
    def gain(self) -> float:
        """As a factor; 1 until something has been measured."""
        if not self.measured:
            return 1.0
        gain_db = SPEECH_DBFS - 10 * math.log10(self._power)
        return float(10 ** (min(max(gain_db, -MOST_DB), MOST_DB) / 20))

    def measure(self, pcm: NDArray[np.int16]) -> None:
        """One utterance as the voice made it: shape (n,)."""
        powers = window_powers(pcm[: len(pcm) // self._window * self._window], self._rate_hz)
        audible = powers[audible_windows(powers)]
        if not len(audible):
            return
        length_s = len(audible) * WINDOW_S
        weight = length_s / min(self._heard_s + length_s, MEMORY_S)
        self._power += min(weight, 1.0) * (float(audible.mean()) - self._power)
        self._heard_s += length_s


def amplified(pcm: NDArray[np.int16], gain: float) -> NDArray[np.int16]:
    """Shape (n,) to shape (n,); what would be above `CEILING` is bent, and nothing clips."""
    if abs(gain - 1.0) < UNHEARD:
        return pcm
    loud = to_float(pcm) * np.float32(gain)
    over = np.abs(loud) - CEILING
    if not (over > 0).any():
        return to_int16(loud)
    bent = np.sign(loud) * (CEILING + (1 - CEILING) * np.tanh(over / (1 - CEILING)))
    return to_int16(np.where(over > 0, bent, loud).astype(np.float32))
