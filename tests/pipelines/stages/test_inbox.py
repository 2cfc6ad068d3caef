"""Events that come to a call faster than it looks at them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from pipelines.cascade import Call, CallFormat, Policies, Services
from pipelines.core.call import SOUND_LOST
from pipelines.core.exchange import AudioIn, Fault, Played, StateChanged, ToCaller, Typed
from pipelines.core.hearing.inbox import EVENTS, SOUND_S
from pipelines.services.protocols import EAR_RATE_HZ
from replay.virtual_time import run
from tests.pipelines.services.scripted import (
    ScriptedLanguageModel,
    ScriptedSpeechToText,
    ScriptedTurnModel,
    ScriptedVad,
    ScriptedVoice,
    paced,
)

FRAME = AudioIn(bytes(2 * EAR_RATE_HZ // 50))
LIMIT = round(50 * SOUND_S)
"""Frames that wait."""
Scenario = Callable[[Call, "Models"], Coroutine[Any, Any, None]]


class CountingVad(ScriptedVad):
    """How much was heard."""

    samples = 0

    def probability(self, chunk: Any) -> float:
        self.samples += len(chunk)
        return super().probability(chunk)


class Models:
    def __init__(self) -> None:
        self.vad = CountingVad()
        self.llm = ScriptedLanguageModel(lambda messages: paced("I see."))
        self.answered = asyncio.Event()
        self.faults: list[Fault] = []

    def send(self, item: ToCaller) -> None:
        if item == StateChanged("speaking"):
            self.answered.set()
        elif isinstance(item, Fault):
            self.faults.append(item)


def with_call(scenario: Scenario) -> list[dict[str, Any]]:
    """Returns the lines that were logged meanwhile."""

    async def play() -> None:
        models, voice = Models(), ScriptedVoice()
        ears, turn = ScriptedSpeechToText(lambda audio: ""), ScriptedTurnModel(lambda audio: 0.0)
        for service in (models.llm, ears, turn, voice):
            await service.open()
        services = Services(
            new_vad=lambda: models.vad, stt=ears, turn=turn, llm=models.llm, tts=voice
        )
        form = CallFormat(in_rate_hz=EAR_RATE_HZ, out_rate_hz=24_000)
        call = Call(services, form, models.send, Policies())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(call.run())
            await scenario(call, models)
            running.cancel()

    with capture_logs() as logs:
        run(play())
    return [dict(line) for line in logs if line["log_level"] == "warning"]


def test_of_the_sound_that_a_call_cannot_come_to_the_newest_is_heard_and_nothing_else_is_lost() -> (
    None
):
    async def scenario(call: Call, models: Models) -> None:
        for _ in range(LIMIT + 100):
            call.push(FRAME)
        call.push(Typed("Are you there?"))
        await models.answered.wait()
        assert models.vad.samples == pytest.approx(SOUND_S * EAR_RATE_HZ, abs=EAR_RATE_HZ / 10)
        assert models.faults == [Fault(SOUND_LOST)]

    [line] = with_call(scenario)
    assert line["event"] == "sound that came too late is left out"
    assert line["seconds"] == pytest.approx(2.0)


def test_what_the_stages_have_not_come_to_counts() -> None:
    """Nothing is taken out of the inbox, to be kept in another queue."""

    async def scenario(call: Call, models: Models) -> None:
        call.push(Typed("Are you there?"))
        await models.answered.wait()
        may_go_on, hear = asyncio.Event(), call._pipeline.queue_frame
        entered = asyncio.Event()

        async def stall(frame: Any) -> None:
            entered.set()
            await may_go_on.wait()
            await hear(frame)

        call._pipeline.queue_frame = stall  # type: ignore[assignment, method-assign]
        call.push(FRAME)
        await entered.wait()
        for _ in range(LIMIT + 1):
            call.push(FRAME)
            await asyncio.sleep(0)
        may_go_on.set()
        call.push(Typed("And now?"))
        models.answered.clear()
        await models.answered.wait()

    [line] = with_call(scenario)
    assert line["seconds"] == pytest.approx(0.02)


def test_the_sound_of_many_seconds_gives_others_their_turn() -> None:
    """Between two frames of it the loop goes round."""
    behind: list[int] = []

    async def scenario(call: Call, models: Models) -> None:
        turns: list[None] = []
        call.push(Typed("Are you there?"))
        await models.answered.wait()
        hear, loop = call._pipeline.queue_frame, asyncio.get_running_loop()

        async def count(frame: Any) -> None:
            behind.append(len(behind) - len(turns))
            loop.call_soon(turns.append, None)
            await hear(frame)

        call._pipeline.queue_frame = count  # type: ignore[assignment, method-assign]
        for _ in range(LIMIT):
            call.push(FRAME)
        await asyncio.sleep(5.0)

    assert with_call(scenario) == []
    assert len(behind) == LIMIT
    assert max(behind) <= 1


def test_a_call_that_is_past_keeping_up_is_broken_off() -> None:
    async def scenario(call: Call, models: Models) -> None:
        for at in range(EVENTS):
            call.push(Played(0, at))
        with pytest.raises(asyncio.QueueFull):
            call.push(Played(0, EVENTS))

    assert with_call(scenario) == []
