"""A voice that hangs: something is heard within 4 s of the end of speech all the same."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import numpy as np
import pytest

from pipelines.cascade import Policies
from pipelines.core.exchange import Say
from pipelines.services.protocols import ServiceError, SpeechChunk
from pipelines.words import ENGLISH
from tests.pipelines.services.scripted import paced
from tests.pipelines.stages.rehearsal import LevelVoice, does, rehearse, says, speech_end

QUESTION = "what time is it?"
ASKED = says(1.0, QUESTION)


class SilentVoice(LevelVoice):
    """Says apologies, as from memory; of all else nothing, in the way of `how`."""

    def __init__(self, *heard: Any, how: str = "hangs") -> None:
        super().__init__(*heard)
        self._how = how

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        if text not in ENGLISH.apology:
            match self._how:
                case "hangs":
                    await asyncio.Event().wait()
                case "streams silence":
                    while True:
                        await asyncio.sleep(0.02)
                        yield SpeechChunk(np.zeros(480, np.int16))
                case "fails after 3 s":
                    await asyncio.sleep(3.0)
                    raise ServiceError("tts", "too slow", retryable=True)
                case _:
                    await asyncio.sleep(10.0)
        async for chunk in super().synthesise(text, first=first):
            yield chunk


@pytest.mark.parametrize(
    "how", ["hangs", "streams silence", "fails after 3 s", "speaks after 10 s"]
)
def test_an_apology_is_heard_within_4_s_of_a_voice_that_is_silent(how: str) -> None:
    voice = partial(SilentVoice, how=how)
    call = rehearse(ASKED, voice=voice, until_s=12.0, policies=Policies())
    assert ENGLISH.apology.startswith(call.heard_text.strip())
    assert call.heard
    assert call.heard[0].start_s - speech_end(ASKED) <= 4.0
    assert call.states[-1] == "listening"


def test_a_long_answer_is_given_up_as_a_whole() -> None:
    answer = " ".join(f"This is sentence {number} of the answer." for number in range(20))
    call = rehearse(
        ASKED,
        voice=SilentVoice,
        until_s=12.0,
        policies=Policies(),
        answers=lambda messages: paced(answer),
    )
    assert ENGLISH.apology.startswith(call.heard_text.strip())
    assert call.heard[0].start_s - speech_end(ASKED) <= 4.0


def test_a_voice_that_is_late_but_not_too_late_is_heard() -> None:
    call = rehearse(ASKED, tts_first_s=2.5, until_s=12.0)
    assert call.heard_text == f"You said {QUESTION}"


def test_an_announcement_may_take_its_time() -> None:
    call = rehearse(does(0.5, Say("Hello there.")), tts_first_s=6.0, until_s=12.0)
    assert call.heard_text == "Hello there."
