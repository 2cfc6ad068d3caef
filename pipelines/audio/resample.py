"""One soxr stream per direction per call."""

import numpy as np
import soxr
from numpy.typing import NDArray


class Resampler:
    """Streaming, int16 in and out; a pass-through where the rates are equal."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = (
            None
            if from_hz == to_hz
            else soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="HQ")
        )

    def feed(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Shape (n,) at the one rate to shape (m,) at the other: m follows n with a small delay."""
        return pcm if self._stream is None else self._chunk(pcm, last=False)

    def flush(self) -> NDArray[np.int16]:
        """What is left in it at the end; feed nothing after this."""
        empty = np.zeros(0, np.int16)
        return empty if self._stream is None else self._chunk(empty, last=True)

    def _chunk(self, pcm: NDArray[np.int16], *, last: bool) -> NDArray[np.int16]:
        assert self._stream is not None
        out: NDArray[np.int16] = self._stream.resample_chunk(pcm, last=last)
        return out
