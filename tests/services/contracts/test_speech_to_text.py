import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
import pytest
import soundfile

from pipelines.services.onnx import packaged_file
from pipelines.services.protocols import (
    EAR_RATE_HZ,
    Samples,
    ServiceError,
    SpeechToText,
    TranscriptionJob,
)
from pipelines.services.scripted import ScriptedSpeechToText, ToneSpeech
from pipelines.services.stt_moonshine import MoonshineSpeechToText
from tests.services.contracts.leaks import run_leaving_nothing


@dataclass(frozen=True)
class Kind:
    new: Callable[[], SpeechToText]
    """With one worker."""
    speech: dict[str, Samples]
    """What is said, and how it sounds."""


def moonshine() -> Kind:
    def load(name: str, start_s: float, end_s: float) -> Samples:
        path = packaged_file("moonshine_voice", "assets", name)
        samples, rate_hz = soundfile.read(path, dtype="float32")
        assert rate_hz == EAR_RATE_HZ
        return np.asarray(samples[int(start_s * rate_hz) : int(end_s * rate_hz)], np.float32)

    return Kind(
        lambda: MoonshineSpeechToText(workers=1),
        {
            "ever tried ever failed no matter": load("beckett.wav", 0.0, 4.6),
            "ever tried ever failed no matter try again fail again fail better": load(
                "beckett.wav", 0.0, 9.9
            ),
        },
    )


def scripted() -> Kind:
    texts = ["what is the time", "please count to ten for me"]
    speech = ToneSpeech(" ".join(texts))
    return Kind(
        lambda: ScriptedSpeechToText(speech.heard, workers=1),
        {text: speech.spoken(text) for text in texts},
    )


@pytest.fixture(params=[moonshine, scripted], scope="module")
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param()
    return made


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def with_ears(kind: Kind, scenario: Callable[[SpeechToText], Awaitable[None]]) -> None:
    async def opened() -> None:
        ears = kind.new()
        await ears.open()
        try:
            await scenario(ears)
        finally:
            await ears.close()

    run_leaving_nothing(opened)


def test_what_was_said_is_written_down(kind: Kind) -> None:
    async def scenario(ears: SpeechToText) -> None:
        for said, audio in kind.speech.items():
            heard = await ears.transcribe(TranscriptionJob(audio, final=True))
            assert words(heard.text) == said
            assert heard.tokens
            assert heard.confidence < 0
            assert heard.busy_s > 0

    with_ears(kind, scenario)


def test_tokens_of_one_hypothesis_are_a_draft_for_the_next(kind: Kind) -> None:
    shorter, longer = kind.speech.values()

    async def scenario(ears: SpeechToText) -> None:
        draft = (await ears.transcribe(TranscriptionJob(shorter))).tokens
        heard = await ears.transcribe(TranscriptionJob(longer, draft=draft))
        assert words(heard.text) == list(kind.speech)[1]

    with_ears(kind, scenario)


@pytest.mark.parametrize("samples", [0, 1, 100, EAR_RATE_HZ, 60 * EAR_RATE_HZ])
def test_silence_of_any_length_has_no_words(kind: Kind, samples: int) -> None:
    async def scenario(ears: SpeechToText) -> None:
        heard = await ears.transcribe(TranscriptionJob(np.zeros(samples, np.float32)))
        assert (heard.text, heard.tokens, heard.confidence) == ("", (), 0.0)

    with_ears(kind, scenario)


def test_very_long_speech_is_written_down_to_its_end(kind: Kind) -> None:
    said, audio = list(kind.speech.items())[1]
    pause = np.zeros(EAR_RATE_HZ // 2, np.float32)

    async def scenario(ears: SpeechToText) -> None:
        long = np.concatenate([audio, pause] * 4)
        heard = words((await ears.transcribe(TranscriptionJob(long))).text).split()
        assert heard[:3] == said.split()[:3]
        assert heard[-2:] == said.split()[-2:]
        assert 0.8 < len(heard) / (4 * len(said.split())) < 1.2

    with_ears(kind, scenario)


def test_calls_at_once_each_get_their_own_words(kind: Kind) -> None:
    async def scenario(ears: SpeechToText) -> None:
        said = list(kind.speech) * 3
        heard = await asyncio.gather(
            *(ears.transcribe(TranscriptionJob(kind.speech[text])) for text in said)
        )
        assert [words(each.text) for each in heard] == said

    with_ears(kind, scenario)


def test_a_final_goes_before_what_nobody_waits_for(kind: Kind) -> None:
    audio = next(iter(kind.speech.values()))
    done: list[str] = []

    async def scenario(ears: SpeechToText) -> None:
        async def ask(name: str) -> None:
            await ears.transcribe(TranscriptionJob(audio, final=name == "final"))
            done.append(name)

        await asyncio.gather(*map(ask, ["partial 1", "partial 2", "partial 3", "final"]))
        assert done.index("final") <= 1  # the first may have begun before it came
        done.remove("final")
        assert done == ["partial 1", "partial 2", "partial 3"]

    with_ears(kind, scenario)


def test_a_cancelled_job_holds_up_nobody(kind: Kind) -> None:
    said, audio = next(iter(kind.speech.items()))

    async def scenario(ears: SpeechToText) -> None:
        async with asyncio.TaskGroup() as tasks:
            jobs = [tasks.create_task(ears.transcribe(TranscriptionJob(audio))) for _ in range(4)]
            await asyncio.sleep(0)
            for job in jobs[:3]:
                job.cancel()
        assert [job.cancelled() for job in jobs] == [True, True, True, False]
        assert words(jobs[3].result().text) == said

    with_ears(kind, scenario)


def test_ears_that_are_closed_do_not_hear(kind: Kind) -> None:
    async def scenario() -> None:
        ears = kind.new()
        for _ in range(2):
            with pytest.raises(ServiceError) as failure:
                await ears.transcribe(TranscriptionJob(np.zeros(0, np.float32)))
            assert failure.value.service == "stt"
            await ears.open()
            await ears.close()

    run_leaving_nothing(scenario)
