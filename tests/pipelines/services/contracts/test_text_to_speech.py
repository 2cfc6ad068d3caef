import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import numpy as np
import pytest

from pipelines.services.protocols import Pcm, ServiceError, SpokenWord, TextToSpeech
from tests.pipelines.services.contracts.leaks import run_leaving_nothing
from tests.pipelines.services.contracts.voices import VOICES

NewVoice = Callable[[], TextToSpeech]
LONG = "The first of them went out. " * 60


@pytest.fixture(params=VOICES)
def new_voice(request: pytest.FixtureRequest) -> NewVoice:
    made: NewVoice = request.param
    return made


def with_voice(new_voice: NewVoice, scenario: Callable[[TextToSpeech], Awaitable[None]]) -> None:
    async def opened() -> None:
        voice = new_voice()
        await voice.open()
        try:
            await scenario(voice)
        finally:
            await voice.close()

    run_leaving_nothing(opened)


async def say(
    voice: TextToSpeech, text: str, *, first: bool = False
) -> tuple[Pcm, list[SpokenWord]]:
    pcm: list[Pcm] = [np.zeros(0, np.int16)]
    spoken: list[SpokenWord] = []
    async with aclosing(voice.synthesise(text, first=first)) as chunks:
        async for chunk in chunks:
            assert chunk.pcm.dtype == np.int16
            assert chunk.pcm.ndim == 1
            pcm.append(chunk.pcm)
            spoken += chunk.words
    return np.concatenate(pcm), spoken


@pytest.mark.parametrize("text", ["Sure.", "Well, the answer is forty two.", "  One  two. ", LONG])
def test_every_word_is_spoken_in_order_and_in_time(new_voice: NewVoice, text: str) -> None:
    async def scenario(voice: TextToSpeech) -> None:
        pcm, spoken = await say(voice, text)
        assert " ".join(word.text for word in spoken).split() == text.split()
        starts = [word.start_s for word in spoken]
        assert starts == sorted(set(starts))
        assert starts[0] >= 0
        assert starts[-1] < len(pcm) / voice.rate_hz

    with_voice(new_voice, scenario)


def test_a_longer_text_takes_longer(new_voice: NewVoice) -> None:
    async def scenario(voice: TextToSpeech) -> None:
        short, _ = await say(voice, "Sure.")
        long, _ = await say(voice, "Sure, and I will tell you why.")
        assert 0.2 * voice.rate_hz < len(short) < len(long) / 2

    with_voice(new_voice, scenario)


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_nothing_to_say_is_no_sound(new_voice: NewVoice, text: str) -> None:
    async def scenario(voice: TextToSpeech) -> None:
        pcm, spoken = await say(voice, text)
        assert len(pcm) == 0
        assert spoken == []

    with_voice(new_voice, scenario)


def test_what_was_closed_early_is_not_heard_again(new_voice: NewVoice) -> None:
    async def scenario(voice: TextToSpeech) -> None:
        for _ in range(3):
            async with aclosing(voice.synthesise(LONG)) as chunks:
                await anext(chunks)
        _, spoken = await say(voice, "Good night.")
        assert [word.text for word in spoken] == ["Good", "night."]

    with_voice(new_voice, scenario)


def test_a_cancelled_listener_leaves_the_voice_to_others(new_voice: NewVoice) -> None:
    async def scenario(voice: TextToSpeech) -> None:
        async with asyncio.TaskGroup() as tasks:
            cancelled = tasks.create_task(say(voice, LONG))
            kept = tasks.create_task(say(voice, "Good night."))
            await asyncio.sleep(0)
            cancelled.cancel()
        assert cancelled.cancelled()
        assert [word.text for word in kept.result()[1]] == ["Good", "night."]

    with_voice(new_voice, scenario)


def test_calls_at_once_each_hear_their_own(new_voice: NewVoice) -> None:
    texts = [f"This is call {n}, not yours." for n in ("one", "two", "three", "four")]

    async def scenario(voice: TextToSpeech) -> None:
        for text, (_, spoken) in zip(
            texts, await asyncio.gather(*(say(voice, text) for text in texts)), strict=True
        ):
            assert " ".join(word.text for word in spoken) == text

    with_voice(new_voice, scenario)


def test_what_somebody_waits_for_is_said_among_what_nobody_does(new_voice: NewVoice) -> None:
    texts = [f"This is call {n}, not yours." for n in ("one", "two", "three", "four")]

    async def scenario(voice: TextToSpeech) -> None:
        said = await asyncio.gather(
            *(say(voice, text, first=number % 2 == 1) for number, text in enumerate(texts))
        )
        assert [" ".join(word.text for word in spoken) for _, spoken in said] == texts

    with_voice(new_voice, scenario)


def test_a_call_that_listens_slowly_holds_up_nobody(new_voice: NewVoice) -> None:
    async def scenario(voice: TextToSpeech) -> None:
        async with aclosing(voice.synthesise(LONG)) as slow:
            await anext(slow)
            _, spoken = await say(voice, "Good night.")
        assert [word.text for word in spoken] == ["Good", "night."]

    with_voice(new_voice, scenario)


def test_a_closed_voice_is_silent(new_voice: NewVoice) -> None:
    async def scenario() -> None:
        voice = new_voice()
        for _ in range(2):
            with pytest.raises(ServiceError) as failure:
                await say(voice, "Sure.")
            assert failure.value.service == "tts"
            await voice.open()
            await voice.close()

    run_leaving_nothing(scenario)
