"""Has the person finished? Smart Turn v3.2, from pipecat-ai, once for all calls, on one thread.

A decision takes 30 to 60 ms on one core, of which the features are 2: padding to 8 s costs the
model the same for short speech, and there is nothing to gain in how they are made.
"""

import asyncio

import numpy as np
from pipecat.audio.turn.smart_turn._whisper_features import compute_whisper_log_mel_features

from pipelines.services.onnx import OnnxModel, packaged_file
from pipelines.services.protocols import EAR_RATE_HZ, Samples, ServiceError
from pipelines.services.workers import Workers

WINDOW = 8 * EAR_RATE_HZ
"""The audio that the model looks at; shorter audio gets its zeros in front, as in training."""


def load_smart_turn(threads: int = 1) -> OnnxModel:
    """The process's model. Raises ServiceError."""
    try:
        path = packaged_file(
            "pipecat", "audio", "turn", "smart_turn", "data", "smart-turn-v3.2-cpu.onnx"
        )
    except FileNotFoundError as exc:
        raise ServiceError("turn", "pipecat-ai ships no Smart Turn", retryable=False) from exc
    return OnnxModel("turn", path, threads=threads)


class SmartTurn:
    """`TurnModel`. `queue_limit` questions wait; then the oldest gives way, retryable."""

    def __init__(self, *, threads: int = 1, queue_limit: int = 16) -> None:
        """`threads` of onnxruntime for one decision; decisions are made one after another."""
        self._threads = threads
        self._queue_limit = queue_limit
        self._model: OnnxModel | None = None
        self._workers: Workers | None = None

    async def open(self) -> None:
        self._model = await asyncio.to_thread(load_smart_turn, self._threads)
        self._workers = Workers("turn", threads=1, limit=self._queue_limit)

    async def probability(self, audio: Samples) -> float:
        model, workers = self._model, self._workers
        if model is None or workers is None:
            raise ServiceError("turn", "is not open", retryable=False)
        worked = await workers.run(lambda called_off: turn_probability(model, audio))
        return worked.result

    async def close(self) -> None:
        workers, self._workers, self._model = self._workers, None, None
        if workers is not None:
            await workers.close()


def turn_probability(model: OnnxModel, audio: Samples) -> float:
    last = audio[-WINDOW:]
    features = compute_whisper_log_mel_features(np.pad(last, (WINDOW - len(last), 0)))
    (probability,) = model.run({"input_features": features[np.newaxis]})
    return float(probability[0, 0])
