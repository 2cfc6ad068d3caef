import pytest

from pipelines.core.announcements import Announcements, IdleTimer
from pipelines.core.exchange import CallState, Caption, Say, StateChanged

ANNOUNCEMENTS = Announcements(greeting="Hello!", silence_s=10.0, call_s=60.0)


def timer(announcements: Announcements = ANNOUNCEMENTS) -> IdleTimer:
    return IdleTimer(announcements, 0.0)


def sends(idle_timer: IdleTimer, now: float, *states: CallState) -> None:
    for state in states:
        idle_timer.observe(StateChanged(state), now)


def said(idle_timer: IdleTimer, now: float) -> None:
    idle_timer.observe(Caption("user", "yes", final=True, turn=1), now)


def test_a_silence_is_asked_about_once_and_then_ends_the_call() -> None:
    idle_timer = timer()
    assert (idle_timer.deadline(), idle_timer.due(9.9)) == (10.0, None)
    assert idle_timer.due(10.0) == Say(ANNOUNCEMENTS.are_you_there)
    assert idle_timer.deadline() is None
    sends(idle_timer, 12.0, "thinking", "speaking", "listening")
    assert idle_timer.deadline() == 22.0
    assert idle_timer.due(22.0) == Say(ANNOUNCEMENTS.nobody_there, ends_call=True)


def test_who_says_something_is_asked_again_later() -> None:
    idle_timer = timer()
    assert idle_timer.due(10.0) is not None
    sends(idle_timer, 11.0, "speaking", "listening", "hearing", "thinking")
    said(idle_timer, 12.0)
    sends(idle_timer, 14.0, "speaking", "listening")
    assert idle_timer.due(24.0) == Say(ANNOUNCEMENTS.are_you_there)


@pytest.mark.parametrize("state", ["hearing", "thinking", "speaking"])
def test_nothing_is_said_while_it_is_somebodys_turn(state: CallState) -> None:
    idle_timer = timer()
    sends(idle_timer, 1.0, state)
    assert (idle_timer.deadline(), idle_timer.due(1000.0)) == (None, None)


def test_noises_that_are_no_speech_break_no_silence() -> None:
    idle_timer = timer()
    for second in range(1, 10):
        sends(idle_timer, float(second), "hearing", "listening")
    assert idle_timer.due(10.0) == Say(ANNOUNCEMENTS.are_you_there)


def test_a_call_is_ended_when_it_has_lasted_and_nobody_speaks() -> None:
    idle_timer = timer()
    sends(idle_timer, 50.0, "hearing", "thinking", "speaking")
    assert idle_timer.due(61.0) is None
    sends(idle_timer, 63.0, "listening")
    assert idle_timer.due(63.0) == Say(ANNOUNCEMENTS.time_is_up, ends_call=True)
    assert idle_timer.due(63.1) is None


def test_without_limits_nothing_is_ever_due() -> None:
    idle_timer = timer(Announcements())
    assert (idle_timer.deadline(), idle_timer.due(1e9)) == (None, None)


def test_the_words_that_may_be_said_are_known_before() -> None:
    assert Announcements().words == ()
    expected = (
        "Hello!",
        ANNOUNCEMENTS.are_you_there,
        ANNOUNCEMENTS.nobody_there,
        ANNOUNCEMENTS.time_is_up,
    )
    assert ANNOUNCEMENTS.words == expected
