import pytest

from pipelines.core.attendance import Attendance, Manners
from pipelines.core.exchange import Caption, Say, State, StateChanged

MANNERS = Manners(greeting="Hello!", silence_s=10.0, call_s=60.0)


def attending(manners: Manners = MANNERS) -> Attendance:
    return Attendance(manners, 0.0)


def sends(attendance: Attendance, now: float, *states: State) -> None:
    for state in states:
        attendance.observe(StateChanged(state), now)


def said(attendance: Attendance, now: float) -> None:
    attendance.observe(Caption("user", "yes", final=True, turn=1), now)


def test_a_silence_is_asked_about_once_and_then_ends_the_call() -> None:
    attendance = attending()
    assert (attendance.deadline(), attendance.due(9.9)) == (10.0, None)
    assert attendance.due(10.0) == Say(MANNERS.are_you_there)
    assert attendance.deadline() is None
    sends(attendance, 12.0, "thinking", "speaking", "listening")
    assert attendance.deadline() == 22.0
    assert attendance.due(22.0) == Say(MANNERS.nobody_there, ends_call=True)


def test_who_says_something_is_asked_again_later() -> None:
    attendance = attending()
    assert attendance.due(10.0) is not None
    sends(attendance, 11.0, "speaking", "listening", "hearing", "thinking")
    said(attendance, 12.0)
    sends(attendance, 14.0, "speaking", "listening")
    assert attendance.due(24.0) == Say(MANNERS.are_you_there)


@pytest.mark.parametrize("state", ["hearing", "thinking", "speaking"])
def test_nothing_is_said_while_it_is_somebodys_turn(state: State) -> None:
    attendance = attending()
    sends(attendance, 1.0, state)
    assert (attendance.deadline(), attendance.due(1000.0)) == (None, None)


def test_noises_that_are_no_speech_break_no_silence() -> None:
    attendance = attending()
    for second in range(1, 10):
        sends(attendance, float(second), "hearing", "listening")
    assert attendance.due(10.0) == Say(MANNERS.are_you_there)


def test_a_call_is_ended_when_it_has_lasted_and_nobody_speaks() -> None:
    attendance = attending()
    sends(attendance, 50.0, "hearing", "thinking", "speaking")
    assert attendance.due(61.0) is None
    sends(attendance, 63.0, "listening")
    assert attendance.due(63.0) == Say(MANNERS.time_is_up, ends_call=True)
    assert attendance.due(63.1) is None


def test_without_limits_nothing_is_ever_due() -> None:
    attendance = attending(Manners())
    assert (attendance.deadline(), attendance.due(1e9)) == (None, None)


def test_the_words_that_may_be_said_are_known_before() -> None:
    assert Manners().words == ()
    expected = ("Hello!", MANNERS.are_you_there, MANNERS.nobody_there, MANNERS.time_is_up)
    assert MANNERS.words == expected
