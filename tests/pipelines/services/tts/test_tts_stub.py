import asyncio
from contextlib import aclosing

import numpy as np
import pytest

from pipelines.audio.audible import first_audible
from pipelines.services.protocols import SpeechChunk
from pipelines.services.tts.tts_stub import CHARACTER_S, RATE_HZ, StubTextToSpeech

TEXT = "The weather is fine today."


async def say(text: str, first_audio_s: float = 0.0) -> list[SpeechChunk]:
    voice = StubTextToSpeech(first_audio_s=first_audio_s)
    await voice.open()
    async with aclosing(voice.synthesise(text)) as chunks:
        return [chunk async for chunk in chunks]


def test_its_length_follows_the_text() -> None:
    samples = sum(len(chunk.pcm) for chunk in asyncio.run(say(TEXT)))

    assert samples == round(len(TEXT) * CHARACTER_S * RATE_HZ)


def test_words_begin_at_their_share_of_the_text() -> None:
    words = [word for chunk in asyncio.run(say(TEXT)) for word in chunk.words]

    assert [word.text for word in words] == TEXT.split()
    assert [word.start_s for word in words] == pytest.approx(
        [TEXT.index(word) * CHARACTER_S for word in TEXT.split()]
    )


def test_words_come_with_the_chunk_in_which_they_begin() -> None:
    at = 0
    for chunk in asyncio.run(say(TEXT)):
        for word in chunk.words:
            assert at <= word.start_s * RATE_HZ < at + len(chunk.pcm)
        at += len(chunk.pcm)


def test_it_is_audible_from_its_first_sample_to_its_last() -> None:
    pcm = np.concatenate([chunk.pcm for chunk in asyncio.run(say(TEXT))])

    assert pcm[0] != 0
    assert first_audible(pcm, RATE_HZ) == 0
    assert first_audible(pcm[-240:], RATE_HZ) == 0


def test_it_fades_in_and_out() -> None:
    pcm = np.concatenate([chunk.pcm for chunk in asyncio.run(say(TEXT))])
    peaks = np.abs(pcm).reshape(-1, 240).max(axis=1)

    assert peaks[0] < 0.7 * peaks.max()
    assert peaks[-1] < 0.7 * peaks.max()
    assert np.abs(np.diff(pcm.astype(int))).max() < 400  # no clicks


def test_it_waits_before_its_first_audio() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await say(TEXT, first_audio_s=0.05)
        return loop.time() - started

    assert asyncio.run(scenario()) >= 0.05
