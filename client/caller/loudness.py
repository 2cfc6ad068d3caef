"""What counts as audible: 10 ms windows whose RMS is above -45 dBFS."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm: TypeAlias = NDArray[np.int16]
"""Shape (n,), mono."""

WINDOW_S = 0.01
AUDIBLE_DBFS = -45.0
FULL_SCALE = 32_768.0
SILENCE_DBFS = -120.0
"""The level given to a window of exact zeros."""


def window_levels(pcm: Pcm, rate_hz: int) -> NDArray[np.float64]:
    """RMS of each 10 ms window in dBFS, shape (windows,); the last may be a shorter one."""
    if pcm.size == 0:
        return np.empty(0)
    starts = np.arange(0, pcm.size, round(WINDOW_S * rate_hz))
    sums = np.add.reduceat(np.square(pcm, dtype=np.float64), starts)
    rms = np.sqrt(sums / np.diff(starts, append=pcm.size)) / FULL_SCALE
    floor = 10 ** (SILENCE_DBFS / 20)
    return np.asarray(20 * np.log10(np.maximum(rms, floor)))


def audible_ranges(pcm: Pcm, rate_hz: int, level_dbfs: float = AUDIBLE_DBFS) -> NDArray[np.int64]:
    """Shape (n, 2): per audible window its first and last loud sample, the last exclusive.

    A loud sample is one whose own magnitude is above the level: a window that is audible as a
    whole has at least one, and it places the edge of a sound within the window.
    """
    width = round(WINDOW_S * rate_hz)
    windows = np.flatnonzero(window_levels(pcm, rate_hz) > level_dbfs)
    padded = np.zeros(-(-pcm.size // width) * width, dtype=np.int32)
    padded[: pcm.size] = np.abs(pcm.astype(np.int32))
    loud = padded.reshape(-1, width)[windows] > FULL_SCALE * 10 ** (level_dbfs / 20)
    first = windows * width + loud.argmax(axis=1)
    last = (windows + 1) * width - loud[:, ::-1].argmax(axis=1)
    return np.stack([first, last], axis=1).astype(np.int64)
