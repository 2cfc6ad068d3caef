"""The ears that pass the contract tests: each with what it can hear, and how to make it."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pipecat.services.openai.stt import OpenAISTTService

from pipelines.audio.resample import Resampler
from pipelines.services.onnx import packaged_file
from pipelines.services.protocols import (
    EAR_RATE_HZ,
    Samples,
    ServiceError,
    SpeechToText,
    TextToSpeech,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.stt_moonshine import MoonshineSpeechToText
from pipelines.services.stt.stt_moonshine_library import MoonshineLibrarySpeechToText
from pipelines.services.stt.stt_openai import OpenAiSpeechToText
from pipelines.services.stt.stt_pipecat import PipecatSpeechToText
from pipelines.services.stt.stt_restarting import RestartingSpeechToText
from pipelines.services.stt.stt_whisper import WhisperSpeechToText
from pipelines.services.tts.tts_espeak import espeak_voice
from tests.pipelines.services.scripted import ScriptedSpeechToText, ToneSpeech
from tests.pipelines.services.shipped_speech import shipped_speech
from tests.pipelines.services.transcription_server import KEY, MODEL, TranscriptionServer

TINY_WHISPER = Path(__file__).parents[3] / "models" / "tiny-whisper-espeak"


TONE_TEXTS = ["what is the time", "please count to ten for me"]
TONES = ToneSpeech(" ".join(TONE_TEXTS))


@dataclass(frozen=True)
class Kind:
    new: Callable[[], SpeechToText]
    """With one worker."""
    speech: dict[str, Samples]
    """The words that are said, and how they sound."""
    has_tokens: bool = True


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def moonshine() -> Kind:
    def load(name: str, start_s: float, end_s: float) -> Samples:
        return shipped_speech(name)[int(start_s * EAR_RATE_HZ) : int(end_s * EAR_RATE_HZ)]

    return Kind(
        lambda: MoonshineSpeechToText(workers=1),
        {
            "ever tried ever failed no matter": load("beckett.wav", 0.0, 4.6),
            "ever tried ever failed no matter try again fail again fail better": load(
                "beckett.wav", 0.0, 9.9
            ),
        },
    )


def whisper() -> Kind:
    said = ["how are you", "what are your opening hours"]
    return Kind(
        lambda: WhisperSpeechToText(folder=TINY_WHISPER, batch=1, longest_s=2.5),
        dict(zip(said, espeak(said), strict=True)),
    )


def moonshine_library() -> Kind:
    """On the wheel's model: the streaming ones are downloads."""
    folder = packaged_file("moonshine_voice", "assets", "tiny-en", "tokenizer.bin").parent
    speech = list(moonshine().speech.items())[:1]
    both = np.concatenate([speech[0][1], np.zeros(EAR_RATE_HZ, np.float32), speech[0][1]])
    return Kind(
        lambda: MoonshineLibrarySpeechToText(folder=folder, size="tiny", workers=1),
        dict([*speech, (f"{speech[0][0]} {speech[0][0]}", both)]),
        has_tokens=False,
    )


def restarting() -> Kind:
    kind = scripted()
    return replace(kind, new=lambda: RestartingSpeechToText(kind.new))


def scripted() -> Kind:
    return Kind(
        lambda: ScriptedSpeechToText(TONES.heard, workers=1),
        {text: TONES.spoken(text) for text in TONE_TEXTS},
    )


def openai() -> Kind:
    def new(server: TranscriptionServer) -> SpeechToText:
        return OpenAiSpeechToText(base_url=server.url, model=MODEL, api_key=KEY, at_once=1)

    return replace(scripted(), new=lambda: Served(new), has_tokens=False)


def pipecat() -> Kind:
    """Its stock OpenAI service, which works by segments."""

    def new(server: TranscriptionServer) -> SpeechToText:
        return PipecatSpeechToText(new_service=lambda: stock_service(server), lanes=1)

    return replace(scripted(), new=lambda: Served(new), has_tokens=False)


def stock_service(server: TranscriptionServer) -> OpenAISTTService:
    return OpenAISTTService(
        api_key=KEY,
        base_url=server.url,
        settings=OpenAISTTService.Settings(model=MODEL),
        http_client=server.client,  # the service closes none
    )


class Served:
    """`SpeechToText` with the server that it asks."""

    def __init__(self, new: Callable[[TranscriptionServer], SpeechToText]) -> None:
        self._new = new
        self._server: TranscriptionServer | None = None
        self._ears: SpeechToText | None = None

    async def open(self) -> None:
        self._server = TranscriptionServer(TONES.heard)
        await self._server.open()
        self._ears = self._new(self._server)
        await self._ears.open()

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        if self._ears is None:
            raise ServiceError("stt", "is not open", retryable=False)
        return await self._ears.transcribe(job)

    async def close(self) -> None:
        if self._ears is not None:
            await self._ears.close()
        if self._server is not None:
            await self._server.close()


def espeak(texts: Sequence[str]) -> list[Samples]:
    """As the voice says them, with a little silence around."""

    async def speak() -> list[Samples]:
        voice = espeak_voice()
        await voice.open()
        try:
            return [await _spoken(voice, text) for text in texts]
        finally:
            await voice.close()

    return asyncio.run(speak())


async def _spoken(voice: TextToSpeech, text: str) -> Samples:
    chunks = [chunk.pcm async for chunk in voice.synthesise(text)]
    resampler = Resampler(voice.rate_hz, EAR_RATE_HZ)
    pcm = np.concatenate([resampler.feed(np.concatenate(chunks)), resampler.flush()])
    return np.pad(pcm / np.float32(32768), (1600, 3200)).astype(np.float32)
