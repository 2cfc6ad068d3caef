"""16 bit samples and floats, and where sound begins to be heard."""

import numpy as np
from numpy.typing import NDArray

AUDIBLE_DBFS = -45.0
WINDOW_S = 0.01
"""Audible is a window of 10 ms whose RMS is at least -45 dBFS, here as in every figure."""


def to_float(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """Shape (n,) to shape (n,), in [-1, 1)."""
    return pcm.astype(np.float32) / np.float32(32768.0)


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Shape (n,) to shape (n,); what is outside [-1, 1] is clipped."""
    scaled: NDArray[np.float32] = np.rint(samples * np.float32(32768.0))
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def audible_from(pcm: NDArray[np.int16], rate_hz: int) -> int | None:
    """Index at which the first audible whole window begins, counted from the first sample."""
    window = round(rate_hz * WINDOW_S)
    windows = to_float(pcm[: len(pcm) // window * window]).reshape(-1, window)
    loud = np.mean(np.square(windows), axis=1) >= 10 ** (AUDIBLE_DBFS / 10)
    return int(loud.argmax()) * window if loud.any() else None
