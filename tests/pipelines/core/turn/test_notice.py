"""A notice that must be heard: nothing stops it, and nothing that the person does meanwhile is
lost.
"""

import pytest

from pipelines.core.commands import (
    CommitReply,
    ForgetSpeech,
    PauseReply,
    StartReply,
    StopReply,
    TurnCommand,
    WithdrawReply,
)
from pipelines.core.events import (
    Listened,
    MicrophoneClosed,
    PlayoutEnded,
    PlayoutStarted,
    SayAsked,
    SilenceAsked,
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
    TurnFact,
)
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.notice import Notice
from pipelines.core.turn.policy import TurnPolicy
from pipelines.core.turn.state import TurnState

NOTICE = "Hello! This call is recorded for training and quality."

HELLO: list[TurnFact] = [
    SpeechStarted(2.0),
    Transcribed("Hello", 2.2, final=False),
    SpeechPaused(2.5),
    Transcribed("Hello there.", 2.6, final=True),
]


def announced(*over_it: TurnFact, until_s: float = 6.0) -> tuple[TurnMachine, list[TurnCommand]]:
    """The machine once the notice has been heard, and all that it wanted from then on."""
    turns = TurnMachine(TurnPolicy())
    turns.handle(SayAsked(NOTICE, must_be_heard=True))
    turns.handle(PlayoutStarted(1))
    for fact in over_it:
        assert turns.handle(fact) == [], "something stops it"
    turns.handle(Listened(until_s))
    assert turns.state is TurnState.ANNOUNCING
    commands = turns.handle(PlayoutEnded(1))
    for tenth in range(30):
        commands += turns.handle(Listened(until_s + 0.1 * tenth))
    return turns, commands


def committed(commands: list[TurnCommand]) -> list[str]:
    stopped = (StopReply, WithdrawReply, PauseReply)
    assert not any(isinstance(command, stopped) for command in commands)
    return [command.text for command in commands if isinstance(command, CommitReply)]


def test_the_notice_is_committed_as_such() -> None:
    commands = TurnMachine(TurnPolicy()).handle(SayAsked(NOTICE, must_be_heard=True))

    assert commands[-2:] == [StartReply(1, 1, "", NOTICE), CommitReply(1, 1, "", True)]


def test_a_notice_over_which_nothing_happens_leaves_the_floor_free() -> None:
    turns, commands = announced()

    assert (turns.state, committed(commands)) == (TurnState.IDLE, [])


def test_speech_over_it_is_answered_after_it() -> None:
    _, commands = announced(*HELLO)

    assert committed(commands) == ["Hello there."]


def test_speech_that_was_not_understood_yet_is_answered_once_it_is() -> None:
    turns, commands = announced(*HELLO[:3])
    assert committed(commands) == []

    assert committed(turns.handle(HELLO[3])) == ["Hello there."]


def test_speech_that_goes_on_at_its_end_is_heard_to_its_own() -> None:
    turns, commands = announced(*HELLO[:2], until_s=2.3)
    assert (turns.state, committed(commands)) == (TurnState.HEARING, [])

    commands = [
        command
        for fact in (*HELLO[2:], *(Listened(2.6 + 0.1 * tenth) for tenth in range(30)))
        for command in turns.handle(fact)
    ]

    assert committed(commands) == ["Hello there."]


def test_several_stretches_of_speech_are_one_turn() -> None:
    more: list[TurnFact] = [SpeechStarted(3.0), SpeechPaused(4.0)]
    _, commands = announced(*HELLO, *more, Transcribed("Hello there. A table.", 4.1, final=True))

    assert committed(commands) == ["Hello there. A table."]


def test_words_that_are_still_listened_to_at_its_end_are_in_the_turn() -> None:
    more: list[TurnFact] = [SpeechStarted(5.0), SpeechPaused(5.9)]
    turns, commands = announced(*HELLO, *more)
    assert committed(commands) == []

    assert committed(turns.handle(Transcribed("Hello there. A table.", 6.0, final=True))) == [
        "Hello there. A table."
    ]


def test_typed_text_and_keys_wait_and_are_one_turn() -> None:
    _, commands = announced(TextTyped("(keys: 1)"), SilenceAsked(), TextTyped("(keys: 2)"))

    assert committed(commands) == ["(keys: 1) (keys: 2)"]


def test_what_is_typed_and_said_over_it_is_one_turn() -> None:
    _, commands = announced(*HELLO, TextTyped("for two"))

    assert committed(commands) == ["for two Hello there."]


def test_neither_a_button_nor_the_muted_microphone_stops_it() -> None:
    _, commands = announced(SilenceAsked(), MicrophoneClosed(), SilenceAsked())

    assert committed(commands) == []


def test_a_cough_over_it_is_no_turn() -> None:
    over: list[TurnFact] = [SpeechStarted(2.0), SpeechPaused(2.2), Transcribed("", 2.3, final=True)]
    turns, commands = announced(*over)

    assert (turns.state, committed(commands)) == (TurnState.IDLE, [])
    assert isinstance(commands[-1], ForgetSpeech)


@pytest.mark.parametrize(
    "echo", ["call is recorded", "This call is recorded for training", "training and quality."]
)
def test_its_own_echo_is_no_turn(echo: str) -> None:
    over: list[TurnFact] = [
        SpeechStarted(2.0),
        SpeechPaused(3.0),
        Transcribed(echo, 3.1, final=True),
    ]
    turns, commands = announced(*over)

    assert (turns.state, committed(commands)) == (TurnState.IDLE, [])


@pytest.mark.parametrize("said", ["Hello!", "Is this call recorded?", "Recorded for what?"])
def test_a_person_who_uses_its_words_is_answered(said: str) -> None:
    over: list[TurnFact] = [
        SpeechStarted(2.0),
        SpeechPaused(3.0),
        Transcribed(said, 3.1, final=True),
    ]
    _, commands = announced(*over)

    assert committed(commands) == [said]


def test_what_else_the_bot_is_to_say_comes_after_it() -> None:
    _, commands = announced(SayAsked("Sorry, I can't hear you.", ends_call=True))

    starts = [command for command in commands if isinstance(command, StartReply)]
    assert [(start.say, start.ends_call) for start in starts] == [
        ("Sorry, I can't hear you.", True)
    ]


def test_a_person_who_spoke_already_when_it_began_is_answered_after_it() -> None:
    turns = TurnMachine(TurnPolicy())
    turns.handle(SpeechStarted(0.5))
    turns.handle(SayAsked(NOTICE, must_be_heard=True))
    turns.handle(SpeechPaused(1.5))
    turns.handle(Transcribed("a table please", 1.6, final=True))
    turns.handle(Listened(6.0))

    assert committed(turns.handle(PlayoutEnded(1))) == ["a table please"]


def test_a_notice_that_cannot_be_spoken_keeps_nobody_waiting() -> None:
    turns = TurnMachine(TurnPolicy())
    turns.handle(SayAsked(NOTICE, must_be_heard=True))
    for fact in (*HELLO, Listened(6.0)):
        turns.handle(fact)

    assert committed(turns.handle(PlayoutEnded(1))) == ["Hello there."]


def test_texts_that_wait_are_counted_with_the_blanks_between_them() -> None:
    notice = Notice(NOTICE)
    notice.wait(TextTyped("abc"))
    notice.wait(TextTyped(" de "))
    assert notice.typed == len("abc ") + len("de ")
