"""The voices that pass the contract tests, as they are used: postprocessed, but for the first."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import httpx2
import openai
import pytest
from pipecat.services.openai.tts import OpenAITTSService

from pipelines.services.protocols import SpeechChunk, TextToSpeech
from pipelines.services.tts.postprocessor import AudioPostprocessor
from pipelines.services.tts.tts_espeak import espeak_voice
from pipelines.services.tts.tts_hibari import hibari_voice
from pipelines.services.tts.tts_kokoro import kokoro_voice
from pipelines.services.tts.tts_openai import OpenAiTextToSpeech
from pipelines.services.tts.tts_pipecat import PipecatTextToSpeech
from pipelines.services.tts.tts_piper import piper_voice
from pipelines.services.tts.tts_stub import StubTextToSpeech
from tests.pipelines.services.scripted import ScriptedVoice
from tests.pipelines.services.speech_server import SpeechServer, serving

MODELS = Path(__file__).parents[3] / "models"
STEP = 1 << 16


class Served:
    """A voice with a server of its own, that comes and goes with it."""

    def __init__(self, new: Callable[[str], TextToSpeech]) -> None:
        """`new`: of the server's address."""
        self._new = new
        self._voice = new("http://127.0.0.1:9/v1")
        self._owed = AsyncExitStack()

    @property
    def rate_hz(self) -> int:
        return self._voice.rate_hz

    async def open(self) -> None:
        server = await self._owed.enter_async_context(serving(SpeechServer(step=STEP)))
        self._voice = self._new(server.url)
        self._owed.push_async_callback(self._voice.close)
        await self._voice.open()

    async def close(self) -> None:
        await self._owed.aclose()

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        stream = self._voice.synthesise(text, first=first)
        async with aclosing(stream):
            async for chunk in stream:
                yield chunk


class ClosingItsClients(PipecatTextToSpeech):
    """Pipecat's service does not close the client that it is given, nor its own."""

    def __init__(self, url: str) -> None:
        self._clients: list[httpx2.AsyncClient] = []

        def new_service() -> OpenAITTSService:
            self._clients.append(openai.DefaultAsyncHttpx2Client())
            return OpenAITTSService(api_key="x", base_url=url, http_client=self._clients[-1])

        super().__init__(new_service=new_service)

    async def close(self) -> None:
        await super().close()
        while self._clients:
            await self._clients.pop().aclose()


def espeak() -> TextToSpeech:
    return espeak_voice()


def espeak_in_the_studio() -> TextToSpeech:
    return AudioPostprocessor(espeak_voice())


def stub() -> TextToSpeech:
    return AudioPostprocessor(StubTextToSpeech())


def scripted() -> TextToSpeech:
    return ScriptedVoice()


def scripted_in_the_studio() -> TextToSpeech:
    return AudioPostprocessor(ScriptedVoice())


def openai_server() -> TextToSpeech:
    return Served(
        lambda url: AudioPostprocessor(OpenAiTextToSpeech(base_url=url, model="m", voice="v"))
    )


def pipecat_service() -> TextToSpeech:
    return Served(lambda url: AudioPostprocessor(ClosingItsClients(url)))


def piper() -> TextToSpeech:
    return AudioPostprocessor(piper_voice(model=MODELS / "tiny-piper" / "en_US-tiny-low.onnx"))


def hibari() -> TextToSpeech:
    return AudioPostprocessor(hibari_voice())


def kokoro() -> TextToSpeech:
    folder = MODELS / "tiny-kokoro"
    return AudioPostprocessor(
        kokoro_voice(model=folder / "kokoro-tiny.onnx", voices=folder / "voices-tiny.bin")
    )


VOICES = [
    espeak, espeak_in_the_studio, stub, scripted, scripted_in_the_studio,
    pytest.param(openai_server, marks=pytest.mark.soak),
    pytest.param(pipecat_service, marks=pytest.mark.soak),
    pytest.param(hibari, marks=pytest.mark.soak),
    pytest.param(piper, marks=pytest.mark.soak),
    pytest.param(kokoro, marks=pytest.mark.soak),
]  # fmt: skip
"""Those that take seconds to start are for the soak; their own tests are not."""
