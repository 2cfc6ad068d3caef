"""One stream per direction per call.

Where one rate is a multiple of the other (a telephone's 8 kHz to the ears' 16) it is a filter of
our own, 3 ms behind. soxr hands out what it has in pieces of 100 ms at these rates: too late for
somebody who talks, and no matter for a voice that is made faster than it is spoken.
"""

import numpy as np
import soxr
from numpy.typing import NDArray

TAPS = 48
"""Length of the filter, in samples at the lower rate: half of them are the delay."""

PASSES = 0.975
"""The middle of the filter's edge, as a share of half the lower rate: flat to 3.4 kHz at 8 kHz."""

BETA = 8.0
"""Kaiser's: about 80 dB beyond the edge."""


class Resampler:
    """Streaming, int16 in and out; a pass-through where the rates are equal."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream: _Up | _Down | _Soxr | None = None
        if from_hz == to_hz:
            return
        if to_hz % from_hz == 0:
            self._stream = _Up(to_hz // from_hz)
        elif from_hz % to_hz == 0:
            self._stream = _Down(from_hz // to_hz)
        else:
            self._stream = _Soxr(from_hz, to_hz)

    def feed(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Shape (n,) at the one rate to shape (m,) at the other: m follows n with a small delay."""
        return pcm if self._stream is None else self._stream.feed(pcm)

    def flush(self) -> NDArray[np.int16]:
        """The rest at the end; feed nothing after this."""
        return np.zeros(0, np.int16) if self._stream is None else self._stream.flush()


class _Soxr:
    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="HQ")

    def feed(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        out: NDArray[np.int16] = self._stream.resample_chunk(pcm)
        return out

    def flush(self) -> NDArray[np.int16]:
        out: NDArray[np.int16] = self._stream.resample_chunk(np.zeros(0, np.int16), last=True)
        return out


class _Up:
    """To `factor` times the rate: a filter for each of the samples that one becomes."""

    def __init__(self, factor: int) -> None:
        padded = np.zeros((TAPS + 1) * factor, np.float32)
        padded[: TAPS * factor + 1] = _filter(factor) * factor
        self._filters = padded.reshape(TAPS + 1, factor).T
        self._ahead = np.zeros(TAPS // 2, np.float32)

    def feed(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        known = np.concatenate([self._ahead, pcm])
        if len(known) <= TAPS:
            self._ahead = known
            return np.zeros(0, np.int16)
        self._ahead = known[-TAPS:]
        out = [np.convolve(known, one, "valid") for one in self._filters]
        return _whole(np.stack(out, axis=1).ravel())

    def flush(self) -> NDArray[np.int16]:
        return self.feed(np.zeros(TAPS // 2, np.int16))


class _Down:
    """To a `factor`-th of the rate: every so manieth sample of what the filter lets through."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        self._filter = _filter(factor)
        self._ahead = np.zeros(TAPS * factor // 2, np.float32)
        self._skip = 0

    def feed(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        known = np.concatenate([self._ahead, pcm])
        reach = TAPS * self._factor
        if len(known) <= reach:
            self._ahead = known
            return np.zeros(0, np.int16)
        self._ahead = known[-reach:]
        passed = np.convolve(known, self._filter, "valid")
        out = passed[self._skip :: self._factor]
        self._skip = (self._skip - len(passed)) % self._factor
        return _whole(out)

    def flush(self) -> NDArray[np.int16]:
        return self.feed(np.zeros(TAPS * self._factor // 2, np.int16))


def _filter(factor: int) -> NDArray[np.float32]:
    """At the higher rate, shape (TAPS * factor + 1,): a windowed sinc of sum 1."""
    reach = TAPS * factor // 2
    at = np.arange(-reach, reach + 1) * (PASSES / factor)
    windowed = np.sinc(at) * np.kaiser(2 * reach + 1, BETA)
    found: NDArray[np.float32] = (windowed / windowed.sum()).astype(np.float32)
    return found


def _whole(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
