"""The call without I/O: facts in, commands and a deadline out."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from pipelines.core.call import CallCore
from pipelines.core.commands import (
    AbortReply,
    AskModel,
    CancelAnswer,
    CancelVoice,
    CloseReply,
    CommitReply,
    DropAudio,
    OpenReply,
    PlayAudio,
    RunTool,
)
from pipelines.core.events import (
    AnswerFailed,
    AnswerFinished,
    ClauseBegan,
    FirstToken,
    QuestionArrived,
    SpeechCame,
    SpeechEnded,
    TimePassed,
)
from pipelines.core.exchange import Say, StateChanged, StopSpeaking, Typed
from pipelines.core.memory.chat import ToolCall
from pipelines.core.memory.toolbox import CALL_IDS
from pipelines.core.memory.tools import Tool, repeatable, tool
from pipelines.core.policies import CallFormat, Policies
from pipelines.core.recording import Noted
from pipelines.core.speaking.delivery import END_WITHIN_S
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.words import ENGLISH

LOST_S = AnsweringPolicy().lost_s
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


# ---- lost on the way ----


def test_a_question_that_is_lost_on_its_way_to_the_model_ends_in_an_apology() -> None:
    core = new_call()
    core.handle(Typed("What does it cost?"), 0.0)
    passed = pass_time(core, 60.0)

    assert passed[0] == (LOST_S, CancelAnswer(1))
    error = "llm: the question was lost on its way"
    assert passed[1] == (LOST_S, CloseReply(1, sorry=ENGLISH.apology, error=error))


def test_a_model_that_has_the_question_is_waited_for() -> None:
    core = new_call()
    core.handle(Typed("What does it cost?"), 0.0)
    core.handle(QuestionArrived(1), LOST_S - 0.1)

    assert pass_time(core, 600.0) == []


def test_an_answer_shows_that_the_question_has_arrived() -> None:
    """Recordings of calls before 0.3 do not say when it did."""
    core = new_call()
    core.handle(Typed("What does it cost?"), 0.0)
    core.handle(FirstToken(1, 0.0, 1.0), 1.0)

    assert pass_time(core, 600.0) == []


def test_a_question_with_results_can_be_lost_as_well() -> None:
    core = new_call(slow("stock", 1.0))
    core.handle(Typed("What does it cost?"), 0.0)
    core.handle(QuestionArrived(1), 0.0)
    core.handle(AnswerFinished(1, "", tool_calls=(ToolCall("a", "stock", "{}"),)), 0.1)
    closed = [at for at, one in pass_time(core, 60.0) if isinstance(one, CloseReply)]

    assert closed == [1.1 + LOST_S]


def test_a_question_that_nobody_waits_for_any_more_is_not_apologised_for() -> None:
    core = new_call()
    core.handle(Typed("What does it cost?"), 0.0)
    core.handle(StopSpeaking(), 1.0)

    assert [one for _, one in pass_time(core, 60.0) if isinstance(one, CloseReply)] == []


def test_a_reply_whose_end_is_lost_is_over_once_nothing_of_it_has_come_for_long() -> None:
    core = new_call()
    core.handle(Say("Hello."), 0.0)
    core.handle(ClauseBegan(1, "Hello."), 0.1)
    core.handle(SpeechCame(1, RATE_HZ, 0), 0.2)
    passed = pass_time(core, 60.0)

    assert passed[-1] == (0.2 + END_WITHIN_S, StateChanged("listening"))


def test_a_reply_of_which_nothing_comes_is_over_as_well() -> None:
    core = new_call()
    core.handle(Say("Hello."), 0.0)

    assert pass_time(core, 60.0)[-1] == (END_WITHIN_S, StateChanged("listening"))


def test_an_answer_that_the_model_has_not_ended_is_waited_for() -> None:
    core = new_call()
    core.handle(Typed("What does it cost?"), 0.0)
    core.handle(FirstToken(1, 0.0, 1.0), 1.0)
    core.handle(ClauseBegan(1, "Well,"), 1.1)
    core.handle(SpeechCame(1, RATE_HZ, 0), 1.1)

    assert StateChanged("listening") not in [one for _, one in pass_time(core, 600.0)]


# ---- where something raises ----


def test_what_was_decided_before_something_raised_is_not_lost() -> None:
    def note(item: Noted) -> None:
        if isinstance(item, CommitReply):
            raise OSError("no space left")

    form = CallFormat(in_rate_hz=16_000, out_rate_hz=RATE_HZ)
    core = CallCore(Policies(), form, now=0.0, note=note)
    with pytest.raises(OSError, match="no space left"):
        core.handle(Typed("What does it cost?"), 0.0)

    kinds = [type(command) for command in core.decided()]
    assert kinds == [OpenReply, AskModel, StateChanged]
    assert core.decided() == []


def test_a_ledger_that_raises_keeps_no_turn_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    core = new_call()

    def raises(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(core._measuring, "playout", raises)
    core.handle(Say("Hello."), 0.0)
    decided: list[Any] = []
    for fact in (ClauseBegan(1, "Hello."), SpeechCame(1, RATE_HZ // 50, 0), SpeechEnded(1)):
        with contextlib.suppress(ZeroDivisionError):
            core.handle(fact, 0.1)
        decided += core.decided()
    with pytest.raises(ZeroDivisionError):
        core.handle(TimePassed(), 1.0)
    decided += core.decided()

    states = [one.state for one in decided if isinstance(one, StateChanged)]
    assert states == ["speaking", "listening"]


@pytest.mark.parametrize("part", ["_keypad", "_answers"])
def test_a_part_that_raises_keeps_sound_from_nobody(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = new_call()
    core.handle(Say("Hello."), 0.0)
    core.handle(ClauseBegan(1, "Hello."), 0.0)
    core.handle(SpeechCame(1, RATE_HZ, 0), 0.0)

    def raises(now: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(getattr(core, part), "due", raises)
    with pytest.raises(ZeroDivisionError):
        core.handle(TimePassed(), 0.1)

    assert any(isinstance(one, PlayAudio) for one in core.decided())


@pytest.mark.parametrize("part", ["_delivery", "_answers"])
def test_a_part_that_raises_keeps_no_other_from_ending_the_reply(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = new_call()
    core.handle(Typed("What does it cost?"), 0.0)

    def raises(reply_id: int, now: float) -> None:
        raise ZeroDivisionError

    owner, method = getattr(core, part), {"_delivery": "stop", "_answers": "cancel"}[part]
    monkeypatch.setattr(owner, method, raises)
    with pytest.raises(ZeroDivisionError):
        core.handle(StopSpeaking(), 1.0)

    kinds = [type(one) for one in core.decided()]
    wanted = [AbortReply, CancelVoice, *([CancelAnswer] if part == "_delivery" else [])]
    assert [kind for kind in kinds if kind in (AbortReply, CancelVoice, CancelAnswer)] == wanted
    assert kinds[-1] is StateChanged


class Touchy:
    """A default of a type that compares with nothing."""

    def __eq__(self, other: object) -> bool:
        raise TypeError("what is that?")

    __hash__ = object.__hash__


def test_a_tool_whose_arguments_cannot_be_compared_stops_no_other() -> None:
    touchy = replace(slow("price", 1.0), types={"of": str}, defaults={"of": Touchy()})
    core = new_call(slow("stock", 1.0), touchy)
    core.handle(Typed("What does it cost?"), 0.0)
    calls = ToolCall("a", "stock", "{}"), ToolCall("b", "price", '{"of": "tea"}')
    begun = core.handle(AnswerFinished(1, "", tool_calls=calls), 0.1)

    assert [command.name for command in begun if isinstance(command, RunTool)] == ["stock"]
    results = [use.result for line in core.conversation.lines for use in line.uses]
    assert results == [None, "error: the arguments cannot be understood"]


# ---- a call that goes on and on ----


def test_a_long_call_remembers_no_more_of_failed_answers_and_typed_turns_than_a_short_one() -> None:
    core = new_call()
    for turn in range(1, 301):
        core.handle(Typed("Hello?"), 10.0 * turn)
        core.handle(AnswerFailed(turn, "llm: it broke"), 10.0 * turn + 1.0)
        if turn % 3:  # the others are interrupted
            core.handle(SpeechCame(turn, RATE_HZ, 0), 10.0 * turn + 2.0)
            core.handle(SpeechEnded(turn), 10.0 * turn + 2.0)
            pass_time(core, 10.0 * turn + 9.0)

    measuring, answers = core._measuring, core._answers
    assert len(answers._broken) <= 1
    assert max(len(measuring._unasked), len(measuring._turns)) <= 64


def test_a_long_call_remembers_the_newest_ids_of_calls() -> None:
    core = new_call(slow("stock", 1.0))
    core.handle(Typed("What does it cost?"), 0.0)
    given = [core._answers._toolbox._call_id(wanted) for wanted in ["a", "", "a"] * CALL_IDS]

    assert given[:3] == ["a", "call00000", "call00001"]
    assert len(set(given[-CALL_IDS:])) == CALL_IDS
    assert len(core._answers._toolbox._call_ids) == CALL_IDS
