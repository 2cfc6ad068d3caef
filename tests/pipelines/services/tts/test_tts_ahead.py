"""Phrases known before are spoken before: then they come from memory."""

import asyncio

import pytest

from pipelines.services.protocols import ServiceError, TextToSpeech
from pipelines.services.tts.tts_ahead import SpokenAhead
from tests.pipelines.services.scripted import ScriptedVoice

GREETING = "Hello! How can I help you today?"
CLAUSES = ["Hello!", "How can I help you today?"]


async def said(voice: TextToSpeech, text: str) -> tuple[int, list[str]]:
    chunks = [chunk async for chunk in voice.synthesise(text)]
    words = [word.text for chunk in chunks for word in chunk.words]
    return sum(len(chunk.pcm) for chunk in chunks), words


def test_a_greeting_is_spoken_once_and_heard_as_often_as_one_likes() -> None:
    async def scenario() -> None:
        voice = ScriptedVoice(first_audio_s=0.001)
        ahead = SpokenAhead(voice, [GREETING])
        await ahead.open()
        assert voice.texts == CLAUSES
        first = [await said(ahead, clause) for clause in CLAUSES]
        again = [await said(ahead, clause) for clause in CLAUSES]
        assert first == again
        assert first[1][1] == "How can I help you today?".split()
        assert first[1][0] > 0
        assert voice.texts == CLAUSES
        await said(ahead, "Something else.")
        assert voice.texts[-1] == "Something else."
        assert ahead.rate_hz == voice.rate_hz
        await ahead.close()
        with pytest.raises(ServiceError):
            await said(ahead, CLAUSES[0])

    asyncio.run(scenario())


def test_who_stops_listening_stops_the_voice() -> None:
    async def scenario() -> None:
        voice = ScriptedVoice()
        ahead = SpokenAhead(voice, [])
        await ahead.open()
        stream = ahead.synthesise("One two three.")
        await anext(stream)
        await stream.aclose()
        assert voice.closed_early == 1

    asyncio.run(scenario())
