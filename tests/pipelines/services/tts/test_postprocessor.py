import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import numpy as np
import pytest

from pipelines.audio.audible import first_audible
from pipelines.audio.pcm import to_float
from pipelines.services.protocols import Pcm, ServiceError, SpeechChunk, SpokenWord, TextToSpeech
from pipelines.services.tts.postprocessor import (
    CACHED_BYTES,
    CACHED_CHARACTERS,
    PATIENCE_S,
    PAUSE_S,
    REHEARSAL,
    TRIES,
    AudioPostprocessor,
)
from pipelines.services.tts.tts_espeak import espeak_voice
from pipelines.services.tts.tts_process import ProcessTextToSpeech
from replay.virtual_time import run

RATE_HZ = 16_000
LETTER = RATE_HZ // 20
CHUNK = RATE_HZ // 10
SILENCE_S = 0.25


class Loud:
    """A voice of one tone, 50 ms a letter, after a quarter of a second of silence, without words.

    It fails once a text has been said as far as `fails` says, in chunks, once for each.
    """

    rate_hz = RATE_HZ

    def __init__(
        self, level: float = 0.1, fails: Sequence[int] = (), *, retryable: bool = True
    ) -> None:
        self.texts: list[str] = []
        self.firsts: list[bool] = []
        self.level = level
        self._fails = list(fails)
        self._retryable = retryable

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        self.texts.append(text)
        self.firsts.append(first)
        fails_at = self._fails.pop(0) if self._fails and text != REHEARSAL else None
        at = np.arange(LETTER * len(text))
        tone = self.level * 32767 * np.sin(2 * np.pi * 200 * at / RATE_HZ)
        pcm = np.concatenate([np.zeros(round(SILENCE_S * RATE_HZ)), tone]).astype(np.int16)
        for number, start in enumerate(range(0, len(pcm), CHUNK)):
            if number == fails_at:
                raise ServiceError("tts", "scripted", retryable=self._retryable)
            yield SpeechChunk(pcm[start : start + CHUNK])


def postprocessed(
    voice: TextToSpeech, scenario: Callable[[AudioPostprocessor], Awaitable[None]]
) -> None:
    async def opened() -> None:
        postprocessor = AudioPostprocessor(voice)
        await postprocessor.open()
        try:
            await scenario(postprocessor)
        finally:
            await postprocessor.close()

    asyncio.run(opened())


async def say(voice: TextToSpeech, text: str) -> tuple[Pcm, list[SpokenWord], float]:
    pcm: list[Pcm] = [np.zeros(0, np.int16)]
    words: list[SpokenWord] = []
    trimmed_s = 0.0
    async with aclosing(voice.synthesise(text)) as chunks:
        async for chunk in chunks:
            pcm.append(chunk.pcm)
            words += chunk.words
            trimmed_s += chunk.trimmed_s
    return np.concatenate(pcm), words, trimmed_s


def test_the_silence_before_the_first_sound_is_cut_off_and_reported() -> None:
    async def scenario(postprocessor: AudioPostprocessor) -> None:
        pcm, _, trimmed_s = await say(postprocessor, "Hello there")
        assert trimmed_s == pytest.approx(SILENCE_S, abs=0.011)
        assert first_audible(pcm, RATE_HZ) == 0
        assert len(pcm) == pytest.approx(LETTER * len("Hello there"), abs=RATE_HZ // 100)

    postprocessed(Loud(), scenario)


class Performed(Loud):
    """A voice whose sound is a list of stretches: seconds of tone, and of silence where below 0."""

    def __init__(self, stretches_s: Sequence[float], chunk: int = CHUNK) -> None:
        super().__init__()
        self._stretches_s, self._chunk = stretches_s, chunk

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        loud = [np.full(round(abs(s) * RATE_HZ), s > 0) for s in self._stretches_s]
        is_tone = np.concatenate(loud)
        tone = 3000 * np.sin(2 * np.pi * 200 * np.arange(len(is_tone)) / RATE_HZ)
        pcm = np.where(is_tone, tone, 0).astype(np.int16)
        for start in range(0, len(pcm), self._chunk):
            yield SpeechChunk(pcm[start : start + self._chunk])


@pytest.mark.parametrize("chunk", [160, CHUNK, 1237, 10 * RATE_HZ])
@pytest.mark.parametrize(
    ("stretches_s", "length_s", "cut_s"),
    [
        ((1.0, -0.5), 1.0 + PAUSE_S, 0.5 - PAUSE_S),
        ((1.0, -0.1), 1.1, 0.0),
        ((1.0,), 1.0, 0.0),
        ((-0.3, 1.0, -0.44), 1.0 + PAUSE_S, 0.3 + 0.44 - PAUSE_S),
        ((1.0, -0.6, 1.0, -0.6), 2.6 + PAUSE_S, 0.6 - PAUSE_S),
        ((-0.2, 0.05, -2.0), 0.05 + PAUSE_S, 0.2 + 2.0 - PAUSE_S),
    ],
)
def test_of_the_silence_after_the_last_sound_a_pause_is_left_and_the_rest_reported(
    stretches_s: tuple[float, ...], length_s: float, cut_s: float, chunk: int
) -> None:
    async def scenario(postprocessor: AudioPostprocessor) -> None:
        for _ in range(2):  # the second is from the cache
            pcm, words, trimmed_s = await say(postprocessor, "Hello there")
            assert len(pcm) / RATE_HZ == pytest.approx(length_s, abs=0.011)
            assert trimmed_s == pytest.approx(cut_s, abs=0.011)
            assert " ".join(word.text for word in words) == "Hello there"
            assert words[-1].start_s < len(pcm) / RATE_HZ

    postprocessed(Performed(stretches_s, chunk), scenario)


def test_sound_is_not_held_back_for_the_silence_that_may_follow() -> None:
    async def scenario(postprocessor: AudioPostprocessor) -> None:
        async with aclosing(postprocessor.synthesise("Hello there")) as chunks:
            first = await anext(chunks)
        assert len(first.pcm) == pytest.approx(CHUNK, abs=RATE_HZ // 100)

    postprocessed(Performed((5.0, -0.5)), scenario)


def test_espeak_is_audible_from_its_first_sample() -> None:
    async def scenario(postprocessor: AudioPostprocessor) -> None:
        for text in ("Sure.", "The first of them.", "... and then?"):
            pcm, words, trimmed_s = await say(postprocessor, text)
            assert first_audible(pcm, postprocessor.rate_hz) == 0
            assert 0 <= trimmed_s < 0.3
            assert words[0].start_s == 0.0

    postprocessed(espeak_voice(), scenario)


@pytest.mark.parametrize("level", [0.03, 0.9])
def test_every_voice_is_equally_loud_from_its_first_clause(level: float) -> None:
    async def scenario(postprocessor: AudioPostprocessor) -> None:
        pcm, _, _ = await say(postprocessor, "Hello there")
        assert 10 * np.log10(np.mean(np.square(to_float(pcm)))) == pytest.approx(-20, abs=0.2)

    postprocessed(Loud(level), scenario)


def test_the_voice_is_given_what_is_said_and_the_words_are_those_that_were_written() -> None:
    voice = Loud()

    async def scenario(postprocessor: AudioPostprocessor) -> None:
        _, words, _ = await say(postprocessor, "It is $12.50 on 5 March - yes :)")
        assert voice.texts[-1] == "It is twelve dollars and fifty cents on the fifth of March — yes"
        assert [word.text for word in words] == "It is $12.50 on 5 March - yes :)".split()

    postprocessed(voice, scenario)


def test_times_that_a_voice_does_not_give_follow_what_is_said_and_are_marked() -> None:
    async def scenario(postprocessor: AudioPostprocessor) -> None:
        pcm, words, _ = await say(postprocessor, "Is $12.50 it")
        letters = len("Is twelve dollars and fifty cents it ")
        shares = [word.start_s * RATE_HZ / len(pcm) * letters for word in words]
        assert shares == pytest.approx([0, 3, 34], abs=0.5)
        assert all(word.estimated for word in words)

    postprocessed(Loud(), scenario)


def test_times_that_a_voice_gives_are_kept() -> None:
    async def scenario(postprocessor: AudioPostprocessor) -> None:
        _, words, _ = await say(postprocessor, "Now: $12.50, it says.")
        assert [word.text for word in words] == ["Now:", "$12.50,", "it", "says."]
        starts = [word.start_s for word in words]
        assert starts == sorted(set(starts))
        assert starts[2] - starts[1] > 1.0  # "twelve dollars and fifty cents"
        assert not any(word.estimated for word in words)

    postprocessed(espeak_voice(), scenario)


def test_a_phrase_that_is_said_again_is_not_made_again() -> None:
    voice = Loud()

    async def scenario(postprocessor: AudioPostprocessor) -> None:
        once = await say(postprocessor, "One moment, please.")
        again = await say(postprocessor, "One moment, please.")
        assert voice.texts == [REHEARSAL, "One moment, please."]
        assert np.array_equal(once[0], again[0])
        assert once[1:] == again[1:]

    postprocessed(voice, scenario)


def test_a_cache_of_nothing_keeps_nothing() -> None:
    voice = Loud()

    async def scenario() -> None:
        postprocessor = AudioPostprocessor(voice, cached_bytes=0)
        await postprocessor.open()
        for _ in range(2):
            await say(postprocessor, "One moment, please.")
        await postprocessor.close()

    asyncio.run(scenario())
    assert voice.texts[1:] == ["One moment, please."] * 2


def test_the_cache_keeps_neither_much_nor_what_was_not_said_to_its_end() -> None:
    voice = Loud()
    long = "x" * (CACHED_CHARACTERS + 1)
    enough = CACHED_BYTES // (2 * LETTER * CACHED_CHARACTERS) + 1

    async def scenario(postprocessor: AudioPostprocessor) -> None:
        for _ in range(2):
            async with aclosing(postprocessor.synthesise("Cut short.")) as chunks:
                await anext(chunks)
        for _ in range(2):
            await say(postprocessor, long)
        assert voice.texts[1:] == ["Cut short."] * 2 + [long] * 2
        phrases = [f"{n:0{CACHED_CHARACTERS}}".translate(LETTERS) for n in range(enough + 1)]
        for phrase in phrases:
            await say(postprocessor, phrase)
        asked = len(voice.texts)
        await say(postprocessor, phrases[-1])
        await say(postprocessor, phrases[0])
        assert len(voice.texts) == asked + 1

    postprocessed(voice, scenario)


LETTERS = str.maketrans("0123456789", "abcdefghij")


@pytest.mark.parametrize("fails", [[0], [3], [6], [2, 5], [5, 2]])
def test_a_voice_that_fails_goes_on_where_it_stopped(fails: list[int]) -> None:
    broken = Loud(fails=fails)

    async def whole(postprocessor: AudioPostprocessor) -> None:
        heard.append((await say(postprocessor, "Hello there you"))[0])

    heard: list[Pcm] = []
    postprocessed(Loud(), whole)
    postprocessed(broken, whole)

    once, again = heard
    assert np.array_equal(once, again)
    assert broken.texts[1:] == ["Hello there you"] * (len(fails) + 1)


@pytest.mark.parametrize(("retryable", "tries"), [(True, TRIES), (False, 1)])
def test_a_voice_that_keeps_failing_is_given_up(retryable: bool, tries: int) -> None:
    broken = Loud(fails=[4] * 10, retryable=retryable)

    async def scenario(postprocessor: AudioPostprocessor) -> None:
        with pytest.raises(ServiceError):
            await say(postprocessor, "Hello there")
        assert len(broken.texts) == 1 + tries

    postprocessed(broken, scenario)


def test_a_voice_that_takes_its_time_to_fail_is_not_asked_again() -> None:
    class Slow(Loud):
        async def synthesise(
            self, text: str, *, first: bool = False
        ) -> AsyncGenerator[SpeechChunk, None]:
            async for chunk in super().synthesise(text, first=first):
                yield chunk
                if text != REHEARSAL:
                    await asyncio.sleep(PATIENCE_S + 0.1)

    broken = Slow(fails=[1] * 10)

    async def scenario() -> None:
        postprocessor = AudioPostprocessor(broken)
        await postprocessor.open()
        with pytest.raises(ServiceError):
            await say(postprocessor, "Hello there")
        assert broken.texts == [REHEARSAL, "Hello there"]

    run(scenario())


def test_a_voice_that_is_silent_does_not_open() -> None:
    async def scenario() -> None:
        postprocessor = AudioPostprocessor(Loud(level=0.0))
        with pytest.raises(ServiceError, match="silent"):
            await postprocessor.open()
        await postprocessor.close()

    asyncio.run(scenario())


def test_what_somebody_waits_for_is_passed_on() -> None:
    voice = Loud()

    async def scenario(postprocessor: AudioPostprocessor) -> None:
        async with aclosing(postprocessor.synthesise("Now", first=True)) as chunks:
            assert [chunk async for chunk in chunks]
        assert voice.firsts == [False, True]

    postprocessed(voice, scenario)


def test_a_voice_whose_process_is_killed_goes_on_in_the_middle_of_a_word() -> None:
    voice = espeak_voice()
    text = "This sentence is long enough to be cut into, and it goes on and on after that. "

    async def scenario(postprocessor: AudioPostprocessor) -> None:
        whole, words, _ = await say(postprocessor, text * 3)
        pcm: list[Pcm] = []
        marked: list[str] = []
        async with aclosing(postprocessor.synthesise(text * 3)) as chunks:
            async for chunk in chunks:
                if not pcm:
                    os.kill(pid(voice), signal.SIGKILL)
                pcm.append(chunk.pcm)
                marked += [word.text for word in chunk.words]
        assert marked == [word.text for word in words] == (text * 3).split()
        samples = sum(map(len, pcm))  # the same words of espeak's differ by some milliseconds
        assert samples == pytest.approx(len(whole), abs=0.1 * postprocessor.rate_hz)

    postprocessed(voice, scenario)


def pid(voice: ProcessTextToSpeech) -> int:
    assert voice._process is not None
    return voice._process._transport.get_pid()
