import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import numpy as np
import pytest

from pipelines.audio.audible import first_audible
from pipelines.services.protocols import Pcm, ServiceError, SpokenWord
from pipelines.services.tts.tts_espeak import espeak_voice
from pipelines.services.tts.tts_process import PIECE_CHARACTERS, ProcessTextToSpeech, split_text

SENTENCE = "Hello there, Mr. Smith - it is 3.5 degrees. Don't stop-over now."


def speaking(scenario: Callable[[ProcessTextToSpeech], Awaitable[None]]) -> None:
    async def with_voice() -> None:
        voice = espeak_voice()
        await voice.open()
        try:
            await scenario(voice)
        finally:
            await voice.close()

    asyncio.run(with_voice())


async def say(voice: ProcessTextToSpeech, text: str) -> tuple[Pcm, list[SpokenWord]]:
    pcm: list[Pcm] = [np.zeros(0, np.int16)]
    words: list[SpokenWord] = []
    async with aclosing(voice.synthesise(text)) as chunks:
        async for chunk in chunks:
            pcm.append(chunk.pcm)
            words += chunk.words
    return np.concatenate(pcm), words


def pid(voice: ProcessTextToSpeech) -> int:
    assert voice._process is not None
    return voice._process._transport.get_pid()


def test_every_word_of_the_text_has_its_time() -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        pcm, words = await say(voice, SENTENCE)

        assert " ".join(word.text for word in words) == SENTENCE
        starts = [word.start_s for word in words]
        assert starts == sorted(starts)
        assert starts[0] == 0.0
        assert starts[-1] < len(pcm) / voice.rate_hz

    speaking(scenario)


def test_a_word_begins_where_it_is_said_to_begin() -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        pcm, words = await say(voice, "Well. And.")

        pause = pcm[: round(words[1].start_s * voice.rate_hz)]
        assert first_audible(pause[-round(0.1 * voice.rate_hz) :], voice.rate_hz) is None
        assert first_audible(pcm[len(pause) :][: round(0.1 * voice.rate_hz)], voice.rate_hz) == 0

    speaking(scenario)


def test_a_long_text_is_spoken_whole_and_its_times_run_on() -> None:
    text = "The first of them went out. " * 60

    async def scenario(voice: ProcessTextToSpeech) -> None:
        pcm, words = await say(voice, text)

        assert [word.text for word in words] == text.split()
        starts = [word.start_s for word in words]
        assert starts == sorted(starts)
        assert len(set(starts)) == len(starts)
        assert starts[-1] < len(pcm) / voice.rate_hz < starts[-1] + 3

    speaking(scenario)


def test_a_closed_generator_leaves_nothing_for_the_next() -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        for _ in range(5):
            async with aclosing(voice.synthesise("One two three four five. " * 100)) as chunks:
                async for _chunk in chunks:
                    break

        _, words = await say(voice, "Good night.")

        assert [word.text for word in words] == ["Good", "night."]
        assert voice._process is not None
        assert voice._process._jobs == {}

    speaking(scenario)


def test_who_does_not_listen_holds_up_nobody() -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        async with aclosing(voice.synthesise("One two three four five. " * 100)) as slow:
            await anext(slow)
            _, words = await say(voice, "Good night.")
            rest = [word.text async for chunk in slow for word in chunk.words]

        assert [word.text for word in words] == ["Good", "night."]
        assert rest[-5:] == ["One", "two", "three", "four", "five."]

    speaking(scenario)


def test_calls_at_once_each_hear_their_own_words() -> None:
    texts = [f"This is call {number}, and it is not yours." for number in "one two three".split()]

    async def scenario(voice: ProcessTextToSpeech) -> None:
        for text, (_, words) in zip(
            texts, await asyncio.gather(*(say(voice, text) for text in texts)), strict=True
        ):
            assert " ".join(word.text for word in words) == text

    speaking(scenario)


async def dies_in_the_middle(voice: ProcessTextToSpeech) -> ServiceError:
    async with aclosing(voice.synthesise("One two three four five. " * 100)) as chunks:
        await anext(chunks)
        os.kill(pid(voice), signal.SIGKILL)
        with pytest.raises(ServiceError) as failure:
            async for _ in chunks:
                pass
    return failure.value


def test_a_process_that_dies_fails_its_job_and_is_started_again_for_the_next() -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        first = pid(voice)
        assert (await dies_in_the_middle(voice)).retryable

        _, words = await say(voice, "Good night.")

        assert [word.text for word in words] == ["Good", "night."]
        assert pid(voice) != first

    speaking(scenario)


def test_the_third_death_in_a_minute_is_told_and_the_next_clause_is_spoken() -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        deaths = []
        for _ in range(3):
            deaths.append(await dies_in_the_middle(voice))
            await say(voice, "Well.")

        assert [death.retryable for death in deaths] == [True, True, False]
        assert "3 times" in str(deaths[-1])

    speaking(scenario)


def test_what_somebody_waits_for_goes_before_what_nobody_does() -> None:
    done: list[str] = []

    async def scenario(voice: ProcessTextToSpeech) -> None:
        async def speak(name: str, *, first: bool) -> None:
            async with aclosing(voice.synthesise(f"{name}. " * 30, first=first)) as chunks:
                async for _ in chunks:
                    pass
            done.append(name)

        await asyncio.gather(
            *(speak(name, first=False) for name in ("one", "two", "three")),
            speak("waited for", first=True),
        )
        assert done.index("waited for") <= 1  # the first may have begun before it came

    speaking(scenario)


def test_closing_leaves_no_process() -> None:
    pids: list[int] = []

    async def scenario(voice: ProcessTextToSpeech) -> None:
        pids.append(pid(voice))

    speaking(scenario)

    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_an_unknown_voice_is_a_service_error_that_stays() -> None:
    async def scenario() -> None:
        voice = espeak_voice(voice="klingon-opera")
        with pytest.raises(ServiceError) as failure:
            await voice.open()
        assert not failure.value.retryable
        await voice.close()

    asyncio.run(scenario())


def test_a_faster_rate_takes_less_time() -> None:
    async def length(words_a_minute: int) -> int:
        voice = espeak_voice(words_a_minute=words_a_minute)
        await voice.open()
        pcm, _ = await say(voice, SENTENCE)
        await voice.close()
        return len(pcm)

    assert asyncio.run(length(240)) < 0.8 * asyncio.run(length(150))


@pytest.mark.parametrize(
    "text",
    ["", "   ", "a" * 3000, "word " * 700, "A sentence of some length, said again. " * 40],
)
def test_a_text_is_split_into_pieces_that_lose_nothing(text: str) -> None:
    pieces = list(split_text(text))

    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= PIECE_CHARACTERS for piece in pieces)


def test_a_text_is_split_after_sentences() -> None:
    assert all(piece.endswith("again.") for piece in split_text("Said again. " * 100))


@pytest.mark.parametrize("text", ["", "word " * 2000])
def test_it_says_that_it_is_there_also_while_it_speaks(text: str) -> None:
    async def scenario(voice: ProcessTextToSpeech) -> None:
        process = await voice._running()
        if text:
            process.say(text, first=False)
        assert await voice._is_there()

    speaking(scenario)
