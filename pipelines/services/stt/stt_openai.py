"""Speech to text by any server with OpenAI's `/audio/transcriptions`: vLLM, Speaches, whisper.cpp.

A request is a WAV file and carries the whole stretch, for partial hypotheses too: the protocol
knows no drafts. Silence is not sent. The vendor's retries are off: the policy is the caller's.
"""

import asyncio
import io
import wave
from dataclasses import dataclass, field

import numpy as np
import openai
from openai import AsyncOpenAI

from pipelines.services.openai_client import as_service_errors, new_client
from pipelines.services.priority_semaphore import PrioritySemaphore
from pipelines.services.protocols import (
    EAR_RATE_HZ,
    Samples,
    ServiceError,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.stretches import check_samples, is_silent

SHORTEST_S = 0.1
"""OpenAI's own server refuses less."""


@dataclass(kw_only=True)
class OpenAiSpeechToText:
    """`SpeechToText`: one connection pool, `at_once` requests at a time, finals first."""

    base_url: str
    """Up to and including /v1."""
    model: str
    api_key: str | None = None
    """None and "" are values: they are sent as "EMPTY"."""
    language: str | None = None
    """As in "en"; None lets the server detect it."""
    at_once: int = 4
    queue_limit: int = 64
    answer_s: float = 5.0
    """From the request to the whole answer."""
    _client: AsyncOpenAI | None = field(default=None, init=False)
    _semaphore: PrioritySemaphore = field(init=False)

    def __post_init__(self) -> None:
        self._semaphore = PrioritySemaphore("stt", width=self.at_once, limit=self.queue_limit)

    async def open(self) -> None:
        """Opens no connection yet."""
        self._client = new_client(self.base_url, self.api_key)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        client = self._client
        if client is None:
            raise ServiceError("stt", "is not open", retryable=False)
        check_samples(job.audio)
        if len(job.audio) < SHORTEST_S * EAR_RATE_HZ or is_silent(job.audio):
            return Transcription("")
        now = asyncio.get_running_loop().time
        asked_at = now()
        async with self._semaphore.passed(urgent=job.final):
            started_at = now()
            with as_service_errors("stt"):
                async with asyncio.timeout(self.answer_s):
                    text = await self._ask(client, wav(job.audio))
        return Transcription(text, queued_s=started_at - asked_at, busy_s=now() - started_at)

    async def _ask(self, client: AsyncOpenAI, file: bytes) -> str:
        answer = await client.audio.transcriptions.create(
            file=("speech.wav", file, "audio/wav"),
            model=self.model,
            language=self.language or openai.omit,
            response_format="json",
            temperature=0,
        )
        text = getattr(answer, "text", None)
        if not isinstance(text, str):
            raise ServiceError("stt", "an answer without a text", retryable=True)
        return text.strip()


def wav(audio: Samples, rate_hz: int = EAR_RATE_HZ) -> bytes:
    """16 bit, mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate_hz)
        written.writeframes(pcm16(audio))
    return file.getvalue()


def pcm16(audio: Samples) -> bytes:
    return (np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
