"""Events that come to a call faster than it looks at them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from pipelines.cascade import INBOX_AUDIO, INBOX_EVENTS, Call, CallFormat, Policies, Services
from pipelines.core.exchange import AudioIn, Played, StateChanged, ToCaller, Typed
from pipelines.services.protocols import EAR_RATE_HZ
from pipelines.services.scripted import (
    ScriptedLanguageModel,
    ScriptedSpeechToText,
    ScriptedTurnModel,
    ScriptedVad,
    ScriptedVoice,
    paced,
)
from replay.virtual_time import run

FRAME = AudioIn(bytes(2 * EAR_RATE_HZ // 50))
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

    def send(self, item: ToCaller) -> None:
        if item == StateChanged("speaking"):
            self.answered.set()


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


def test_audio_that_a_call_cannot_come_to_is_dropped_and_counted_and_nothing_else_is() -> None:
    async def scenario(call: Call, models: Models) -> None:
        for _ in range(INBOX_AUDIO + 100):
            call.push(FRAME)
        call.push(Typed("Are you there?"))
        await models.answered.wait()
        heard = models.vad.samples
        assert INBOX_AUDIO - 1 <= heard / (EAR_RATE_HZ / 50) <= INBOX_AUDIO + 50
        call.push(FRAME)

    first, last = with_call(scenario)
    assert first["event"] == "the call cannot keep up: audio is dropped"
    assert (last["event"], last["dropped_frames"]) == ("the call keeps up again", 100)


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
        for _ in range(INBOX_AUDIO + 1):
            call.push(FRAME)
            await asyncio.sleep(0)
        may_go_on.set()
        call.push(Typed("And now?"))
        models.answered.clear()
        await models.answered.wait()
        call.push(FRAME)

    assert [line.get("dropped_frames") for line in with_call(scenario)] == [None, 1]


def test_a_call_that_is_a_little_too_slow_says_so_once_and_once_that_it_keeps_up_again() -> None:
    """Five frames come in for four that are heard."""
    pushed, heard = 0, 0

    async def scenario(call: Call, models: Models) -> None:
        may_hear, has_heard = asyncio.Semaphore(0), asyncio.Semaphore(0)
        call.push(Typed("Are you there?"))
        await models.answered.wait()
        hear = call._pipeline.queue_frame

        async def hear_when_let(frame: Any) -> None:
            await may_hear.acquire()
            await hear(frame)
            has_heard.release()

        call._pipeline.queue_frame = hear_when_let  # type: ignore[assignment, method-assign]

        async def pass_on(incoming: int, let: int) -> None:
            nonlocal pushed, heard
            for _ in range(incoming):
                call.push(FRAME)
            for _ in range(let):
                may_hear.release()
                await has_heard.acquire()
            pushed, heard = pushed + incoming, heard + let

        await pass_on(INBOX_AUDIO, 0)
        for _ in range(100):
            await pass_on(5, 4)
        await pass_on(0, INBOX_AUDIO // 2 - 10)
        await pass_on(INBOX_AUDIO // 2, 0)  # back to where it was: it has not kept up meanwhile
        await pass_on(0, INBOX_AUDIO + 1)  # and the one that it was at
        call.push(FRAME)

    first, last = with_call(scenario)
    assert first["event"] == "the call cannot keep up: audio is dropped"
    assert (last["event"], last["dropped_frames"]) == ("the call keeps up again", pushed - heard)
    assert last["dropped_frames"] > 100


def test_a_call_that_is_past_keeping_up_is_broken_off() -> None:
    async def scenario(call: Call, models: Models) -> None:
        for at in range(INBOX_EVENTS):
            call.push(Played(0, at))
        with pytest.raises(asyncio.QueueFull):
            call.push(Played(0, INBOX_EVENTS))

    assert with_call(scenario) == []
