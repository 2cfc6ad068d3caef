"""The end of a call, and faults within one: the rest goes on, and nothing is left."""

import asyncio
from collections.abc import Iterable, Sequence

from pipelines.cascade import Policies
from pipelines.core.exchange import Typed
from pipelines.core.memory.tools import Afterwards, tool
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.services.protocols import AS_SET, ChatMessage, Sampling, ToolCall
from pipelines.words import ENGLISH
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import does, rehearse, says

ASKED = does(1.0, Typed("Book a table."))


class Prompts:
    """`PromptCache`."""

    def __init__(self) -> None:
        self.warmed: list[Sequence[ChatMessage]] = []

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        self.warmed.append(messages)

    async def count(self, text: str) -> int | None:
        return None


def booked(messages: Sequence[ChatMessage]) -> Iterable[Step]:
    if any(message.role == "tool" for message in messages):
        return paced("It is booked.")
    return [(0.1, ToolCall("1", "book", "{}"))]


def test_a_tool_that_outlives_its_call_brings_nothing_about() -> None:
    ended_s: list[float] = []

    async def book() -> str:
        """Book a table."""
        await asyncio.sleep(5.0)
        ended_s.append(asyncio.get_running_loop().time())
        return "done"

    policies = Policies(tools=(tool(book),))
    call = rehearse(ASKED, policies=policies, answers=booked, microphone=False, until_s=4.0)

    assert len(ended_s) == 1
    assert len(call.asked_s) == 1
    assert [item for at, item in call.sent if at > 4.0] == []
    assert ("tool", "book {}: done") in call.lines
    assert (call.errors, call.tasks_left) == ([], set())


def test_a_promise_that_breaks_takes_nothing_else_with_it() -> None:
    def transfer() -> None:
        raise OSError("no such line")

    async def book() -> Afterwards:
        """Book a table."""
        return Afterwards("done", transfer)

    prompts = Prompts()
    policies = Policies(tools=(tool(book),), answering=AnsweringPolicy(warm=True))
    call = rehearse(ASKED, policies=policies, answers=booked, microphone=False, prompts=prompts)

    (error,) = call.errors
    assert "no such line" in error
    assert prompts.warmed[-1][-2].content == "It is booked."


def broken(item: object) -> bool:
    """As an adapter with a fault of its own: that is no `ServiceError`."""
    raise LookupError("broken")


def test_a_voice_that_breaks_ends_its_reply() -> None:
    call = rehearse(ASKED, tts_is_silent=broken, microphone=False)
    assert call.states == ["thinking", "listening"]
    assert (call.errors, call.tasks_left) == ([], set())


def test_ears_that_break_end_the_turn() -> None:
    call = rehearse(says(1.0, "what time is it?"), stt_fails=broken)
    assert call.states[-1] == "listening"
    assert call.lines[-1] == ("assistant", ENGLISH.unheard)
    assert (call.errors, call.tasks_left) == ([], set())
