"""The same Moonshine and the same espeak voice as everywhere in the benchmark, for the peers."""

import asyncio
import os
from collections.abc import AsyncIterator
from itertools import cycle

import numpy as np
import soxr
from moonshine_voice import ModelArch, Transcriber, get_model_path

from bench.peers.line import IN_RATE_HZ, OUT_RATE_HZ
from pipelines.services.tts.postprocessor import AudioPostprocessor
from pipelines.services.tts.tts_espeak import espeak_voice

CORES = os.cpu_count() or 1


class PeerEars:
    """Moonshine tiny of the moonshine-voice wheel, loaded and warmed once for each core."""

    def __init__(self) -> None:
        second = np.zeros(IN_RATE_HZ, np.float32).tolist()
        found = [Transcriber(get_model_path("tiny-en"), ModelArch.TINY) for _ in range(CORES)]
        for one in found:
            one.transcribe_without_streaming(second, IN_RATE_HZ)
        self._transcribers = cycle(found)

    def text(self, pcm: bytes) -> str:
        """`pcm`: 16 bits at IN_RATE_HZ."""
        audio = (np.frombuffer(pcm, np.int16).astype(np.float32) / 32768).tolist()
        transcript = next(self._transcribers).transcribe_without_streaming(audio, IN_RATE_HZ)
        return " ".join(line.text for line in transcript.lines).strip()

    async def hear(self, pcm: bytes) -> str:
        return await asyncio.to_thread(self.text, pcm)


class PeerVoice:
    """espeak-ng with our level and without its leading silence, at OUT_RATE_HZ."""

    def __init__(self) -> None:
        self._voice = AudioPostprocessor(espeak_voice())

    async def open(self) -> None:
        await self._voice.open()

    async def close(self) -> None:
        await self._voice.close()

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        """16-bit samples. Raises ServiceError."""
        stream = soxr.ResampleStream(self._voice.rate_hz, OUT_RATE_HZ, 1, dtype="int16")
        async for chunk in self._voice.synthesise(text):
            yield stream.resample_chunk(chunk.pcm).tobytes()
        yield stream.resample_chunk(np.zeros(0, np.int16), last=True).tobytes()
