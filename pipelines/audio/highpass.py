"""Takes away what lies under every voice: rumble, mains hum, the offset of a cheap sound card."""

import math

import numpy as np
from numpy.typing import NDArray

CUT_OFF_HZ = 80.0
"""Under the lowest voices, over the mains: 16 dB less of 50 Hz."""
SHARPNESS = (0.5412, 1.3066)
"""Q of the two sections of a Butterworth filter of the fourth order: 24 dB an octave."""

STILL = 1e-9
"""A state that changes no sample of 16 bits."""


class HighPass:
    """For blocks of one length.

    The recursion within a block is written out as matrices, made once: what the block itself gives,
    and what the state that the block before it left behind gives.
    """

    def __init__(self, rate_hz: int, block: int, cut_off_hz: float = CUT_OFF_HZ) -> None:
        b, a = _butterworth(cut_off_hz / rate_hz)
        order = len(a) - 1
        step = np.column_stack((-a[1:], np.eye(order)[:, :-1]))  # direct form II, transposed
        drive = b[1:] - a[1:] * b[0]
        powers = [np.eye(order)]
        for _ in range(block):
            powers.append(step @ powers[-1])
        impulse = np.array([b[0], *((powers[n] @ drive)[0] for n in range(block - 1))])
        lags = np.subtract.outer(np.arange(block), np.arange(block))
        of_block = np.where(lags >= 0, impulse[np.maximum(lags, 0)], 0.0)
        of_state = np.array([powers[n][0] for n in range(block)])
        state_of_block = np.column_stack([powers[block - 1 - n] @ drive for n in range(block)])
        self._of_both = np.block([[of_block, of_state], [state_of_block, powers[block]]])
        self._block = block
        self._both = np.zeros(block + order)
        """A block, and the state before it."""

    @property
    def is_still(self) -> bool:
        """Nothing of what came before is left in it: of silence it makes silence."""
        return float(np.abs(self._both[self._block :]).max()) < STILL

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (block,) in and out."""
        self._both[: self._block] = samples
        passed = self._of_both @ self._both
        self._both[self._block :] = passed[self._block :]
        return passed[: self._block].astype(np.float32)


def _butterworth(frequency: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numerator and denominator, by the bilinear transform; `frequency` in cycles a sample."""
    warped = math.tan(math.pi * frequency)
    b, a = np.ones(1), np.ones(1)
    for q in SHARPNESS:
        scale = 1.0 / (1.0 + warped / q + warped * warped)
        b = np.convolve(b, [scale, -2.0 * scale, scale])
        middle = 2.0 * (warped * warped - 1.0) * scale
        a = np.convolve(a, [1.0, middle, (1.0 - warped / q + warped * warped) * scale])
    return b, a
