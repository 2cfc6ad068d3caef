"""Ears behind OpenAI's wire contract; the same server answers the stock client too."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from openai import AsyncOpenAI

from pipelines.services.protocols import ServiceError, TranscriptionJob
from pipelines.services.stt.stt_openai import OpenAiSpeechToText, wav
from tests.pipelines.services.contracts.leaks import run_leaving_nothing
from tests.pipelines.services.scripted import ToneSpeech
from tests.pipelines.services.transcription_server import KEY, MODEL, TranscriptionServer

SPEECH = ToneSpeech("what time is it")
AUDIO = SPEECH.spoken("what time is it")


def with_server(
    scenario: Callable[[TranscriptionServer, OpenAiSpeechToText], Awaitable[None]],
    **changes: object,
) -> None:
    async def served() -> None:
        server = TranscriptionServer(SPEECH.heard)
        await server.open()
        given = {"base_url": server.url, "model": MODEL, "api_key": KEY, **changes}
        ears = OpenAiSpeechToText(**given)  # type: ignore[arg-type]
        await ears.open()
        try:
            await scenario(server, ears)
        finally:
            await ears.close()
            await server.close()

    run_leaving_nothing(served)


def test_the_stock_client_and_the_ears_hear_the_same() -> None:
    async def scenario(server: TranscriptionServer, ears: OpenAiSpeechToText) -> None:
        async with AsyncOpenAI(base_url=server.url, api_key=KEY) as client:
            file = ("speech.wav", wav(AUDIO), "audio/wav")
            stock = await client.audio.transcriptions.create(file=file, model=MODEL)
            plain = await client.audio.transcriptions.create(
                file=file, model=MODEL, response_format="text"
            )
        ours = await ears.transcribe(TranscriptionJob(AUDIO, final=True))
        assert (stock.text, plain, ours.text) == ("what time is it",) * 3
        asked = {"model": MODEL, "language": "en", "response_format": "json", "temperature": "0"}
        assert server.forms[-1] == asked

    with_server(scenario, language="en")


def test_silence_and_clicks_are_not_sent() -> None:
    async def scenario(server: TranscriptionServer, ears: OpenAiSpeechToText) -> None:
        for audio in (np.zeros(16_000, np.float32), AUDIO[:800]):
            assert (await ears.transcribe(TranscriptionJob(audio))).text == ""
        assert server.forms == []

    with_server(scenario)


@pytest.mark.parametrize(
    ("status", "retryable"), [(500, True), (503, True), (429, True), (400, False), (413, False)]
)
def test_an_error_says_whether_it_is_worth_asking_again(status: int, retryable: bool) -> None:
    async def scenario(server: TranscriptionServer, ears: OpenAiSpeechToText) -> None:
        server.fails = [status]
        with pytest.raises(ServiceError, match=f"stt: status {status}") as error:
            await ears.transcribe(TranscriptionJob(AUDIO))
        assert error.value.retryable is retryable
        assert (await ears.transcribe(TranscriptionJob(AUDIO))).text == "what time is it"
        assert len(server.forms) == 2

    with_server(scenario)


@pytest.mark.parametrize(
    ("changes", "status"), [({"api_key": None}, 401), ({"model": "tones-2"}, 404)]
)
def test_a_wrong_key_or_model_is_no_use_to_ask_again(
    changes: dict[str, object], status: int
) -> None:
    async def scenario(server: TranscriptionServer, ears: OpenAiSpeechToText) -> None:
        with pytest.raises(ServiceError, match=f"status {status}") as error:
            await ears.transcribe(TranscriptionJob(AUDIO))
        assert not error.value.retryable

    with_server(scenario, **changes)


def test_a_server_that_hangs_is_not_waited_for() -> None:
    async def scenario(server: TranscriptionServer, ears: OpenAiSpeechToText) -> None:
        server.hangs = True
        with pytest.raises(ServiceError, match="too slow") as error:
            await ears.transcribe(TranscriptionJob(AUDIO))
        assert error.value.retryable

    with_server(scenario, answer_s=0.2)


def test_a_server_that_is_not_there_is_worth_asking_again() -> None:
    async def scenario() -> None:
        ears = OpenAiSpeechToText(base_url="http://127.0.0.1:9/v1", model=MODEL)
        await ears.open()
        try:
            with pytest.raises(ServiceError, match="stt: nothing answers there") as error:
                await ears.transcribe(TranscriptionJob(AUDIO))
            assert error.value.retryable
        finally:
            await ears.close()

    run_leaving_nothing(scenario)


def test_no_more_requests_at_once_than_are_allowed() -> None:
    async def scenario(server: TranscriptionServer, ears: OpenAiSpeechToText) -> None:
        jobs = [ears.transcribe(TranscriptionJob(AUDIO)) for _ in range(8)]
        heard = await asyncio.gather(*jobs)
        assert [each.text for each in heard] == ["what time is it"] * 8
        assert server.most_at_once == 2

    with_server(scenario, at_once=2)
