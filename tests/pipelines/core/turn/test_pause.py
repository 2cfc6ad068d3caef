"""A pause, and how a person pauses: when the turn model is asked, and what going on tells."""

import pytest

from pipelines.core.turn.pause import Pause, PauseHabit
from pipelines.core.turn.policy import TurnPolicy

POLICY = TurnPolicy(first_score_s=1 / 16, rescore_s=4 / 16, last_score_s=13 / 16)


def asked(pause: Pause) -> list[int]:
    """Sixteenths of a second after 2.0 s at which the turn model is asked, within two seconds."""
    return [look for look in range(32) if pause.is_score_due(2.0 + look / 16)]


def test_the_turn_model_is_asked_again_and_again_until_the_pause_is_long() -> None:
    pause = Pause(POLICY)
    pause.begin(2.0)
    assert asked(pause) == [1, 5, 9, 13]


def test_at_first_nothing_is_known_and_nothing_asked() -> None:
    pause = Pause(POLICY)
    assert (pause.since_s, pause.score, PauseHabit().went_on) == (0.0, None, 0)
    assert asked(pause) == []


def test_a_new_pause_has_no_score_and_is_asked_about_anew() -> None:
    pause = Pause(POLICY)
    pause.begin(1.0)
    pause.score = 0.9
    pause.begin(2.0)
    assert not pause.score
    assert asked(pause) == [1, 5, 9, 13]


def test_a_pause_after_the_bots_own_words_is_not_asked_about() -> None:
    pause = Pause(POLICY)
    pause.begin(1.0)
    pause.begin_unscored(2.0)
    assert pause.since_s == 2.0
    assert asked(pause) == []


def test_a_contested_pause_is_asked_about_once_the_floor_is_free() -> None:
    pause = Pause(POLICY)
    pause.since_s, pause.score = 2.0, 0.9
    pause.rest(2.125)
    assert not pause.score
    assert asked(pause) == [2, 6, 10]


@pytest.mark.parametrize(("after_s", "counts"), [(1.5, 3), (1.6, 0)])
def test_speech_soon_after_an_answer_goes_on_with_the_turn_before(
    after_s: float, counts: int
) -> None:
    habit = PauseHabit()
    habit.went_on = 2
    habit.turn_ended(10.0)
    assert habit.went_on == 0
    habit.interrupted(10.0 + after_s, 1.5)
    assert habit.went_on == counts
