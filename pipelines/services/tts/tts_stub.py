"""A voice for tests and latency work: a soft tone as long as its text would take to say."""

import asyncio
import re
from collections.abc import AsyncGenerator

import numpy as np

from pipelines.audio.pcm import to_int16
from pipelines.services.protocols import Samples, ServiceError, SpeechChunk, SpokenWord

RATE_HZ = 24_000
CHARACTER_S = 0.06
"""About 165 words a minute, at six characters a word with its space."""
CHUNK_S = 0.04
TONE_HZ = 220.0
LEVEL = 0.1
FADE_S = 0.02
LEAST = 0.3
"""The share of `LEVEL` at both ends: the first 10 ms are at -30 dBFS, well over the -45 of audible.
"""


class StubTextToSpeech:
    """`TextToSpeech`. A word begins at its share of the text's characters."""

    def __init__(self, *, first_audio_s: float = 0.0) -> None:
        """`first_audio_s`: how long it waits before the first chunk; the rest comes at once."""
        self._first_audio_s = first_audio_s
        self._opened = False

    @property
    def rate_hz(self) -> int:
        return RATE_HZ

    async def open(self) -> None:
        self._opened = True

    async def close(self) -> None:
        self._opened = False

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        if not self._opened:
            raise ServiceError("tts", "is not open", retryable=False)
        text = text.strip()
        if not text:
            return
        await asyncio.sleep(self._first_audio_s)
        words = [SpokenWord(m.group(), m.start() * CHARACTER_S) for m in re.finditer(r"\S+", text)]
        samples = round(len(text) * CHARACTER_S * RATE_HZ)
        step = round(CHUNK_S * RATE_HZ)
        for start in range(0, samples, step):
            end = min(start + step, samples)
            spoken = tuple(word for word in words if start <= word.start_s * RATE_HZ < end)
            yield SpeechChunk(to_int16(tone(start, end, samples)), spoken)
            await asyncio.sleep(0)  # a long text must not keep other calls from the loop


def tone(start: int, end: int, samples: int) -> Samples:
    """Samples `start` to `end` of a tone of `samples`: shape (end - start,)."""
    at = np.arange(start, end)
    nearest_end = np.minimum(at, samples - 1 - at)
    loudness = np.clip(LEAST + (1 - LEAST) * nearest_end / (FADE_S * RATE_HZ), LEAST, 1.0)
    return (LEVEL * loudness * np.cos(2 * np.pi * TONE_HZ * at / RATE_HZ)).astype(np.float32)
