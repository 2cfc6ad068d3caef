"""The bot tells what its tools have done by itself when nobody speaks, and not before."""

import pytest

from pipelines.core.commands import CommitReply, ResumeReply, StartReply, StopReply, TurnCommand
from pipelines.core.events import (
    Listened,
    PlayoutEnded,
    PlayoutStarted,
    ResultsWaiting,
    SayAsked,
    SilenceAsked,
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
    TurnFact,
)
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.policy import TurnPolicy
from pipelines.core.turn.state import TurnState
from tests.pipelines.core.turn.feeding import feed

WAITING, NONE = ResultsWaiting(True), ResultsWaiting(False)


def unasked(commands: list[TurnCommand]) -> list[int]:
    """The replies that nobody has asked for."""
    started = [c.reply_id for c in commands if isinstance(c, StartReply) and not c.text]
    let_go = [c.reply_id for c in commands if isinstance(c, CommitReply) and not c.text]
    assert started == let_go
    return started


def state(turns: TurnMachine) -> TurnState:
    return turns.state


def machine() -> TurnMachine:
    return TurnMachine(TurnPolicy())


def test_when_nobody_speaks_they_are_told_at_once_and_once() -> None:
    turns = machine()
    assert unasked(feed(turns, WAITING)) == [1]
    assert state(turns) is TurnState.THINKING
    assert unasked(feed(turns, PlayoutStarted(1), PlayoutEnded(1))) == []
    assert state(turns) is TurnState.IDLE


BUSY: dict[str, tuple[TurnFact, ...]] = {
    "hearing": (SpeechStarted(1.0),),
    "paused": (SpeechStarted(1.0), SpeechPaused(2.0)),
    "thinking": (TextTyped("hello"),),
    "speaking": (TextTyped("hello"), PlayoutStarted(1)),
    "contested": (TextTyped("hello"), PlayoutStarted(1), SpeechStarted(1.0)),
}


@pytest.mark.parametrize("facts", BUSY.values(), ids=BUSY)
def test_while_somebody_speaks_they_wait(facts: tuple[TurnFact, ...]) -> None:
    turns = machine()
    before = feed(turns, *facts)
    assert unasked([*before, *feed(turns, WAITING)]) == []


def test_they_are_told_when_the_answer_to_something_else_is_over() -> None:
    turns = machine()
    feed(turns, TextTyped("hello"), PlayoutStarted(1), WAITING)
    assert unasked(feed(turns, PlayoutEnded(1))) == [2]


def test_what_an_answer_has_told_of_is_not_told_again() -> None:
    turns = machine()
    feed(turns, TextTyped("hello"), WAITING, NONE, PlayoutStarted(1))
    assert unasked(feed(turns, PlayoutEnded(1))) == []


def test_the_button_and_a_sound_without_words_give_the_floor_back() -> None:
    turns = machine()
    feed(turns, TextTyped("hello"), WAITING)
    assert unasked(feed(turns, SilenceAsked())) == [2]
    turns = machine()
    feed(turns, SpeechStarted(1.0), WAITING, SpeechPaused(1.3))
    assert unasked(feed(turns, Transcribed("", 1.3, final=True))) == [1]


def test_a_cough_before_its_first_sound_is_heard_changes_nothing() -> None:
    turns = machine()
    feed(turns, WAITING, SpeechStarted(1.0), SpeechPaused(1.2), Transcribed("", 1.2, final=True))
    commands = feed(turns, Listened(3.0))
    assert [command for command in commands if isinstance(command, ResumeReply)]
    assert state(turns) is TurnState.THINKING
    feed(turns, PlayoutStarted(1))
    assert state(turns) is TurnState.SPEAKING


def test_who_speaks_before_its_first_sound_has_a_turn_of_their_own() -> None:
    turns = machine()
    before = turns.turn_id
    commands = feed(turns, WAITING, SpeechStarted(1.0), Transcribed("wait a minute", 2.0, False))
    assert [command for command in commands if isinstance(command, StopReply)]
    assert turns.turn_id == before + 1
    assert turns.text == "wait a minute"


def test_what_the_house_has_to_say_goes_before() -> None:
    turns = machine()
    feed(turns, TextTyped("hello"), PlayoutStarted(1), WAITING)
    commands = feed(turns, SayAsked("Goodbye!"))
    assert [c.say for c in commands if isinstance(c, StartReply)] == ["Goodbye!"]
    assert unasked(feed(turns, PlayoutStarted(2), PlayoutEnded(2))) == [3]
