import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from pipelines.services.protocols import (
    EAR_RATE_HZ,
    ServiceError,
    SpeechToText,
    TranscriptionJob,
)
from tests.pipelines.services.contracts import ears
from tests.pipelines.services.contracts.ears import Kind, words
from tests.pipelines.services.contracts.leaks import run_leaving_nothing

KINDS = [
    ears.moonshine,
    pytest.param(ears.moonshine_library, marks=pytest.mark.soak),
    ears.whisper,
    ears.openai,
    ears.pipecat,
    ears.scripted,
    ears.restarting,
]


@pytest.fixture(params=KINDS, scope="module", ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param()
    return made


def with_ears(kind: Kind, scenario: Callable[[SpeechToText], Awaitable[None]]) -> None:
    async def opened() -> None:
        opened = kind.new()
        await opened.open()
        try:
            await scenario(opened)
        finally:
            await opened.close()

    run_leaving_nothing(opened)


def test_what_was_said_is_written_down(kind: Kind) -> None:
    async def scenario(engine: SpeechToText) -> None:
        for said, audio in kind.speech.items():
            heard = await engine.transcribe(TranscriptionJob(audio, final=True))
            assert words(heard.text) == said
            if kind.has_tokens:
                assert heard.tokens
                assert heard.confidence < 0
            assert heard.busy_s > 0

    with_ears(kind, scenario)


def test_tokens_of_one_hypothesis_are_a_draft_for_the_next(kind: Kind) -> None:
    shorter, longer = kind.speech.values()

    async def scenario(engine: SpeechToText) -> None:
        draft = (await engine.transcribe(TranscriptionJob(shorter))).tokens
        heard = await engine.transcribe(TranscriptionJob(longer, draft=draft))
        assert words(heard.text) == list(kind.speech)[1]

    with_ears(kind, scenario)


def test_silence_of_any_length_has_no_words(kind: Kind) -> None:
    async def scenario(engine: SpeechToText) -> None:
        for samples in (0, 1, 100, EAR_RATE_HZ, 60 * EAR_RATE_HZ):
            heard = await engine.transcribe(TranscriptionJob(np.zeros(samples, np.float32)))
            assert (heard.text, heard.tokens, heard.confidence) == ("", (), 0.0)

    with_ears(kind, scenario)


def test_very_long_speech_is_written_down_to_its_end(kind: Kind) -> None:
    said, audio = list(kind.speech.items())[1]
    pause = np.zeros(EAR_RATE_HZ // 2, np.float32)

    async def scenario(engine: SpeechToText) -> None:
        long = np.concatenate([audio, pause] * 4)
        heard = words((await engine.transcribe(TranscriptionJob(long))).text).split()
        assert heard[:3] == said.split()[:3]
        assert heard[-2:] == said.split()[-2:]
        assert 0.8 < len(heard) / (4 * len(said.split())) < 1.2

    with_ears(kind, scenario)


def test_calls_at_once_each_get_their_own_words(kind: Kind) -> None:
    async def scenario(engine: SpeechToText) -> None:
        said = list(kind.speech) * 3
        heard = await asyncio.gather(
            *(engine.transcribe(TranscriptionJob(kind.speech[text])) for text in said)
        )
        assert [words(each.text) for each in heard] == said

    with_ears(kind, scenario)


def test_a_final_goes_before_what_nobody_waits_for(kind: Kind) -> None:
    audio = next(iter(kind.speech.values()))
    done: list[str] = []

    async def scenario(engine: SpeechToText) -> None:
        async def ask(name: str) -> None:
            await engine.transcribe(TranscriptionJob(audio, final=name == "final"))
            done.append(name)

        await asyncio.gather(*map(ask, ["partial 1", "partial 2", "partial 3", "final"]))
        assert done.index("final") <= 1  # the first may have begun before it came
        done.remove("final")
        assert done == ["partial 1", "partial 2", "partial 3"]

    with_ears(kind, scenario)


def test_speech_at_a_wrong_rate_harms_nobody_else(kind: Kind) -> None:
    said, audio = next(iter(kind.speech.items()))

    async def scenario(engine: SpeechToText) -> None:
        for rate_hz in (8_000, 48_000):
            at = np.arange(0, len(audio), EAR_RATE_HZ / rate_hz)
            wrong = np.interp(at, range(len(audio)), audio).astype(np.float32)
            await engine.transcribe(TranscriptionJob(wrong, final=True))
            right = await engine.transcribe(TranscriptionJob(audio, final=True))
            assert words(right.text) == said

    with_ears(kind, scenario)


def test_what_is_no_mono_float_sound_is_refused(kind: Kind) -> None:
    not_samples: list[Any] = [
        np.zeros(800, np.int16),
        np.zeros((2, 800), np.float32),
        np.full(800, np.nan, np.float32),
    ]

    async def scenario(engine: SpeechToText) -> None:
        for wrong in not_samples:
            with pytest.raises(ServiceError) as refused:
                await engine.transcribe(TranscriptionJob(wrong))
            assert not refused.value.retryable

    with_ears(kind, scenario)


def test_a_cancelled_job_holds_up_nobody(kind: Kind) -> None:
    said, audio = next(iter(kind.speech.items()))

    async def scenario(engine: SpeechToText) -> None:
        async with asyncio.TaskGroup() as tasks:
            jobs = [tasks.create_task(engine.transcribe(TranscriptionJob(audio))) for _ in range(4)]
            await asyncio.sleep(0)
            for job in jobs[:3]:
                job.cancel()
        assert [job.cancelled() for job in jobs] == [True, True, True, False]
        assert words(jobs[3].result().text) == said

    with_ears(kind, scenario)


def test_ears_that_are_closed_do_not_hear(kind: Kind) -> None:
    async def scenario() -> None:
        engine = kind.new()
        for _ in range(2):
            with pytest.raises(ServiceError) as failure:
                await engine.transcribe(TranscriptionJob(np.zeros(0, np.float32)))
            assert failure.value.service == "stt"
            await engine.open()
            await engine.close()

    run_leaving_nothing(scenario)
