"""A policy on observed facts: what is heard, for how long, and of which words."""

import pytest

from bench.fit.observe import Observed
from bench.fit.simulate import STOPS_AFTER_S, SimulatedTurn, play
from pipelines.core.events import Listened, SpeechPaused, SpeechStarted, Transcribed, TurnScored
from pipelines.core.turn.policy import TurnPolicy


def spoken(*stretches: tuple[float, float, str]) -> SimulatedTurn:
    """Stretches of speech: from, to, and all the words so far."""
    facts: list[Observed] = []
    for start_s, end_s, text in stretches:
        facts += [
            Observed(start_s, SpeechStarted(start_s)),
            Observed(end_s + 0.02, SpeechPaused(end_s)),
            Observed(end_s + 0.04, Transcribed(text, end_s, final=True)),
            Observed(end_s + 0.05, TurnScored(0.95, end_s)),
        ]
    end_s = stretches[-1][1]
    facts += [Observed(ms / 50, Listened(ms / 50)) for ms in range(round((end_s + 3) * 50))]
    facts.sort(key=lambda one: one.at_s)
    return SimulatedTurn("a", "", end_s, (), facts)


def test_the_answer_to_a_whole_turn_is_its_wait() -> None:
    outcome = play(spoken((0.0, 2.0, "I lost my card.")), TurnPolicy())

    assert 0.1 < outcome.v2v_s < 0.5
    assert outcome.sounds_s == []


def test_what_is_heard_of_a_cut_in_ends_when_the_person_goes_on() -> None:
    turn = spoken(
        (0.0, 2.0, "I lost my card."), (2.8, 4.0, "I lost my card. Can you send me a new one?")
    )
    outcome = play(turn, TurnPolicy())
    ((start_s, end_s),) = outcome.sounds_s

    assert 2.1 < start_s < 2.5
    assert end_s == pytest.approx(2.8 + STOPS_AFTER_S)
    assert outcome.v2v_s < 1.5


def test_words_that_were_answered_are_not_heard_again() -> None:
    """After an answer to "yes", "mhm" lets the bot go on: "yes mhm" would stop it."""
    turn = spoken((0.0, 2.0, "I lost my card."), (3.0, 3.3, "I lost my card. Mhm."))
    outcome = play(turn, TurnPolicy())

    assert outcome.requests == 1


ASKING = TurnPolicy(asks_model=True)


def test_a_mark_in_time_keeps_the_bot_from_cutting_in() -> None:
    turn = spoken((0.0, 2.0, "I lost my card."), (3.2, 4.0, "I lost my card. It is blue."))
    outcome = play(turn, ASKING, lambda text, now: text == "I lost my card.")

    assert len(play(turn, ASKING).sounds_s) == 1
    assert outcome.sounds_s == []
    assert 0.1 < outcome.v2v_s < 0.5


def test_a_mark_at_the_end_of_a_turn_costs_no_more_than_the_limit() -> None:
    outcome = play(spoken((0.0, 2.0, "I lost my card.")), ASKING, lambda text, now: True)

    assert 1.0 < outcome.v2v_s < ASKING.endpointing.held_s + 0.3
    assert outcome.requests == 2


def test_a_policy_that_does_not_ask_hears_no_verdict() -> None:
    turn = spoken((0.0, 2.0, "I lost my card."))
    assert play(turn, TurnPolicy(), lambda text, now: True) == play(turn, TurnPolicy())
