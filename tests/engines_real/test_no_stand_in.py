"""A call with no stand-in anywhere: espeak-ng asks, faster-whisper hears, llama-server answers."""

import asyncio

import pytest

from bot.calls.limits import Limits
from client.caller.call import CallResult, place_call
from client.caller.conductor import ScriptLine
from pipelines.core.turn.wording import words
from tests.engines_real import llama_server
from tests.engines_real.calling import WiredEngine, spoken
from tests.engines_real.test_calls import SCRIPT
from tests.pipelines.services.contracts.ears import TINY_WHISPER
from tests.serving import serving

pytestmark = [pytest.mark.needs("llama-server"), pytest.mark.usefixtures("empty_folder")]

REAL_EARS = {"stt_engine": "faster-whisper", "stt_model": str(TINY_WHISPER), "stt_device": "cpu"}
"""They know espeak's way to say the script's questions, and nothing of people."""


async def asked_aloud(*questions: str) -> tuple[CallResult, list[str]]:
    """The call, and what the ears made of the questions."""
    async with llama_server.running(llama_server.FAQ) as model:
        given = {"llm_base_url": model.url, "llm_model": "faq", "llm_temperature": 0}
        engine = WiredEngine(**given, **REAL_EARS)
        async with serving(engine.as_engine(), limits=Limits(calls=4)) as served:
            url = f"http://127.0.0.1:{served.port}"
            result = await place_call(url, [ScriptLine(one) for one in await spoken(*questions)])
        [conversation] = engine.conversations
        return result, [line.text for line in conversation.lines if line.role == "user"]


def answered_rightly(*questions: str) -> None:
    result, heard = asyncio.run(asked_aloud(*questions))
    assert [words(each) for each in heard] == [words(each) for each in questions]
    assert [turn.words.answer for turn in result.turns] == [SCRIPT[each] for each in questions]
    assert not any(turn.wait.missed for turn in result.turns)
    assert result.faults == []


def test_a_question_gets_its_answer() -> None:
    answered_rightly("What is your address?")


@pytest.mark.soak
def test_ten_questions_get_ten_right_answers() -> None:
    answered_rightly(*SCRIPT)
