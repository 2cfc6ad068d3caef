"""Ears that fail, hang or die in the middle of a call: the call goes on, and says so if it must."""

import asyncio
from collections.abc import Callable

import pytest

from pipelines.services.protocols import (
    Samples,
    ServiceError,
    SpeechToText,
    Transcription,
    TranscriptionJob,
)
from pipelines.services.stt.stt_restarting import RestartingSpeechToText
from pipelines.words import ENGLISH
from tests.pipelines.services.scripted import ScriptedSpeechToText, ToneSpeech
from tests.pipelines.stages.rehearsal import rehearse, says, speech_end

QUESTION = "what time is it?"


class Hangs:
    """Ears that do not answer for so long, and then hear."""

    def __init__(self, speech: str, until_s: float) -> None:
        self._ears = ScriptedSpeechToText(ToneSpeech(speech).heard)
        self._until_s = until_s

    async def open(self) -> None:
        await self._ears.open()

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        if asyncio.get_running_loop().time() < self._until_s:
            await asyncio.Event().wait()
        return await self._ears.transcribe(job)

    async def close(self) -> None:
        await self._ears.close()


def test_ears_that_hang_end_the_turn_with_a_word_and_hear_the_next_one() -> None:
    hangs = Hangs(f"{QUESTION} hello?", until_s=13.0)

    call = rehearse(says(1.0, QUESTION), says(14.5, "hello?"), stt=hangs, until_s=17.0)

    said = "You said hello?"
    assert call.heard_text == f"{ENGLISH.unheard} {said}"
    assert call.lines == [("assistant", ENGLISH.unheard), ("user", "hello?"), ("assistant", said)]
    assert call.states[-1] == "listening"


class Ears:
    """Ears of which each job takes as long as `takes_s` says; None is for good."""

    def __init__(self, speech: str, takes_s: Callable[[TranscriptionJob], float | None]) -> None:
        self._ears = ScriptedSpeechToText(ToneSpeech(speech).heard)
        self._takes_s = takes_s

    async def open(self) -> None:
        await self._ears.open()

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        takes_s = self._takes_s(job)
        if takes_s is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(takes_s)
        return await self._ears.transcribe(job)

    async def close(self) -> None:
        await self._ears.close()


class SlowToFail(Ears):
    """Each try takes its time and fails."""

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        await super().transcribe(job)
        raise ServiceError("stt", "too slow", retryable=True)


HANG: dict[str, SpeechToText] = {
    "all hang": Ears(QUESTION, lambda job: None),
    "each try takes 5 s and fails": SlowToFail(QUESTION, lambda job: 5.0),
    "each try takes 1.3 s and fails": SlowToFail(QUESTION, lambda job: 1.3),
    "each takes 6 s": Ears(QUESTION, lambda job: 6.0),
    "a partial hangs": Ears(QUESTION, lambda job: 6.0 if job.final else None),
}


@pytest.mark.parametrize("case", HANG)
def test_something_is_heard_within_4_s_however_the_ears_fail(case: str) -> None:
    asked = says(1.0, QUESTION)
    call = rehearse(asked, stt=HANG[case], until_s=9.0)
    assert call.heard_text == ENGLISH.unheard
    assert call.heard[0].start_s - speech_end(asked) <= 4.0


def test_words_that_were_heard_before_the_ears_hang_are_answered_within_4_s() -> None:
    asked = says(1.0, QUESTION)
    ears = Ears(QUESTION, lambda job: None if job.final else 0.02)
    call = rehearse(asked, stt=ears, until_s=9.0)
    assert call.heard_text.startswith("You said what")
    assert call.heard[0].start_s - speech_end(asked) <= 4.0


def test_ears_that_are_late_but_not_too_late_are_waited_for() -> None:
    ears = Ears(QUESTION, lambda job: 2.0 if job.final else 0.02)
    call = rehearse(says(1.0, QUESTION), stt=ears, until_s=9.0)
    assert call.heard_text == f"You said {QUESTION}"


def test_an_answer_of_ears_that_were_given_up_is_none() -> None:
    ears = Ears(f"{QUESTION} hello?", lambda job: 4.5 if job.media_s < 3.0 else 0.02)
    call = rehearse(says(1.0, QUESTION), says(10.0, "hello?"), stt=ears, until_s=14.0)
    assert call.heard_text == f"{ENGLISH.unheard} You said hello?"


def test_ears_that_stay_broken_say_so_now_and_then_and_never_talk_to_themselves() -> None:
    cues = [says(at_s, "hello?") for at_s in (1.0, 6.0, 11.0)]

    call = rehearse(*cues, stt_fails=lambda job: True, until_s=15.0)

    assert call.lines == [("assistant", ENGLISH.unheard)] * 2


def test_a_fault_in_the_ears_costs_a_new_engine_and_not_a_word() -> None:
    engines: list[ScriptedSpeechToText] = []

    def new() -> ScriptedSpeechToText:
        engine = Faulty(ToneSpeech(QUESTION).heard, dies=not engines)
        engines.append(engine)
        return engine

    call = rehearse(says(1.0, QUESTION), stt=RestartingSpeechToText(new), until_s=6.0)

    assert len(engines) == 2
    assert call.lines == [("user", QUESTION), ("assistant", f"You said {QUESTION}")]


class Faulty(ScriptedSpeechToText):
    """Its third job kills it."""

    def __init__(self, heard: Callable[[Samples], str], *, dies: bool) -> None:
        super().__init__(heard)
        self._dies = dies

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        if self._dies and len(self.jobs) >= 2:
            raise ServiceError("stt", "injected", retryable=False)
        return await super().transcribe(job)
