"""Questions in a recorded call, and when the answer comes to one who asks again."""

import asyncio
from typing import Any, cast

import pytest

from pipelines.services.protocols import ChatMessage, LanguageModel
from replay import virtual_time
from replay.memory import Memory, Past, stretch
from replay.remembered import Recalled, RememberedLanguageModel


def line(at_s: float, kind: str, what: str, **values: Any) -> dict[str, Any]:
    return {"t": at_s, "k": kind, "type": what, **values}


def asked_once() -> Past:
    found = Memory(
        [
            line(10.0, "model", "Asked", question=1, of="stt", start_s=8, end_s=9.9, final=True),
            line(10.1, "model", "Answered", question=1, of="stt", text="yes"),
            line(10.104, "fact", "Transcribed", text="yes"),
            line(10.2, "fact", "Transcribed", text="yes"),
        ]
    ).find("stt", stretch(8, 9.9, final=True))
    assert found is not None
    return found


def due_s(past: Past, asked_s: float) -> float:
    assert past.end is not None
    return past.due_s(past.end["t"], asked_s)


def test_an_answer_comes_when_the_ears_had_taken_it() -> None:
    assert due_s(asked_once(), 10.0) == pytest.approx(10.104)


def test_who_asks_a_moment_sooner_has_it_when_it_came_then() -> None:
    assert due_s(asked_once(), 9.995) == pytest.approx(10.104)


@pytest.mark.parametrize("apart_s", [-0.5, -0.02, 0.01, 0.5])
def test_who_asks_at_another_time_waits_as_long_as_then(apart_s: float) -> None:
    assert due_s(asked_once(), 10.0 + apart_s) == pytest.approx(10.104 + apart_s)


def test_an_answer_that_was_called_off_at_once_is_called_off_again_and_nobody_is_asked() -> None:
    asked = {"of": "llm", "messages": [["user", "Hello."]]}
    recalled = Recalled(
        Memory(
            [
                line(1.0, "model", "Asked", question=1, **asked),
                line(1.1, "model", "CalledOff", question=1, of="llm"),
                line(2.0, "model", "Asked", question=2, **asked | {"messages": [["user", "Hi."]]}),
                line(2.2, "model", "Came", question=2, of="llm", text="Yes?"),
                line(2.3, "model", "Answered", question=2, of="llm"),
            ]
        )
    )
    llm = RememberedLanguageModel(recalled, cast(LanguageModel, None))

    async def ask(for_s: float) -> list[object]:
        try:
            async with asyncio.timeout(for_s):
                return [delta async for delta in llm.stream([ChatMessage("user", "Hello.")])]
        except TimeoutError:
            return []

    async def scenario() -> None:
        await asyncio.sleep(1.0)
        assert await ask(0.1) == []
        assert recalled.again == {}
        assert len(await ask(5.0)) == 2  # who waits on is given an answer

    virtual_time.run(scenario())
    assert sum(recalled.again.values()) == 1
