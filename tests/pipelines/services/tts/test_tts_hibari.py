"""hibari's own voice, from its package: the real one."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from pipelines.audio.audible import audible_ranges
from pipelines.services.protocols import Pcm, ServiceError, TextToSpeech
from pipelines.services.tts.postprocessor import PAUSE_S, AudioPostprocessor
from pipelines.services.tts.tts_hibari import hibari_voice
from tests.pipelines.services.tts.test_postprocessor import say

TEXT = "Let me look that up for you now."


def spoken(scenario: Callable[[TextToSpeech], Awaitable[None]], speed: float = 1.0) -> None:
    async def opened() -> None:
        voice = AudioPostprocessor(hibari_voice(speed=speed), cached_bytes=0)
        await voice.open()
        try:
            await scenario(voice)
        finally:
            await voice.close()

    asyncio.run(opened())


def test_it_is_without_the_silence_around_it_and_the_same_each_time() -> None:
    sounds: list[Pcm] = []

    async def scenario(voice: TextToSpeech) -> None:
        assert voice.rate_hz == 24_000
        pcm, words, trimmed_s = await say(voice, TEXT)
        ranges = audible_ranges(pcm, voice.rate_hz)
        assert ranges[0, 0] < 0.02 * voice.rate_hz
        assert (len(pcm) - ranges[-1, 1]) / voice.rate_hz == pytest.approx(PAUSE_S, abs=0.01)
        assert 0.3 < trimmed_s < 1.0
        assert " ".join(word.text for word in words) == TEXT
        assert all(word.estimated for word in words)
        sounds.append(pcm)

    for _ in range(2):  # in two processes
        spoken(scenario)
    assert len(sounds[0]) > 24_000
    assert np.array_equal(sounds[0], sounds[1])


def test_it_speaks_as_fast_as_it_is_told() -> None:
    lengths: list[int] = []

    async def scenario(voice: TextToSpeech) -> None:
        lengths.append(len((await say(voice, TEXT))[0]))

    for speed in (1.0, 1.5):
        spoken(scenario, speed)
    assert lengths[1] == pytest.approx(lengths[0] / 1.5, rel=0.15)


def test_odd_texts_do_not_end_it() -> None:
    texts = (
        "!!!", "\u4f60\u597d", "x" * 300, "x " * 150, "1/0 %% $$ [x](/y/) <b>", "\U0001f600 yes"
    )  # fmt: skip

    async def scenario(voice: TextToSpeech) -> None:
        for text in texts:
            await say(voice, text)
        assert len((await say(voice, "Good night."))[0]) > 0.3 * voice.rate_hz

    spoken(scenario)


def test_a_model_that_is_another_is_refused_before_it_is_loaded() -> None:
    with pytest.raises(ServiceError, match="not the one that was tested") as failure:
        hibari_voice(sha256="0" * 64)
    assert not failure.value.retryable
