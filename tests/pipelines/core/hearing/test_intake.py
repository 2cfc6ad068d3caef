import random
from collections.abc import Callable

import pytest

from pipelines.core.hearing.intake import Intake

RATE = 16_000
FRAME = 320
PLAIN = 0
"""No silence is put before it."""


def running(until: float) -> Intake:
    """Frames of 20 ms, each on time, the last one at `until`."""
    intake = Intake(RATE)
    for index in range(round(until / 0.02)):
        intake.place(FRAME, 0.02 * (index + 1))
    return intake


def test_what_comes_on_time_is_placed_end_to_end() -> None:
    assert running(2.0).media_s == 2.0


def test_a_short_stall_and_its_burst_change_nothing() -> None:
    intake = running(1.0)

    placements = [intake.place(FRAME, 1.5) for _ in range(25)]

    assert placements == [PLAIN] * 25
    assert intake.media_s == 1.5


def test_a_long_stall_is_silence_up_to_now() -> None:
    intake = running(1.0)

    assert intake.starve(1.7) == 0
    assert intake.starve(1.75) == round(0.75 * RATE)
    assert intake.media_s == 1.75


def test_what_comes_late_for_the_silence_follows_it() -> None:
    intake = running(1.0)
    intake.starve(2.0)

    placements = [intake.place(FRAME, 2.0) for _ in range(50)]

    assert placements == [PLAIN] * 50
    assert intake.media_s == pytest.approx(3.0)


@pytest.mark.parametrize("stall_s", [1.0, 3.0, 14.9])
def test_a_stall_that_is_waited_out_changes_nothing(stall_s: float) -> None:
    intake = Intake(RATE, stall_s=15.0)
    for index in range(50):
        intake.place(FRAME, 0.02 * (index + 1))

    assert intake.starve(1.0 + stall_s) == 0
    burst = [intake.place(FRAME, 1.0 + stall_s) for _ in range(round(stall_s / 0.02))]

    assert set(burst) == {PLAIN}
    assert intake.media_s == pytest.approx(1.0 + stall_s, abs=0.02)


def test_a_stall_is_waited_out_no_longer_than_it_may_be() -> None:
    intake = Intake(RATE, stall_s=15.0)
    intake.place(FRAME, 0.02)

    assert intake.deadline() == pytest.approx(15.02)
    assert intake.starve(15.02) == 15 * RATE


def test_silence_after_a_burst_is_filled_in_at_its_pace() -> None:
    """The burst came for time that had been filled: what follows counts from there."""
    intake = running(1.0)
    intake.starve(5.0)
    for _ in range(200):
        intake.place(FRAME, 5.0)

    assert intake.starve(5.75) == pytest.approx(0.75 * RATE, abs=1)


def test_a_client_that_pauses_and_comes_back_on_time_loses_nothing() -> None:
    intake = running(1.0)
    intake.starve(5.0)

    placements = [intake.place(FRAME, 5.02 + 0.02 * index) for index in range(100)]

    assert placements == [PLAIN] * 100


def test_a_stated_time_leaves_a_gap_of_silence() -> None:
    intake = Intake(8000)
    intake.place(160, 0.02, media_s=0.0)

    assert intake.place(160, 0.14, media_s=0.1) == 640


def test_a_clock_that_runs_slow_is_followed() -> None:
    intake = Intake(RATE)
    for index in range(3000):
        intake.place(FRAME, 0.02 * (index + 1) * 1.0005)
    intake.starve(3000 * 0.02 * 1.0005 + 0.75)

    behind = 3000 * 0.02 * 1.0005 + 0.75 - intake.media_s
    assert abs(behind) < 0.04


def test_a_stated_time_that_is_rounded_moves_nothing() -> None:
    intake = Intake(8000)
    draw = random.Random(2)
    for index in range(500):
        media_s = round(0.02 * index + draw.uniform(-0.002, 0.002), 3)
        assert intake.place(160, 0.02 * (index + 1), max(0.0, media_s)) == PLAIN


def test_a_clock_that_leaps_ahead_is_followed_no_further_than_time_has_passed() -> None:
    intake = Intake(8000)
    for index in range(50):
        intake.place(160, 0.02 * (index + 1), 1e6 * index)
    assert intake.media_s <= 1.0 + 0.04


def test_a_clock_that_begins_anew_makes_nobody_deaf() -> None:
    intake = Intake(8000)
    for index in range(500):
        intake.place(160, 0.02 * (index + 1), 0.02 * index)

    placements = [intake.place(160, 10.02 + 0.02 * index, 0.02 * index) for index in range(50)]

    assert placements == [PLAIN] * 50


def test_what_comes_late_for_a_stall_is_heard_whatever_it_states() -> None:
    intake = Intake(8000)
    for index in range(50):
        intake.place(160, 0.02 * (index + 1), 0.02 * index)
    intake.starve(11.0)

    burst = [intake.place(160, 11.0, 1.0 + 0.02 * index) for index in range(100)]

    assert burst == [PLAIN] * 100
    assert intake.place(160, 11.02, 11.0) == PLAIN


# ---- time stamps that cannot be believed ----

STAMPS: dict[str, Callable[[int], float | None]] = {
    "none": lambda frame: None,
    "even": lambda frame: 0.02 * frame,
    "from an hour on": lambda frame: 3600.0 + 0.02 * frame,
    "below nothing": lambda frame: -30.0 + 0.02 * frame,
    "standing still": lambda frame: 0.0,
    "standing still, far away": lambda frame: 1.8e10,
    "in steps of 40 ms": lambda frame: frame // 2 * 0.04,
    "in steps of 100 ms": lambda frame: frame // 5 * 0.1,
    "in steps of 700 ms": lambda frame: frame // 35 * 0.7,
    "in steps of a second": lambda frame: frame // 50 * 1.0,
    "in steps of a second, from the end of each": lambda frame: (frame // 50 + 1) * 1.0,
    "anew each second": lambda frame: frame % 50 * 0.02,
    "anew after 1.6 s": lambda frame: 0.02 * (frame if frame < 80 else frame - 80),
    "anew after 6 s": lambda frame: 0.02 * (frame if frame < 300 else frame - 300),
    "each one twice": lambda frame: frame // 2 * 0.02,
    "backwards": lambda frame: -0.02 * frame,
    "at half the pace": lambda frame: 0.01 * frame,
    "at twice the pace": lambda frame: 0.04 * frame,
    "a thousandth": lambda frame: 2e-5 * frame,
    "an hour ahead after 3 s": lambda frame: 0.02 * frame + (3600.0 if frame >= 150 else 0.0),
    "an hour back after 3 s": lambda frame: 0.02 * frame - (3600.0 if frame >= 150 else 0.0),
    "to and fro by an hour": lambda frame: 0.02 * frame + frame // 7 % 2 * 3600.0,
    "half of them missing": lambda frame: 0.02 * frame if frame % 2 else None,
    "half of them 0": lambda frame: 0.02 * frame if frame % 2 else 0.0,
    "half of them missing, in steps": lambda frame: frame // 5 * 0.1 if frame % 2 else None,
    "by chance": lambda frame: random.Random(frame).uniform(-1.0, 1.0) + 0.02 * frame,
}


@pytest.mark.parametrize("stamp", STAMPS.values(), ids=STAMPS)
@pytest.mark.parametrize("jitter_s", [0.0, 0.015, 0.3])
def test_whatever_the_time_stamps_do_the_audio_is_placed_end_to_end(
    stamp: Callable[[int], float | None], jitter_s: float
) -> None:
    intake, chance, at_s = Intake(RATE), random.Random(7), 0.0
    added = 0
    for frame in range(600):
        at_s = max(at_s, 0.02 * (frame + 1) + chance.uniform(0.0, jitter_s))
        added += intake.place(FRAME, at_s, stamp(frame))
        assert intake.starve(at_s) == 0

    assert added <= max(0.02, jitter_s) * RATE


@pytest.mark.parametrize("stamp", STAMPS.values(), ids=STAMPS)
def test_after_a_stall_audio_that_comes_on_time_is_placed_whatever_the_time_stamps_do(
    stamp: Callable[[int], float | None],
) -> None:
    intake = Intake(RATE)
    for frame in range(50):
        intake.place(FRAME, 0.02 * (frame + 1), stamp(frame))
    assert intake.starve(9.0)

    placements = [
        intake.place(FRAME, 9.02 + 0.02 * frame, stamp(50 + frame)) for frame in range(300)
    ]

    assert placements == [PLAIN] * 300


def test_a_client_that_stamps_only_what_it_sends_is_heard_after_a_silence() -> None:
    """Its stamps stood still while it sent nothing: they do not say that its audio is late."""
    intake = Intake(RATE)
    for frame in range(50):
        intake.place(FRAME, 0.02 * (frame + 1), 0.02 * frame)
    intake.starve(31.0)

    placements = [
        intake.place(FRAME, 31.02 + 0.02 * frame, 1.0 + 0.02 * frame) for frame in range(50)
    ]

    assert placements == [PLAIN] * 50


def test_stamps_that_have_lied_are_believed_again_after_they_were_even_for_long() -> None:
    intake = Intake(RATE)
    intake.place(FRAME, 0.02, 50.0)
    for frame in range(1, 300):
        intake.place(FRAME, 0.02 * (frame + 1), 0.02 * frame)

    assert intake.place(FRAME, 6.22, 6.2) == round(0.2 * RATE)


def test_a_stated_gap_in_which_no_time_has_passed_is_none() -> None:
    intake = Intake(RATE)
    intake.place(FRAME, 0.02, 0.0)

    assert intake.place(FRAME, 0.04, 0.32) == PLAIN


# ---- long pieces ----


@pytest.mark.parametrize("piece_s", [0.1, 0.25, 0.5, 0.74, 0.76, 1.0, 1.5])
@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("jitter_s", [0.0, 0.2])
def test_pieces_of_any_length_are_heard_whole(
    piece_s: float, jitter_s: float, stamped: bool
) -> None:
    intake, chance, at_s = Intake(RATE), random.Random(3), 0.0
    for piece in range(20):
        due_s = piece_s * (piece + 1) + chance.uniform(0.0, jitter_s)
        while (at_s := at_s + 0.02) < due_s:
            assert intake.starve(at_s) == 0
        at_s = due_s
        stamp = piece * piece_s if stamped else None
        assert intake.place(round(piece_s * RATE), at_s, stamp) == PLAIN


def test_pieces_of_a_second_with_a_rest_between_them_are_heard_whole() -> None:
    intake = Intake(RATE)
    for second in range(10):
        at_s = 1.1 * (second + 1)
        assert intake.starve(at_s - 0.1001) == 0
        assert intake.place(RATE, at_s - 0.1) == PLAIN
        assert intake.place(RATE // 10, at_s) == PLAIN


def test_a_stall_of_long_pieces_is_filled_all_the_same() -> None:
    intake = Intake(RATE)
    intake.place(RATE, 1.0)
    intake.place(RATE, 2.0)

    assert intake.starve(3.4) == 0
    assert intake.starve(3.5) == round(1.5 * RATE)
