"""LLM_TURN_COMPLETION: as it is set, or as the endpoint turns out."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from bot.settings import Settings
from bot.texts.sharing import CallOnLine, SharedModel
from bot.wiring.turn_completion import TurnCompletionCheck
from pipelines.core.exchange import FromCaller, StopSpeaking
from pipelines.core.thinking.turn_marks import INSTRUCTION
from pipelines.services.llm.llm_turn_check import INCOMPLETE
from pipelines.services.protocols import ChatMessage, Finished, ServiceError
from replay.virtual_time import run
from tests.pipelines.services.scripted import ScriptedLanguageModel, Step, paced


def capable(messages: Sequence[ChatMessage]) -> list[Step]:
    if messages[-1].content == INSTRUCTION + INCOMPLETE:
        return [(0.1, Finished("stop", turn_incomplete=True))]
    return paced("At ten.")


def weak(messages: Sequence[ChatMessage]) -> list[Step]:
    return paced("Sure.")


def down(messages: Sequence[ChatMessage]) -> list[Step]:
    return [(0.0, ServiceError("llm", "scripted", retryable=True))]


async def opened(llm: ScriptedLanguageModel) -> ScriptedLanguageModel:
    await llm.open()
    return llm


def test_it_is_off_unless_somebody_sets_it() -> None:
    assert Settings.model_validate({}).llm_turn_completion == "off"


@pytest.mark.parametrize(
    ("wanted", "is_demo", "is_used"),
    [("off", False, False), ("on", False, True), ("on", True, False), ("auto", True, False)],
)
def test_as_it_is_set_without_a_question_to_the_model(
    wanted: str, *, is_demo: bool, is_used: bool
) -> None:
    async def scenario() -> None:
        llm = await opened(ScriptedLanguageModel(capable))
        check = TurnCompletionCheck(wanted, "", is_demo=is_demo)  # type: ignore[arg-type]
        await check.check(llm)
        assert (check.is_decided, check.is_used, llm.requests) == (True, is_used, [])

    run(scenario())


@pytest.mark.parametrize(("answer", "is_used"), [(capable, True), (weak, False)])
def test_auto_goes_by_what_the_model_can(answer: object, *, is_used: bool) -> None:
    async def scenario() -> None:
        llm = await opened(ScriptedLanguageModel(answer))  # type: ignore[arg-type]
        check = TurnCompletionCheck("auto", "", is_demo=False)
        assert not check.is_used
        await check.check(llm)
        assert (check.is_decided, check.is_used) == (True, is_used)

    run(scenario())


class Hello:
    """A call of five seconds."""

    def __init__(self) -> None:
        self.events: list[FromCaller] = []

    def push(self, event: FromCaller) -> None:
        self.events.append(event)

    async def run(self) -> None:
        await asyncio.sleep(5.0)


def test_an_endpoint_that_comes_later_is_found_out_during_a_call() -> None:
    async def scenario() -> None:
        check = TurnCompletionCheck("auto", "", is_demo=False)
        await check.check(await opened(ScriptedLanguageModel(down)))
        assert not check.is_decided

        call = Hello()
        llm = await opened(ScriptedLanguageModel(capable))
        beside = CallOnLine(call, SharedModel(1, 1), partial(check.check, llm))
        beside.push(StopSpeaking())
        await beside.run()
        assert call.events == [StopSpeaking()]
        assert (check.is_decided, check.is_used) == (True, True)

    run(scenario())


def test_a_call_that_is_over_before_the_model_has_answered_leaves_no_task() -> None:
    async def scenario() -> None:
        check = TurnCompletionCheck("auto", "", is_demo=False)
        slow = await opened(ScriptedLanguageModel(lambda messages: [(60.0, "Sure.")]))
        before = asyncio.all_tasks()
        await CallOnLine(Hello(), SharedModel(1, 1), partial(check.check, slow)).run()
        assert not check.is_decided
        assert asyncio.all_tasks() == before

    run(scenario())
