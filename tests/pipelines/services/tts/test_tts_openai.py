"""Over real sockets, to a small server that the vendor's own client takes for the real one."""

import asyncio
import io
import wave
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import numpy as np
import pytest
from openai import AsyncOpenAI

from pipelines.services.protocols import Pcm, ServiceError
from pipelines.services.tts.postprocessor import AudioPostprocessor
from pipelines.services.tts.tts_openai import OpenAiTextToSpeech
from tests.pipelines.services.contracts.leaks import run_leaving_nothing
from tests.pipelines.services.speech_server import RATE_HZ, SpeechServer, serving, spoken

TEXT = "Good morning to you."
Scenario = Callable[[OpenAiTextToSpeech, SpeechServer], Awaitable[None]]


def with_server(server: SpeechServer, scenario: Scenario, *, wait_s: float = 5.0) -> None:
    async def opened() -> None:
        async with serving(server):
            voice = OpenAiTextToSpeech(
                base_url=server.url, model="kokoro", voice="af", first_audio_s=wait_s, idle_s=wait_s
            )
            await voice.open()
            try:
                await scenario(voice, server)
            finally:
                await voice.close()

    run_leaving_nothing(opened)


async def say(voice: OpenAiTextToSpeech | AudioPostprocessor, text: str) -> Pcm:
    async with aclosing(voice.synthesise(text)) as chunks:
        return np.concatenate([np.zeros(0, np.int16), *[chunk.pcm async for chunk in chunks]])


def wav_header(rate_hz: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, rate_hz, 0, "NONE", ""))
        written.writeframes(b"")
    return file.getvalue()[:40] + b"\xff\xff\xff\xff"


@pytest.mark.parametrize("step", [1, 1001, 1 << 20])
def test_samples_that_are_torn_on_the_way_come_out_whole(step: int) -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        text = TEXT if step > 1 else "H"
        assert (await say(voice, text)).tobytes() == spoken(text)
        assert voice.rate_hz == RATE_HZ

    with_server(SpeechServer(step=step), scenario)


def test_the_vendors_own_client_hears_the_same() -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        async with (
            AsyncOpenAI(base_url=server.url, api_key="EMPTY", max_retries=0) as client,
            client.audio.speech.with_streaming_response.create(
                model="kokoro", voice="af", input=TEXT, response_format="pcm"
            ) as answer,
        ):
            theirs = b"".join([piece async for piece in answer.iter_bytes()])
        assert (await say(voice, TEXT)).tobytes() == theirs
        assert server.requests[0] == server.requests[1]
        assert server.keys[0] == server.keys[1] == "Bearer EMPTY"

    with_server(SpeechServer(), scenario)


def test_a_wav_is_understood_and_its_rate_is_taken() -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        assert (await say(voice, TEXT)).tobytes() == spoken(TEXT)
        assert voice.rate_hz == 22_050

    with_server(SpeechServer(header=wav_header(22_050), content_type="audio/wav"), scenario)


def test_a_rate_in_the_content_type_is_taken() -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        await say(voice, TEXT)
        assert voice.rate_hz == 16_000
        server.content_type = "audio/L16; rate=8000"
        with pytest.raises(ServiceError, match="8000"):
            await say(voice, TEXT)

    with_server(SpeechServer(content_type="audio/L16; rate=16000"), scenario)


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (401, False), (404, False), (429, True), (503, True)]
)
def test_a_refusal_is_a_service_error(status: int, retryable: bool) -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        with pytest.raises(ServiceError, match=str(status)) as failure:
            await say(voice, TEXT)
        assert failure.value.retryable is retryable
        assert (await say(voice, TEXT)).tobytes() == spoken(TEXT)

    with_server(SpeechServer(refuses=[(status, {"error": {"message": "no"}})]), scenario)


@pytest.mark.parametrize(
    ("header", "says"), [(b"ID3\4" + bytes(20), "MP3"), (b'{"error": "no voice"}', "JSON")]
)
def test_what_is_no_pcm_is_refused_and_not_played(header: bytes, says: str) -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        with pytest.raises(ServiceError, match=says) as failure:
            await say(voice, TEXT)
        assert not failure.value.retryable

    with_server(SpeechServer(header=header), scenario)


def test_a_server_that_falls_silent_is_too_slow() -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        for after in (0, 5000):
            server.hangs_after = lambda text, after=after: after  # type: ignore[misc]
            with pytest.raises(ServiceError, match="too slow") as failure:
                await say(voice, TEXT)
            assert failure.value.retryable

    with_server(SpeechServer(), scenario, wait_s=0.1)


def test_a_connection_that_breaks_is_asked_again_and_goes_on_where_it_stopped() -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        with pytest.raises(ServiceError) as failure:
            await say(voice, TEXT)
        assert failure.value.retryable
        await voice.close()
        postprocessor = AudioPostprocessor(voice)
        await postprocessor.open()
        whole = await say(postprocessor, "And so it goes on.")
        server.tears_after = [4000, 9000]
        again = await say(postprocessor, "And so it goes On.")
        assert server.requests[-1]["input"] == "And so it goes On."
        assert len(server.requests) == 6
        assert len(again) == len(whole)

    with_server(SpeechServer(tears_after=[6000]), scenario)


def test_an_answer_without_a_sample_is_a_failure() -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        server.silent = True
        with pytest.raises(ServiceError, match="without a sample") as failure:
            await say(voice, TEXT)
        assert failure.value.retryable

    with_server(SpeechServer(), scenario)


def test_who_stops_listening_ends_the_answer_at_the_server() -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        async with aclosing(voice.synthesise(TEXT)) as chunks:
            await anext(chunks)
            assert server.speaking == 1
        await server.quiet.wait()
        assert server.speaking == 0

    with_server(SpeechServer(hangs_after=lambda text: 5000), scenario)


def test_what_somebody_waits_for_goes_before_what_nobody_does() -> None:
    async def scenario(voice: OpenAiTextToSpeech, server: SpeechServer) -> None:
        voice = OpenAiTextToSpeech(base_url=server.url, model="m", voice="v", at_once=1)
        await voice.open()

        async def speak(text: str, *, first: bool) -> None:
            async with aclosing(voice.synthesise(text, first=first)) as chunks:
                async for _ in chunks:
                    pass

        await asyncio.gather(
            speak("one", first=False), speak("two", first=False), speak("waited for", first=True)
        )
        await voice.close()
        assert [asked["input"] for asked in server.requests] == ["one", "waited for", "two"]

    with_server(SpeechServer(), scenario)
