"""Voice activity by Silero v6: the ONNX file that pipecat-ai ships, once for all calls.

The graph takes a state of shape (2, 1, 128) and, before the chunk, the last 64 samples of the
chunk before it.
"""

import numpy as np

from pipelines.services.onnx import OnnxModel, packaged_file
from pipelines.services.protocols import EAR_RATE_HZ, VAD_CHUNK, Samples, ServiceError

CONTEXT = 64
RESET_AFTER_CHUNKS = 2 * EAR_RATE_HZ // VAD_CHUNK
RESET_BELOW = 0.1
RESET_QUIET_CHUNKS = 8
"""The state drifts in long silence and music until speech is missed, so it is cleared about
every two seconds, but only in clear non-speech: within a word it would cost confidence. Two
seconds and 0.1 are Pipecat's (pipecat/audio/vad/silero.py, where the reasons are). Pipecat
asks for 5 low chunks in a row and 0.2 s without speech; 8 chunks (256 ms) say both."""


def load_silero() -> OnnxModel:
    """The process's model, for any number of `SileroVad`. Raises ServiceError."""
    try:
        path = packaged_file("pipecat", "audio", "vad", "data", "silero_vad.onnx")
    except FileNotFoundError as exc:
        raise ServiceError("vad", "pipecat-ai ships no Silero model", retryable=False) from exc
    return OnnxModel("vad", path)


class SileroVad:
    """One call's ear. It never awaits, so calls on one event loop cannot mix."""

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self._rate = np.array(EAR_RATE_HZ, np.int64)
        self._input = np.zeros((1, CONTEXT + VAD_CHUNK), np.float32)
        self.reset()

    def reset(self) -> None:
        self._state = np.zeros((2, 1, 128), np.float32)
        self._input[:] = 0.0
        self._chunks = 0
        self._quiet_chunks = 0

    def probability(self, chunk: Samples) -> float:
        """The probability of speech in exactly `VAD_CHUNK` samples. Raises ServiceError."""
        if chunk.shape != (VAD_CHUNK,):
            raise ServiceError("vad", f"a chunk of shape {chunk.shape}", retryable=False)
        self._input[0, :CONTEXT] = self._input[0, -CONTEXT:]
        self._input[0, CONTEXT:] = chunk
        output, self._state = self._model.run(
            {"input": self._input, "state": self._state, "sr": self._rate}
        )
        probability = float(output[0, 0])
        self._chunks += 1
        self._quiet_chunks = self._quiet_chunks + 1 if probability < RESET_BELOW else 0
        if self._chunks >= RESET_AFTER_CHUNKS and self._quiet_chunks >= RESET_QUIET_CHUNKS:
            self.reset()
        return probability
