"""Only a part of an answer came: the bot asks for the rest, and the turn stays the person's."""

from dataclasses import replace

import pytest

from pipelines.core.commands import (
    CommitReply,
    ForgetSpeech,
    StartReply,
    StopReply,
    WithdrawReply,
)
from pipelines.core.events import (
    Listened,
    MicrophoneClosed,
    PlayoutEnded,
    PlayoutStarted,
    SilenceAsked,
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
)
from pipelines.core.turn.expectation import NOTHING, Expectation, Expected, expected_after
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.policy import TurnPolicy
from pipelines.core.turn.state import TurnState
from tests.pipelines.core.turn.feeding import feed

PHONE = Expectation(Expected.NUMBER, 10)
PART, REST, WHOLE = "Seven one five.", "one three nine zero seven eight seven", "715 139 0787"


def said(text: str, expected: Expectation = PHONE, prompt: str = "Go on.") -> TurnMachine:
    """A second of `text`, and a pause at 2 s."""
    turns = TurnMachine(TurnPolicy(), expected=lambda: expected, prompt=prompt)
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), Transcribed(text, 2.0, final=True))
    return turns


def prompted() -> TurnMachine:
    turns = said(PART)
    feed(turns, Listened(5.1))
    assert turns.state is TurnState.PROMPTING
    return turns


def test_the_rest_of_an_answer_is_asked_for_instead_of_answering_its_part() -> None:
    turns = said(PART)

    feed(turns, Listened(4.0))
    assert feed(turns, Listened(5.1)) == [StartReply(1, 1, "", "Go on."), CommitReply(1, 1, "")]
    assert turns.state is TurnState.PROMPTING


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("What is your phone number?", "My number is"),
        ("What is your phone number?", "It is seven one five, one three nine."),
        ("What is your address?", "The address is five five two Main Street."),
        ("Could you spell your name?", "F, I, T."),
        ("May I have your first and last name?", "It's Violet."),
        ("What is your date of birth?", "The third of May."),
        ("What is your email address?", "Ann dot lee at"),
        ("What is your name?", "My name is"),
    ],
)
def test_many_kinds_of_answers_can_be_given_in_part(asked: str, text: str) -> None:
    assert said(text, expected_after(asked)).handle(Listened(5.1))[0] == StartReply(
        1, 1, "", "Go on."
    )


@pytest.mark.parametrize(
    ("text", "expected", "prompt"),
    [
        (WHOLE, PHONE, "Go on."),
        ("I do not have one.", PHONE, "Go on."),
        (PART, NOTHING, "Go on."),
        ("My name is", NOTHING, "Go on."),
        ("Hi, my name is Ann Lee.", Expectation(Expected.REQUEST), "Go on."),
        (PART, PHONE, ""),
    ],
)
def test_all_else_is_answered(text: str, expected: Expectation, prompt: str) -> None:
    commands = feed(said(text, expected, prompt), Listened(5.1))

    assert CommitReply(1, 1, text) in commands


def test_what_comes_after_the_prompt_joins_what_came_before() -> None:
    turns = prompted()

    heard = feed(turns, PlayoutStarted(1), PlayoutEnded(1), SpeechStarted(7.0))
    both = f"{PART} {REST}"
    feed(turns, SpeechPaused(9.0), Transcribed(both, 9.0, final=True))
    answered = feed(turns, Listened(9.5))

    assert heard == []
    assert answered[-1] == CommitReply(2, 2, both)


def test_nothing_that_was_said_before_the_prompt_is_forgotten() -> None:
    turns = said(PART)

    commands = feed(turns, Listened(5.1), PlayoutStarted(1), PlayoutEnded(1), SpeechStarted(7.0))

    assert not any(isinstance(command, ForgetSpeech) for command in commands)
    assert turns.text == PART


def test_the_person_who_goes_on_stops_the_prompt_at_once() -> None:
    turns = prompted()

    assert feed(turns, PlayoutStarted(1), SpeechStarted(5.4)) == [StopReply(1)]
    assert turns.state is TurnState.HEARING
    assert turns.text == PART


def test_where_nothing_comes_the_part_is_answered_after_all() -> None:
    turns = prompted()
    feed(turns, Listened(6.0), PlayoutStarted(1), PlayoutEnded(1))

    commands = feed(turns, Listened(7.0), Listened(9.1))

    assert CommitReply(2, 2, PART) in commands
    assert turns.state is TurnState.THINKING


def test_a_cough_after_the_prompt_loses_nothing() -> None:
    turns = prompted()
    feed(turns, PlayoutEnded(1), SpeechStarted(6.0), SpeechPaused(6.2))
    feed(turns, Transcribed(PART, 6.2, final=True))

    assert CommitReply(2, 2, PART) in feed(turns, Listened(9.3))


def test_the_rest_is_asked_for_once_in_a_turn() -> None:
    turns = prompted()
    more = "Seven one five, one three nine."
    feed(turns, PlayoutEnded(1), SpeechStarted(6.0), SpeechPaused(7.0))
    feed(turns, Transcribed(more, 7.0, final=True))

    assert CommitReply(2, 2, more) in feed(turns, Listened(10.1))


def test_the_next_turn_may_be_asked_for_its_rest_again() -> None:
    turns = prompted()
    feed(turns, PlayoutEnded(1), Listened(8.2), PlayoutStarted(2), PlayoutEnded(2))
    feed(turns, SpeechStarted(12.0), SpeechPaused(13.0), Transcribed(PART, 13.0, final=True))

    assert StartReply(3, 3, "", "Go on.") in feed(turns, Listened(16.1))


def test_what_was_asked_is_still_known_after_the_prompt() -> None:
    expected = PHONE
    turns = TurnMachine(TurnPolicy(), expected=lambda: expected, prompt="Go on.")
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), Transcribed(PART, 2.0, final=True))
    feed(turns, Listened(5.1), PlayoutEnded(1))
    expected = NOTHING

    assert turns.evidence.expected == PHONE


def test_no_reply_is_begun_to_a_part_of_an_answer() -> None:
    turns = said(PART)

    commands = feed(turns, *(Listened(2.0 + n / 50) for n in range(100)))

    assert not any(isinstance(command, StartReply) for command in commands)


def test_a_reply_that_was_begun_to_the_whole_is_withdrawn_where_it_was_a_part() -> None:
    turns = said("Seven one five one three nine zero seven eight eight.")
    assert isinstance(feed(turns, Listened(2.1))[0], StartReply)

    feed(turns, Transcribed(PART, 2.1, final=True))
    commands = feed(turns, Listened(5.1))

    assert StartReply(2, 1, "", "Go on.") in commands


def test_text_typed_into_the_prompt_joins_the_turn_and_ends_it() -> None:
    turns = prompted()

    commands = feed(turns, TextTyped("1390787"))

    assert commands[0] == StopReply(1)
    assert isinstance(commands[-1], CommitReply)
    assert commands[-1].text == f"1390787 {PART}"


def test_the_button_silences_the_prompt_and_the_part_is_answered() -> None:
    turns = prompted()

    assert feed(turns, SilenceAsked()) == [StopReply(1)]
    assert CommitReply(2, 2, PART) in feed(turns, Listened(8.2))


def test_muting_the_microphone_in_the_prompt_ends_the_turn() -> None:
    commands = feed(prompted(), MicrophoneClosed())

    assert commands[0] == StopReply(1)
    assert commands[-1] == CommitReply(2, 2, PART)


def test_words_still_on_their_way_may_complete_the_answer() -> None:
    turns = TurnMachine(TurnPolicy(), expected=lambda: PHONE, prompt="Go on.")
    feed(turns, SpeechStarted(1.0), Transcribed(PART, 1.5, final=False), SpeechPaused(2.0))
    feed(turns, Listened(5.1))
    assert turns.state is TurnState.CLOSING

    commands = feed(turns, Transcribed(WHOLE, 2.0, final=True))

    assert commands[-1] == CommitReply(1, 1, WHOLE)


def test_an_early_reply_to_the_part_makes_way_for_the_prompt() -> None:
    expected = NOTHING
    turns = TurnMachine(
        replace(TurnPolicy(), first_score_s=9.0), expected=lambda: expected, prompt="Go on."
    )
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), Transcribed(PART, 2.0, final=True))
    while turns.state is TurnState.PAUSED and not turns.handle(Listened(turns.over_at_s - 0.1)):
        break
    expected = PHONE

    commands = feed(turns, Listened(5.1))

    assert commands[0] == WithdrawReply(1, 1)
    assert commands[1] == StartReply(2, 1, "", "Go on.")
