"""The last seconds of a call's microphone, addressed by media time."""

import numpy as np
from numpy.typing import NDArray


class Tape:
    """A ring of int16 samples: what is older than `keep_s` is gone."""

    def __init__(self, rate_hz: int, keep_s: float) -> None:
        self._rate = rate_hz
        self._ring = np.zeros(round(rate_hz * keep_s), np.int16)
        self._end = 0

    @property
    def start_s(self) -> float:
        """The position of the oldest sample that is still there."""
        return max(0, self._end - len(self._ring)) / self._rate

    @property
    def end_s(self) -> float:
        return self._end / self._rate

    def append(self, samples: NDArray[np.float32]) -> None:
        """`samples`: shape (n,), in [-1, 1]."""
        pcm = np.clip(samples * 32768.0, -32768, 32767).astype(np.int16)[-len(self._ring) :]
        at = (self._end + len(samples) - len(pcm)) % len(self._ring)
        first = min(len(pcm), len(self._ring) - at)
        self._ring[at : at + first] = pcm[:first]
        self._ring[: len(pcm) - first] = pcm[first:]
        self._end += len(samples)

    def between(self, start_s: float, end_s: float) -> NDArray[np.float32]:
        """The samples between two media times, as far as they are still there: shape (n,)."""
        oldest = round(self.start_s * self._rate)
        start = min(max(round(start_s * self._rate), oldest), self._end)
        end = min(max(round(end_s * self._rate), start), self._end)
        size = len(self._ring)
        at, n = start % size, end - start
        first = min(n, size - at)
        out = np.empty(n, np.float32)
        np.divide(self._ring[at : at + first], 32768.0, out=out[:first], dtype=np.float32)
        np.divide(self._ring[: n - first], 32768.0, out=out[first:], dtype=np.float32)
        return out
