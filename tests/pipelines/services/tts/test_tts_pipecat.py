"""Pipecat's own `OpenAITTSService`, as it is, behind our protocol and against a loopback server."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import httpx2
import numpy as np
import openai
import pytest
from pipecat.services.openai.tts import OpenAITTSService

from pipelines.services.protocols import Pcm, ServiceError
from pipelines.services.tts.postprocessor import AudioPostprocessor
from pipelines.services.tts.tts_pipecat import PipecatTextToSpeech
from tests.pipelines.services.speech_server import RATE_HZ, SpeechServer, serving, spoken

LONG = "This goes on for more than the half second that Pipecat takes at once."
TEXT = "Good morning to you."
Scenario = Callable[[PipecatTextToSpeech, SpeechServer], Awaitable[None]]


def with_server(server: SpeechServer, scenario: Scenario, *, lanes: int = 4) -> None:
    clients: list[httpx2.AsyncClient] = []  # the service does not close its own

    async def opened() -> None:
        async with serving(server):

            def new_service() -> OpenAITTSService:
                clients.append(openai.DefaultAsyncHttpx2Client())
                return OpenAITTSService(
                    api_key="EMPTY", base_url=server.url, http_client=clients[-1]
                )

            voice = PipecatTextToSpeech(new_service=new_service, lanes=lanes)
            await voice.open()
            try:
                await scenario(voice, server)
            finally:
                await voice.close()
                for client in clients:
                    await client.aclose()

    asyncio.run(opened())


async def say(
    voice: PipecatTextToSpeech | AudioPostprocessor, text: str, *, first: bool = False
) -> Pcm:
    async with aclosing(voice.synthesise(text, first=first)) as chunks:
        return np.concatenate([np.zeros(0, np.int16), *[chunk.pcm async for chunk in chunks]])


def test_it_speaks_all_of_one_text_after_another() -> None:
    async def scenario(voice: PipecatTextToSpeech, server: SpeechServer) -> None:
        for text in (TEXT, "Sure.", TEXT):
            assert (await say(voice, text)).tobytes() == spoken(text)
        assert voice.rate_hz == RATE_HZ
        assert [asked["input"] for asked in server.requests] == [TEXT, "Sure.", TEXT]

    with_server(SpeechServer(step=1000), scenario)


def test_calls_at_once_each_hear_their_own() -> None:
    texts = [f"This is call {n}." for n in ("one", "two", "three", "four", "five", "six")]

    async def scenario(voice: PipecatTextToSpeech, server: SpeechServer) -> None:
        heard = await asyncio.gather(*(say(voice, text) for text in texts))
        assert [pcm.tobytes() for pcm in heard] == [spoken(text) for text in texts]

    with_server(SpeechServer(step=1000), scenario)


def test_what_was_closed_early_is_not_heard_again_and_ends_at_the_server() -> None:
    async def scenario(voice: PipecatTextToSpeech, server: SpeechServer) -> None:
        for _ in range(2):
            async with aclosing(voice.synthesise(LONG)) as chunks:
                await anext(chunks)
            await server.quiet.wait()
            server.quiet.clear()
        assert (await say(voice, TEXT)).tobytes() == spoken(TEXT)

    def hangs(text: str) -> int | None:
        return 36_000 if text == LONG else None

    with_server(SpeechServer(step=1000, hangs_after=hangs), scenario, lanes=1)


def test_an_error_is_a_service_error_and_the_next_text_is_spoken() -> None:
    async def scenario(voice: PipecatTextToSpeech, server: SpeechServer) -> None:
        with pytest.raises(ServiceError, match="400") as failure:
            await say(voice, TEXT)
        assert failure.value.service == "tts"
        assert (await say(voice, TEXT)).tobytes() == spoken(TEXT)

    refusal: tuple[int, dict[str, object]] = (400, {"error": {"message": "no such voice"}})
    with_server(SpeechServer(step=1000, refuses=[refusal]), scenario)


def test_postprocessed_it_is_a_voice_like_any_other() -> None:
    async def scenario(voice: PipecatTextToSpeech, server: SpeechServer) -> None:
        await voice.close()
        postprocessor = AudioPostprocessor(voice)
        await postprocessor.open()
        await say(postprocessor, "It is $2.")
        assert server.requests[-1]["input"] == "It is two dollars."
        async with aclosing(postprocessor.synthesise("It is $2.")) as chunks:
            words = [word async for chunk in chunks for word in chunk.words]
        assert [word.text for word in words] == ["It", "is", "$2."]
        assert all(word.estimated for word in words)

    with_server(SpeechServer(step=1000), scenario)


def test_a_service_that_cannot_be_made_says_so() -> None:
    def broken() -> OpenAITTSService:
        raise ValueError("no key")

    async def scenario() -> None:
        with pytest.raises(ServiceError, match="no key"):
            await PipecatTextToSpeech(new_service=broken).open()

    asyncio.run(scenario())
