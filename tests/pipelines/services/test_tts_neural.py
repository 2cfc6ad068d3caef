"""Piper and Kokoro by their own packages, with tiny models that say phonemes as tones."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from pipelines.services.protocols import Pcm, ServiceError, TextToSpeech
from pipelines.services.tts.postprocessor import AudioPostprocessor
from pipelines.services.tts.tts_kokoro import kokoro_voice
from pipelines.services.tts.tts_piper import piper_voice
from pipelines.services.tts.tts_process import ProcessTextToSpeech

MODELS = Path(__file__).parents[2] / "models"
PIPER = MODELS / "tiny-piper" / "en_US-tiny-low.onnx"
KOKORO = MODELS / "tiny-kokoro" / "kokoro-tiny.onnx"
STYLES = MODELS / "tiny-kokoro" / "voices-tiny.bin"

Scenario = Callable[[ProcessTextToSpeech], Awaitable[None]]


def piper(speed: float = 1.0) -> ProcessTextToSpeech:
    return piper_voice(model=PIPER, speed=speed)


def kokoro(speed: float = 1.0) -> ProcessTextToSpeech:
    return kokoro_voice(model=KOKORO, voices=STYLES, speed=speed)


async def say(voice: TextToSpeech, text: str, *, first: bool = False) -> Pcm:
    async with aclosing(voice.synthesise(text, first=first)) as chunks:
        return np.concatenate([np.zeros(0, np.int16), *[chunk.pcm async for chunk in chunks]])


def speaking(new: Callable[[], ProcessTextToSpeech], scenario: Scenario) -> None:
    async def opened() -> None:
        voice = new()
        await voice.open()
        try:
            await scenario(voice)
        finally:
            await voice.close()

    asyncio.run(opened())


@pytest.mark.parametrize(("new", "rate_hz"), [(piper, 22_050), (kokoro, 24_000)])
def test_it_speaks_at_its_own_rate_and_as_fast_as_it_is_told(
    new: Callable[[float], ProcessTextToSpeech], rate_hz: int
) -> None:
    lengths: list[int] = []

    async def scenario(voice: ProcessTextToSpeech) -> None:
        assert voice.rate_hz == rate_hz
        pcm = await say(voice, "Good morning to you.")
        assert np.abs(pcm).max() > 5000
        lengths.append(len(pcm))

    for speed in (1.0, 2.0):
        speaking(lambda speed=speed: new(speed), scenario)  # type: ignore[misc]
    assert lengths[1] == pytest.approx(lengths[0] / 2, rel=0.05)


AND_KOKORO = [piper, pytest.param(kokoro, marks=pytest.mark.soak)]
"""Both voices, for the soak: the process has its own tests."""


@pytest.mark.parametrize("new", AND_KOKORO)
def test_its_sentences_come_one_by_one_and_what_is_closed_early_stops(
    new: Callable[[], ProcessTextToSpeech],
) -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        long = await say(voice, "First comes this. Then comes that. " * 20)
        short = await say(voice, "Good night.")
        async with aclosing(voice.synthesise("First comes this. Then comes that. " * 20)) as chunks:
            assert len((await anext(chunks)).pcm) < len(long)
        assert np.array_equal(await say(voice, "Good night."), short)
        assert voice._process is not None
        assert voice._process._jobs == {}

    speaking(new, scenario)


def test_what_somebody_waits_for_overtakes_a_long_sentence_of_another_call() -> None:
    done: list[str] = []

    async def scenario(voice: ProcessTextToSpeech) -> None:
        begun = asyncio.Event()

        async def speak(text: str, *, first: bool) -> None:
            async with aclosing(voice.synthesise(text, first=first)) as chunks:
                async for _ in chunks:
                    begun.set()
            done.append(text)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speak("And so on and so forth. " * 50, first=False))
            await begun.wait()
            tasks.create_task(speak("Yes.", first=True))
        assert done[0] == "Yes."

    speaking(piper, scenario)


@pytest.mark.parametrize("new", AND_KOKORO)
def test_killed_in_the_middle_it_goes_on_where_it_stopped(
    new: Callable[[], ProcessTextToSpeech],
) -> None:
    text = "First comes this. Then comes that. " * 30
    voice = new()

    async def scenario() -> None:
        postprocessor = AudioPostprocessor(voice)
        await postprocessor.open()
        whole = await say(postprocessor, text)
        killed = voice._process
        assert killed is not None
        pcm: list[Pcm] = []
        async with aclosing(postprocessor.synthesise(text)) as chunks:
            async for chunk in chunks:
                if not pcm:
                    os.kill(killed._transport.get_pid(), signal.SIGKILL)
                pcm.append(chunk.pcm)
        assert sum(map(len, pcm)) == len(whole)
        assert voice._process is not killed
        await postprocessor.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "voice",
    [
        piper_voice(model=MODELS / "nothing.onnx"),
        kokoro_voice(model=KOKORO, voices=STYLES, voice="zz_nobody"),
    ],
)
def test_a_voice_that_is_not_there_is_a_service_error_that_stays(
    voice: ProcessTextToSpeech,
) -> None:
    async def scenario() -> None:
        with pytest.raises(ServiceError, match="did not start") as failure:
            await voice.open()
        assert not failure.value.retryable
        await voice.close()

    asyncio.run(scenario())
