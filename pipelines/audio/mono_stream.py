"""Sound of any rate and number of channels, as one stream of mono at one rate."""

import numpy as np

from pipelines.audio.pcm import Pcm
from pipelines.audio.resample import Resampler


class MonoStream:
    def __init__(self, to_hz: int) -> None:
        self._to_hz = self._from_hz = to_hz
        self._resampler = Resampler(to_hz, to_hz)

    def feed(self, sound: bytes, rate_hz: int, channels: int) -> Pcm:
        """`sound` is 16 bit little endian, its channels interleaved; half a sample is dropped.

        Shape (n,), a small delay behind. Another rate than before begins a stream of its own.
        """
        if rate_hz != self._from_hz:
            self._from_hz, self._resampler = rate_hz, Resampler(rate_hz, self._to_hz)
        whole = len(sound) - len(sound) % (2 * channels)
        pcm = np.frombuffer(sound[:whole], "<i2")
        if channels > 1:
            pcm = pcm.reshape(-1, channels).mean(axis=1).astype("<i2")
        return self._resampler.feed(pcm)

    def flush(self) -> Pcm:
        """The rest at the end; a new stream begins after it."""
        rest = self._resampler.flush()
        self._resampler = Resampler(self._from_hz, self._to_hz)
        return rest
