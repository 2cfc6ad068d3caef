"""16 bit samples and floats."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm: TypeAlias = NDArray[np.int16]
"""Shape (n,), mono."""

FULL_SCALE = 32_768.0
"""The magnitude of a sample at 0 dBFS."""


def to_float(pcm: Pcm) -> NDArray[np.float32]:
    """Shape (n,) to shape (n,), in [-1, 1)."""
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


def to_int16(samples: NDArray[np.float32]) -> Pcm:
    """Shape (n,) to shape (n,); what is outside [-1, 1] is clipped."""
    scaled: NDArray[np.float32] = np.rint(samples * np.float32(FULL_SCALE))
    return np.clip(scaled, -32768, 32767).astype(np.int16)
