"""The call without I/O: facts in, commands and a deadline out."""

from typing import Any

from pipelines.core.call import CallCore
from pipelines.core.commands import AskModel, DropAudio, RunTool
from pipelines.core.events import (
    AnswerFinished,
    ClauseBegan,
    SpeechCame,
    SpeechEnded,
    TimePassed,
)
from pipelines.core.exchange import Say, StateChanged, Typed
from pipelines.core.memory.chat import ToolCall
from pipelines.core.memory.tools import Tool, repeatable, tool
from pipelines.core.policies import CallFormat, Policies

RATE_HZ = 24_000


def new_call(*tools: Tool) -> CallCore:
    form = CallFormat(in_rate_hz=16_000, out_rate_hz=RATE_HZ)
    return CallCore(Policies(tools=tools), form, now=0.0)


def slow(name: str, limit_s: float) -> Tool:
    @repeatable
    async def read() -> str:
        """Read it."""
        return ""

    return tool(read, name=name, limit_s=limit_s)


def pass_time(core: CallCore, until_s: float) -> list[tuple[float, Any]]:
    """The commands, and when; each deadline lies behind the one before."""
    commands, now = [], -1.0
    while (deadline := core.deadline) is not None and deadline <= until_s:
        assert deadline > now, "a deadline that stays in the past keeps a processor busy"
        now = deadline
        commands += [(now, command) for command in core.handle(TimePassed(), now)]
    return commands


def test_the_slower_of_two_tools_is_waited_for_without_a_deadline_in_the_past() -> None:
    core = new_call(slow("stock", 1.0), slow("price", 3.0))
    core.handle(Typed("What does it cost?"), 0.0)
    calls = (ToolCall("a", "stock", "{}"), ToolCall("b", "price", "{}"))
    begun = core.handle(AnswerFinished(1, "", tool_calls=calls), 0.1)

    assert [type(command) for command in begun] == [RunTool, RunTool]
    asked = [at for at, command in pass_time(core, 5.0) if isinstance(command, AskModel)]
    assert asked == [3.1]


def test_sound_that_comes_after_the_end_of_a_reply_is_dropped() -> None:
    """A processor of sound may hold back a tail, and let it go behind the end."""
    core = new_call()
    core.handle(Say("Hello."), 0.0)
    for fact in (ClauseBegan(1, "Hello."), SpeechCame(1, RATE_HZ // 2, 0), SpeechEnded(1)):
        core.handle(fact, 0.1)
    heard = [command for _, command in pass_time(core, 5.0)]

    assert heard[-1] == StateChanged("listening")
    assert core.handle(SpeechCame(1, 480, 0), 2.0) == [DropAudio(1)]
