"""Ears that fail, hang or die in the middle of a call: the call goes on, and says so if it must."""

import asyncio
from collections.abc import Callable

from pipelines.services.protocols import Samples, ServiceError, Transcription, TranscriptionJob
from pipelines.services.scripted import ScriptedSpeechToText, ToneSpeech
from pipelines.services.stt.stt_restarting import RestartingSpeechToText
from pipelines.words import ENGLISH
from tests.pipelines.stages.rehearsal import rehearse, says

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
