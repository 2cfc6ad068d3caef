"""The language model says that a turn is incomplete: it is held for a time, and asked again."""

from dataclasses import replace

import pytest

from pipelines.core.commands import (
    CommitReply,
    ScoreTurn,
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
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
    TurnFact,
    TurnHeldLongEnough,
    TurnIncomplete,
)
from pipelines.core.turn.endpointing import PATIENCES_S, Endpointing, EndpointingPolicy, Evidence
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.opinion import MOST_REFUTED, Opinion
from pipelines.core.turn.policy import TurnPolicy
from pipelines.core.turn.state import TurnState
from tests.pipelines.core.turn.certainty import certain

SAID = "I would like to book a table."
POLICY = TurnPolicy(
    asks_model=True,
    endpointing=replace(
        certain(0.2, hanging_s=2.0),
        lead_s=9.0,
        short_lead_s=9.0,
        soonest_s=0.0,
        incomplete=-40.0,
    ),
)
"""A sentence is over after 0.2 s, one that the model calls incomplete after 2 s."""


def feed(turns: TurnMachine, *facts: TurnFact) -> list[TurnCommand]:
    commands = [command for fact in facts for command in turns.handle(fact)]
    return [command for command in commands if not isinstance(command, ScoreTurn)]


def paused(text: str = SAID, policy: TurnPolicy = POLICY) -> TurnMachine:
    """The person has said it, and is silent since 2.0 s; reply 1 is begun and held."""
    turns = TurnMachine(policy)
    begun = feed(
        turns,
        SpeechStarted(1.0),
        SpeechPaused(2.0),
        Transcribed(text, 2.05, final=True),
    )
    assert begun == [StartReply(1, 1, text, judges_turn=policy.asks_model)]
    return turns


def committed() -> TurnMachine:
    turns = paused()
    assert feed(turns, Listened(2.3)) == [CommitReply(1, 1, SAID)]
    return turns


def held() -> TurnMachine:
    turns = committed()
    feed(turns, TurnIncomplete(1))
    assert turns.state is TurnState.PAUSED
    return turns


def test_a_reply_lets_the_model_judge_the_turn_where_that_is_wanted() -> None:
    paused()
    paused(policy=replace(POLICY, asks_model=False))


def test_the_mark_withdraws_what_was_committed_and_the_person_has_the_floor() -> None:
    turns = committed()
    commands = feed(turns, TurnIncomplete(1))
    assert commands[0] == WithdrawReply(1, 1, reopened=True)
    assert turns.state is TurnState.PAUSED


def test_words_that_were_judged_are_answered_without_asking_again() -> None:
    turns = committed()
    commands = feed(turns, TurnIncomplete(1))
    assert commands[1:] == [StartReply(2, 1, SAID, judges_turn=False)]


def test_nobody_is_waited_for_longer_than_the_limit() -> None:
    turns = held()
    assert feed(turns, Listened(3.9)) == []
    assert feed(turns, Listened(4.01)) == [CommitReply(2, 1, SAID)]
    assert turns.state is TurnState.THINKING


def test_the_mark_in_a_pause_holds_the_turn_before_it_is_committed() -> None:
    turns = paused()
    commands = feed(turns, TurnIncomplete(1))
    assert commands == [WithdrawReply(1, 1), StartReply(2, 1, SAID)]
    assert feed(turns, Listened(3.9)) == []
    assert feed(turns, Listened(4.01)) == [CommitReply(2, 1, SAID)]


def test_speech_that_goes_on_is_one_turn_and_put_to_the_model_again() -> None:
    turns = held()
    more = f"{SAID} For two."
    commands = feed(
        turns,
        SpeechStarted(3.0),
        Transcribed(more, 3.4, final=False),
        SpeechPaused(3.5),
        Transcribed(more, 3.6, final=True),
    )
    assert commands == [WithdrawReply(2, 1), StartReply(3, 1, more, judges_turn=True)]
    assert feed(turns, Listened(3.8)) == [CommitReply(3, 1, more)]


def test_a_noise_that_adds_no_word_does_not_put_the_words_to_the_model_again() -> None:
    turns = held()
    feed(turns, SpeechStarted(3.0), SpeechPaused(3.2))
    commands = feed(turns, Transcribed(SAID, 3.3, final=True))
    assert not any(isinstance(c, StartReply) and c.judges_turn for c in commands)
    assert not any(isinstance(c, CommitReply) for c in feed(turns, Listened(5.19)))
    assert any(isinstance(c, CommitReply) for c in feed(turns, Listened(5.21)))


def test_a_mark_that_comes_after_the_limit_is_answered_at_once() -> None:
    turns = committed()
    feed(turns, Listened(4.5))
    assert feed(turns, TurnIncomplete(1)) == [
        WithdrawReply(1, 1, reopened=True),
        StartReply(2, 1, SAID),
        CommitReply(2, 1, SAID),
    ]


def test_a_late_mark_of_a_withdrawn_reply_changes_nothing() -> None:
    turns = held()
    before = turns.state
    assert feed(turns, TurnIncomplete(1)) == []
    assert turns.state is before


def test_the_mark_while_the_person_speaks_already_leaves_them_the_floor() -> None:
    turns = paused()
    feed(turns, SpeechStarted(2.1))
    assert feed(turns, TurnIncomplete(1)) == [WithdrawReply(1, 1)]
    assert turns.state is TurnState.HEARING


def test_the_mark_under_a_sound_over_a_silent_reply_gives_the_floor_back() -> None:
    turns = committed()
    feed(turns, SpeechStarted(2.5))
    assert feed(turns, TurnIncomplete(1)) == [WithdrawReply(1, 1, reopened=True)]
    assert turns.state is TurnState.HEARING
    feed(turns, SpeechPaused(3.0))
    commands = feed(turns, Transcribed("For two.", 3.1, final=True))
    assert commands == [StartReply(2, 1, f"{SAID} For two.", judges_turn=True)]


def test_the_mark_after_a_cough_that_went_by_is_answered_for_its_words_are_gone() -> None:
    turns = committed()
    feed(turns, SpeechStarted(2.5), SpeechPaused(2.6))
    feed(turns, Transcribed("", 2.7, final=True), Listened(2.9))
    assert turns.state is TurnState.THINKING
    assert feed(turns, TurnIncomplete(1))[1:] == [
        StartReply(2, 1, SAID),
        CommitReply(2, 1, SAID),
    ]


def test_the_mark_for_one_who_has_muted_the_microphone_is_answered_at_once() -> None:
    turns = paused()
    assert feed(turns, MicrophoneClosed()) == [CommitReply(1, 1, SAID)]
    assert feed(turns, TurnIncomplete(1)) == [
        WithdrawReply(1, 1, reopened=True),
        StartReply(2, 1, SAID),
        CommitReply(2, 1, SAID),
    ]


def test_typed_words_are_complete_and_never_judged() -> None:
    turns = TurnMachine(POLICY)
    assert feed(turns, TextTyped("hello and")) == [
        StartReply(1, 1, "hello and"),
        CommitReply(1, 1, "hello and"),
    ]


def test_words_typed_into_a_held_turn_end_it() -> None:
    turns = held()
    commands = feed(turns, TextTyped("For two."))
    assert commands[-1] == CommitReply(3, 1, f"For two. {SAID}")
    assert not any(isinstance(c, StartReply) and c.judges_turn for c in commands)


def test_the_clock_ends_the_hold_where_no_sound_comes_any_more() -> None:
    turns = held()
    assert feed(turns, TurnHeldLongEnough()) == [CommitReply(2, 1, SAID)]


def test_the_mark_behind_words_that_were_heard_ends_the_reply() -> None:
    turns = committed()
    feed(turns, PlayoutStarted(1))
    assert StopReply(1) in feed(turns, TurnIncomplete(1))
    assert turns.state is TurnState.IDLE


def test_a_model_that_always_gives_the_mark_is_soon_not_asked_for_it() -> None:
    turns, judged, at = TurnMachine(POLICY), 0, 1.0
    for number in range(1, 7):
        text = f"This is sentence {number}."
        commands = feed(
            turns,
            SpeechStarted(at),
            SpeechPaused(at + 1.0),
            Transcribed(text, at + 1.05, final=True),
            Listened(at + 1.3),
        )
        start = next(c for c in commands if isinstance(c, StartReply))
        reply_id = start.reply_id
        if start.judges_turn:
            judged += 1
            again = feed(turns, TurnIncomplete(reply_id), Listened(at + 3.1))
            reply_id = next(c.reply_id for c in again if isinstance(c, CommitReply))
            assert again[-1] == CommitReply(reply_id, number, text)
        feed(turns, PlayoutStarted(reply_id), PlayoutEnded(reply_id))
        at += 10.0
    assert judged == MOST_REFUTED


def test_a_model_that_was_right_in_between_goes_on_being_asked() -> None:
    turns, at = TurnMachine(POLICY), 1.0
    for number in range(1, 2 * MOST_REFUTED):
        text = f"This is sentence {number}."
        commands = feed(
            turns,
            SpeechStarted(at),
            SpeechPaused(at + 1.0),
            Transcribed(text, at + 1.05, final=True),
        )
        (start,) = commands
        assert isinstance(start, StartReply)
        assert start.judges_turn
        feed(turns, TurnIncomplete(start.reply_id))
        if number % 2:
            text = f"{text} And more."
            feed(turns, SpeechStarted(at + 1.5), SpeechPaused(at + 2.0))
            feed(turns, Transcribed(text, at + 2.1, final=True))
        commands = feed(turns, Listened(at + 4.5))
        (reply_id,) = [c.reply_id for c in commands if isinstance(c, CommitReply)]
        feed(turns, PlayoutStarted(reply_id), PlayoutEnded(reply_id))
        at += 10.0


@pytest.mark.parametrize("patience_s", PATIENCES_S.values())
@pytest.mark.parametrize("text", ["Yes.", "What time is it?", "I want to", "It's five five", ""])
def test_the_mark_waits_longer_and_never_beyond_the_limit(patience_s: float, text: str) -> None:
    policy = EndpointingPolicy(patience_s=patience_s)
    endpointing = Endpointing(policy)
    for score in (None, 0.01, 0.99):
        evidence = Evidence(text, score=score)
        without_s = endpointing.wait_s(evidence)
        with_s = endpointing.wait_s(replace(evidence, incomplete=True))
        assert without_s <= with_s <= max(without_s, policy.held_s)
    assert policy.held_s <= min(patience_s, 3.0)


def test_the_mark_counts_until_the_limit_and_no_longer() -> None:
    opinion = Opinion(is_wanted=True, limit_s=2.0)
    opinion.paused(1.0)
    assert opinion.counts(2.75)
    assert not opinion.counts(3.0)


def test_a_mark_that_was_right_clears_those_that_were_wrong() -> None:
    opinion = Opinion(is_wanted=True, limit_s=2.0)
    opinion.paused(1.0)
    opinion.came(SAID)
    for told in [opinion.committed] * 2 + [opinion.went_on] + [opinion.committed] * 2:
        told(SAID)
    assert opinion.is_asked_for("Something else.", 1.5)
    opinion.committed(SAID)
    assert not opinion.is_asked_for("Something else.", 1.5)
