"""The definition of audible: a window of 10 ms whose RMS is at least -45 dBFS.

Every figure and every decision about where sound begins uses this one. Windows are counted from
the first sample; a last, shorter one is measured over the samples that it has.
"""

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.pcm import FULL_SCALE, Pcm

WINDOW_S = 0.01
AUDIBLE_DBFS = -45.0
SILENCE_DBFS = -120.0
"""The level given to a window of exact zeros."""


def window_powers(pcm: Pcm, rate_hz: int) -> NDArray[np.float64]:
    """Mean square of each window, 1.0 at full scale: shape (windows,)."""
    if pcm.size == 0:
        return np.empty(0)
    starts = np.arange(0, pcm.size, window_samples(rate_hz))
    sums = np.add.reduceat(np.square(pcm, dtype=np.float64), starts)
    return np.asarray(sums / np.diff(starts, append=pcm.size) / FULL_SCALE**2)


def window_levels(pcm: Pcm, rate_hz: int) -> NDArray[np.float64]:
    """RMS of each window in dBFS: shape (windows,)."""
    least = 10 ** (SILENCE_DBFS / 10)
    return np.asarray(10 * np.log10(np.maximum(window_powers(pcm, rate_hz), least)))


def audible_windows(
    powers: NDArray[np.float64], level_dbfs: float = AUDIBLE_DBFS
) -> NDArray[np.bool_]:
    """Which of the windows with these mean squares are audible: shape (windows,)."""
    return np.asarray(powers >= 10 ** (level_dbfs / 10))


def first_audible(pcm: Pcm, rate_hz: int) -> int | None:
    """Index of the first sample of the first audible window; None if there is none."""
    audible = audible_windows(window_powers(pcm, rate_hz))
    return int(audible.argmax()) * window_samples(rate_hz) if audible.any() else None


def audible_ranges(pcm: Pcm, rate_hz: int, level_dbfs: float = AUDIBLE_DBFS) -> NDArray[np.int64]:
    """Shape (n, 2): per audible window its first and last loud sample, the last exclusive.

    A loud sample is one whose own magnitude is at least the level: an audible window has one, and
    it places the edge of a sound within the window.
    """
    width = window_samples(rate_hz)
    windows = np.flatnonzero(audible_windows(window_powers(pcm, rate_hz), level_dbfs))
    padded = np.zeros(-(-pcm.size // width) * width, dtype=np.int32)
    padded[: pcm.size] = np.abs(pcm.astype(np.int32))
    loud = padded.reshape(-1, width)[windows] >= FULL_SCALE * 10 ** (level_dbfs / 20)
    first = windows * width + loud.argmax(axis=1)
    last = (windows + 1) * width - loud[:, ::-1].argmax(axis=1)
    return np.stack([first, last], axis=1).astype(np.int64)


def window_samples(rate_hz: int) -> int:
    return round(WINDOW_S * rate_hz)
