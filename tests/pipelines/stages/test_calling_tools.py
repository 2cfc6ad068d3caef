"""A tool is called once it is sure that the person has finished, and not before."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from pipelines.cascade import Policies
from pipelines.core.exchange import StateChanged
from pipelines.core.memory.tool_lines import STILL_RUNNING
from pipelines.core.memory.tools import DEFAULT_LIMIT_S, Tool, repeatable, tool
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.protocols import ChatMessage, ServiceError, ToolCall
from pipelines.words import ENGLISH
from tests.pipelines.core.turn.certainty import certain
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import Cue, Rehearsed, rehearse, says, speech_end

QUESTION = "what time is it?"
PATIENT = TurnPolicy(endpointing=certain(0.5, lead_s=0.35))
"""A reply is begun after 0.15 s of silence, and let go after 0.5 s."""


def call(name: str, arguments: str = "{}", call_id: str = "1") -> Step:
    return (0.1, ToolCall(call_id, name, arguments))


Answers = Callable[[Sequence[ChatMessage]], Iterable[Step]]


def with_tools(*wanted: Step, then: str = "It is {}, and that is all.") -> Answers:
    """Asks for tools, and repeats what they said."""

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        results = [m.content for m in messages if m.role == "tool"]
        return paced(then.format(" ".join(results))) if results else wanted

    return answers


class Clock:
    """A tool that takes its time, and notes when it was called."""

    def __init__(self, takes_s: float = 0.0, says: str = "noon") -> None:
        self.called_s: list[float] = []
        self.finished = 0
        self.takes_s = takes_s
        self.says = says

    def tool(
        self,
        name: str = "clock",
        limit_s: float = DEFAULT_LIMIT_S,
        marked: Callable[[Any], Any] = lambda function: function,
    ) -> Tool:
        @marked
        async def read() -> str:
            """Read the clock."""
            self.called_s.append(asyncio.get_running_loop().time())
            await asyncio.sleep(self.takes_s)
            self.finished += 1
            return self.says

        return tool(read, name=name, limit_s=limit_s)


def play(*cues: Cue, tools: Sequence[Tool] = (), **scene: Any) -> Rehearsed:
    policies = Policies(tools=tuple(tools), turn=PATIENT, hangs_up=scene.pop("hangs_up", False))
    return rehearse(*cues, policies=policies, **{"until_s": 8.0, **scene})


def committed_s(rehearsed: Rehearsed) -> float:
    return next(at for at, item in rehearsed.sent if item == StateChanged("thinking"))


def test_a_tool_is_called_and_its_result_is_spoken() -> None:
    clock = Clock()
    done = play(says(1.0, QUESTION), tools=[clock.tool()], answers=with_tools(call("clock")))

    assert done.heard_text == "It is noon, and that is all."
    assert len(clock.called_s) == 1
    assert [m.role for m in done.llm.requests[-1]][-3:] == ["user", "assistant", "tool"]
    assert [t["function"] for s in done.llm.samplings for t in s.tools] == [
        {
            "name": "clock",
            "description": "Read the clock.",
            "parameters": {"type": "object", "properties": {}, "required": []},
        }
    ] * 2
    assert done.lines == [
        ("user", QUESTION),
        ("tool", "clock {}: noon"),
        ("assistant", "It is noon, and that is all."),
    ]
    assert (done.errors, done.tasks_left, done.streams_open) == ([], set(), 0)


def test_nothing_is_called_before_the_person_has_finished() -> None:
    clock, reader = Clock(), Clock()
    answers = with_tools(call("clock"))
    done = play(says(1.0, QUESTION), tools=[clock.tool()], answers=answers)
    tools = [reader.tool(marked=repeatable)]
    read = play(says(1.0, QUESTION), tools=tools, answers=answers)

    assert done.asked_s[0] + 0.1 < committed_s(done)
    settled_s = speech_end(says(1.0, QUESTION)) + AnsweringPolicy().settled_s
    assert clock.called_s == [pytest.approx(settled_s, abs=0.06)]
    assert clock.called_s[0] > committed_s(done)
    assert reader.called_s == [committed_s(read)]


def test_nothing_is_called_for_an_answer_that_is_withdrawn() -> None:
    clock = Clock()
    first = says(1.0, QUESTION)

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        if messages[-1].content == QUESTION:
            return [call("clock")]
        return paced("In Paris it is one.")

    again = says(speech_end(first) + 0.3, "in Paris?")
    done = play(first, again, tools=[clock.tool()], answers=answers)

    assert done.questions == [QUESTION, f"{QUESTION} in Paris?"]
    assert clock.called_s == []
    assert done.heard_text == "In Paris it is one."


def test_tools_that_are_asked_for_together_run_together() -> None:
    one, other = Clock(0.5, "one"), Clock(0.5, "two")
    wanted = with_tools(call("one", call_id="a"), call("two", call_id="b"))
    done = play(says(1.0, QUESTION), tools=[one.tool("one"), other.tool("two")], answers=wanted)

    assert one.called_s == other.called_s
    assert done.heard_text == "It is one two, and that is all."
    assert [m.answers for m in done.llm.requests[-1][-2:]] == ["a", "b"]


def test_a_long_wait_is_bridged_and_the_bridge_is_not_the_answer() -> None:
    clock = Clock(2.5)
    done = play(says(1.0, QUESTION), tools=[clock.tool()], answers=with_tools(call("clock")))

    assert done.heard_text == f"{ENGLISH.meanwhile} It is noon, and that is all."
    bridged_s, answered_s = done.heard[0].start_s, done.heard[3].start_s
    assert bridged_s == pytest.approx(committed_s(done) + 1.0, abs=0.05)
    (row,) = done.rows
    waited_s = answered_s - speech_end(says(1.0, QUESTION))
    assert float(str(row["voice_to_voice_s"])) == pytest.approx(waited_s, abs=0.03)


def test_a_short_wait_and_words_before_the_call_need_no_bridge() -> None:
    quick, slow = Clock(0.7), Clock(2.5)
    done = play(says(1.0, QUESTION), tools=[quick.tool()], answers=with_tools(call("clock")))
    assert ENGLISH.meanwhile not in done.heard_text
    begun = with_tools(*paced("Let me look."), call("clock"))
    done = play(says(1.0, QUESTION), tools=[slow.tool()], answers=begun)
    assert done.heard_text == "Let me look. It is noon, and that is all."


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (call("clock", "{"), "error: the arguments are not JSON"),
        (call("clock", '{"x": 1}'), "error: there is no parameter 'x'"),
        (call("compass"), "error: there is no tool 'compass'"),
    ],
)
def test_what_the_model_gets_wrong_it_is_told(wanted: Step, told: str) -> None:
    done = play(says(1.0, QUESTION), tools=[Clock().tool()], answers=with_tools(wanted))
    assert done.llm.requests[-1][-1].content == told


def test_an_answer_waits_for_a_tool_no_longer_than_its_limit() -> None:
    slow, quick = Clock(60.0), Clock(0.1, "two")
    tools = [slow.tool("one", limit_s=2.0), quick.tool("two")]
    wanted = with_tools(call("one", call_id="a"), call("two", call_id="b"))
    done = play(says(1.0, QUESTION), tools=tools, answers=wanted)

    assert [m.content for m in done.llm.requests[-1][-2:]] == [STILL_RUNNING, "two"]
    assert done.asked_s[1] == pytest.approx(slow.called_s[0] + 2.0)
    assert (slow.finished, quick.finished) == (0, 1)


def test_a_tool_that_raises_costs_only_its_own_result() -> None:
    async def broken() -> str:
        """Break."""
        raise RuntimeError("nobody should hear this")

    tools = [tool(broken), Clock().tool()]
    wanted = with_tools(call("broken", call_id="a"), call("clock", call_id="b"))
    done = play(says(1.0, QUESTION), tools=tools, answers=wanted)
    assert [m.content for m in done.llm.requests[-1][-2:]] == ["error: it failed", "noon"]


@pytest.mark.parametrize(("marked", "runs"), [(repeatable, 4), (lambda function: function, 1)])
def test_a_model_that_asks_for_ever_is_apologised_for(
    marked: Callable[[Any], Any], runs: int
) -> None:
    clock = Clock()
    tools = [clock.tool(marked=marked)]
    done = play(says(1.0, QUESTION), tools=tools, answers=lambda messages: [call("clock")])
    assert len(clock.called_s) == runs
    assert done.heard_text == ENGLISH.apology


# ---- hanging up ----


def test_the_call_ends_when_the_last_word_was_heard() -> None:
    done = play(
        says(1.0, "goodbye"), answers=with_tools(call("hang_up"), then="Good bye now."),
        hangs_up=True,
    )  # fmt: skip
    assert done.heard_text == "Good bye now."
    assert done.ended_s is not None
    assert done.heard[-1].end_s <= done.ended_s <= done.heard[-1].end_s + 1.1
    assert (done.errors, done.tasks_left) == ([], set())


def test_a_goodbye_that_came_with_the_request_is_not_said_twice() -> None:
    answers = with_tools(*paced("Good bye now."), call("hang_up"), then="Never said.")
    done = play(says(1.0, "goodbye"), answers=answers, hangs_up=True)
    assert done.heard_text == "Good bye now."
    assert len(done.llm.requests) == 1
    assert done.ended_s is not None


def test_who_interrupts_the_goodbye_stays_on_the_line() -> None:
    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        if messages[-1].content == "goodbye":
            return [call("hang_up")]
        if messages[-1].role == "tool":
            return paced("Good bye now and thank you very much for all of your patience.")
        return paced("I am here.")

    done = play(says(1.0, "goodbye"), says(3.5, "wait one more thing"), answers=answers,
                hangs_up=True)  # fmt: skip
    assert done.ended_s is None
    assert done.heard_text.endswith("I am here.")


def test_a_hang_up_is_done_even_where_the_goodbye_fails() -> None:
    down = ServiceError("llm", "scripted", retryable=True)

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        return [(0.1, down)] if messages[-1].role == "tool" else [call("hang_up")]

    done = play(says(1.0, "goodbye"), answers=answers, hangs_up=True)
    assert done.heard_text == ENGLISH.apology
    assert done.ended_s is not None
