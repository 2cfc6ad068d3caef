"""Mu-law, as ITU-T G.711 has it: 16 bit samples to bytes and back, by table.

Of a sample's 16 bits the standard codes the upper 14, with a bias of 33: in steps that double
from one segment to the next.
"""

import numpy as np
from numpy.typing import NDArray

SILENCE = 0xFF
"""The code of the sample 0."""

_BIAS = 33
_CLIP = 8158
"""Louder samples have the last segment's last code."""


def _decoded() -> NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    segment, step = code >> 4 & 0x07, code & 0x0F
    magnitude = ((2 * step + _BIAS) << segment) - _BIAS
    return (4 * np.where(code & 0x80, -magnitude, magnitude)).astype(np.int16)


def _encoded() -> NDArray[np.uint8]:
    """By the sample's 16 bits, read as an unsigned number."""
    sample = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int64) >> 2
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 5
    code = segment << 4 | magnitude >> segment + 1 & 0x0F
    coded: NDArray[np.int64] = ~np.where(sample < 0, code | 0x80, code) & 0xFF
    return coded.astype(np.uint8)


_DECODED = _decoded()
_ENCODED = _encoded()


def decode(coded: bytes) -> NDArray[np.int16]:
    """Samples of n bytes, shape (n,)."""
    return _DECODED[np.frombuffer(coded, np.uint8)]


def encode(pcm: NDArray[np.int16]) -> bytes:
    """Shape (n,) to n bytes."""
    return _ENCODED[pcm.view(np.uint16)].tobytes()
