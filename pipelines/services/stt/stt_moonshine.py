"""Speech to text by Moonshine tiny English, from its wheel: one model for all calls.

Sound that is no speech, measured on 475 stretches (silence, white noise, band
noise, noise bursts, rumble, hum, tunes; 0.4 to 6 s, -55 to -15 dBFS) against 491 recorded
telephone prompts: silence and every noise with a flat spectrum gives exactly "You"; hum and
tunes give that, notes or "Thank you for watching"; what rumble below 300 Hz and pure tones give
beside it ("Mm-hmm", "Oh", "Thank you") people say too, so that is left to the VAD. The mean
log-probability says little about noise (-0.2 to -1.4) but is above -1.0 for every prompt.

A ghost word before speech that begins with noise: none in 520 prompts with 0.05 to 1 s of noise
before them (at 20 and 10 dB) given as they are; three with 0.2 s of zeros before that. So
nothing is put before the speech, and silence after it (`moonshine.TAIL_S`).
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipelines.services.protocols import (
    EAR_RATE_HZ,
    Samples,
    ServiceError,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.moonshine import Moonshine
from pipelines.services.stt.stretches import check_samples, is_silent, split_at_quiet
from pipelines.services.workers import CalledOff, Workers

SHORTEST_S = 0.1
LONGEST_S = 12.0
"""Longer audio is split. On 44 s of Dickens the word error rate is 1.7 % at 12 s, 0.8 to 3.4 %
at 15 to 28 s and 5 % at 6 to 10 s; the encoder's cost grows with the square."""
LEAST_CONFIDENCE = -1.0
NO_SPEECH = {"", "you", "thank you for watching", "thanks for watching"}


class MoonshineSpeechToText:
    """`SpeechToText` on `workers` threads, finals first. When more than `queue_limit` jobs wait,
    the oldest partial gives way with a retryable `ServiceError`.

    `threads_per_job` of 2 takes a third off the encoder (5 s of speech: 22 to 14 ms) and nothing
    off the decoder; with two calls on two cores it gains nothing.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        threads_per_job: int = 1,
        queue_limit: int = 64,
        folder: Path | None = None,
    ) -> None:
        self._worker_count = workers
        self._threads_per_job = threads_per_job
        self._queue_limit = queue_limit
        self._folder = folder
        self._model: Moonshine | None = None
        self._workers: Workers | None = None

    async def open(self) -> None:
        model = await asyncio.to_thread(Moonshine, self._folder, threads=self._threads_per_job)
        self._model = model
        self._workers = Workers("stt", threads=self._worker_count, limit=self._queue_limit)
        async with asyncio.TaskGroup() as rehearsing:
            for _ in range(self._worker_count):
                rehearsing.create_task(self.transcribe(TranscriptionJob(_noise(), final=True)))

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        model, workers = self._model, self._workers
        if model is None or workers is None:
            raise ServiceError("stt", "is not open", retryable=False)
        worked = await workers.run(
            lambda called_off: transcribe(model, job, called_off), urgent=job.final
        )
        return replace(worked.result, queued_s=worked.queued_s, busy_s=worked.busy_s)

    async def close(self) -> None:
        workers, self._workers, self._model = self._workers, None, None
        if workers is not None:
            await workers.close()


def _noise() -> Samples:
    """As long as a stretch may be: what the runtime needs for it, 80 MB for two workers, is taken
    at the start and not in somebody's call.
    """
    chance = np.random.default_rng(0)
    return (0.1 * chance.standard_normal(int(LONGEST_S * EAR_RATE_HZ))).astype(np.float32)


def transcribe(model: Moonshine, job: TranscriptionJob, called_off: CalledOff) -> Transcription:
    """One job. The readings of its last stretch are the alternatives. Raises ServiceError."""
    check_samples(job.audio)
    texts: list[str] = []
    tokens: list[int] = []
    weighed = 0.0
    alternatives: tuple[tuple[str, float], ...] = ()
    for stretch in split_at_quiet(job.audio, LONGEST_S):
        if len(stretch) < SHORTEST_S * EAR_RATE_HZ or is_silent(stretch):
            continue
        # Of a draft of several stretches this one's share begins where the last one ended.
        found = model.decode(stretch, job.draft[len(tokens) :], called_off, read_on=job.final)
        text = _text(model, found.tokens)
        if found.confidence < LEAST_CONFIDENCE or is_no_speech(text):
            continue
        alternatives = tuple(
            (" ".join((*texts, _text(model, reading.tokens))), reading.probability)
            for reading in found.readings
        )
        texts.append(text)
        tokens += found.tokens
        weighed += found.confidence * len(found.tokens)
    confidence = weighed / len(tokens) if tokens else 0.0
    return Transcription(" ".join(texts), tuple(tokens), confidence, alternatives=alternatives)


def _text(model: Moonshine, tokens: Sequence[int]) -> str:
    return " ".join(model.text(tokens).replace("♪", " ").split())


def is_no_speech(text: str) -> bool:
    """Is this what the model says when nobody spoke?"""
    words: Sequence[str] = re.findall(r"[\w']+", text.lower())
    return " ".join(words) in NO_SPEECH
