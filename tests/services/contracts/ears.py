"""The ears that pass the contract tests: each with what it can hear, and how to make it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from pipelines.audio.resample import Resampler
from pipelines.services.onnx import packaged_file
from pipelines.services.protocols import EAR_RATE_HZ, Samples, SpeechToText, TextToSpeech
from pipelines.services.scripted import ScriptedSpeechToText, ToneSpeech
from pipelines.services.stt_moonshine import MoonshineSpeechToText
from pipelines.services.stt_whisper import WhisperSpeechToText
from pipelines.services.tts_espeak import espeak_voice

TINY_WHISPER = Path(__file__).parents[2] / "models" / "tiny-whisper-espeak"


@dataclass(frozen=True)
class Kind:
    new: Callable[[], SpeechToText]
    """With one worker."""
    speech: dict[str, Samples]
    """What is said, and how it sounds."""
    has_tokens: bool = True


def moonshine() -> Kind:
    def load(name: str, start_s: float, end_s: float) -> Samples:
        path = packaged_file("moonshine_voice", "assets", name)
        samples, rate_hz = soundfile.read(path, dtype="float32")
        assert rate_hz == EAR_RATE_HZ
        return np.asarray(samples[int(start_s * rate_hz) : int(end_s * rate_hz)], np.float32)

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


def scripted() -> Kind:
    texts = ["what is the time", "please count to ten for me"]
    speech = ToneSpeech(" ".join(texts))
    return Kind(
        lambda: ScriptedSpeechToText(speech.heard, workers=1),
        {text: speech.spoken(text) for text in texts},
    )


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
