import random

import pytest

from pipelines.core.intake import Intake, Placement

RATE = 16_000
FRAME = 320
PLAIN = Placement(silence=0, skip=0)


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
    assert intake.dropped == 0


def test_a_long_stall_is_silence_up_to_now() -> None:
    intake = running(1.0)

    assert intake.starve(1.7) == 0
    assert intake.starve(1.75) == round(0.75 * RATE)
    assert intake.media_s == 1.75


def test_what_comes_late_for_the_silence_is_dropped_and_counted() -> None:
    intake = running(1.0)
    intake.starve(2.0)

    for _ in range(50):
        intake.place(FRAME, 2.0)

    assert intake.dropped >= 49 * FRAME
    assert intake.media_s <= 2.02


def test_a_client_that_pauses_and_comes_back_on_time_loses_nothing() -> None:
    intake = running(1.0)
    intake.starve(5.0)

    placements = [intake.place(FRAME, 5.02 + 0.02 * index) for index in range(100)]

    assert placements == [PLAIN] * 100


@pytest.mark.parametrize("seed", range(20))
def test_a_client_that_comes_back_with_jitter_loses_no_more_than_the_jitter(seed: int) -> None:
    intake, chance = running(1.0), random.Random(seed)
    intake.starve(5.0)

    at = 5.0
    for index in range(500):
        at = max(at, 5.02 + 0.02 * index + chance.uniform(0.0, 0.06))
        intake.place(FRAME, at)

    assert intake.dropped <= 0.06 * RATE


def test_a_stated_time_leaves_a_gap_of_silence() -> None:
    intake = Intake(8000)
    intake.place(160, 0.02, media_s=0.0)

    assert intake.place(160, 0.14, media_s=0.1) == Placement(silence=640, skip=0)


def test_a_duplicate_is_left_out() -> None:
    intake = Intake(8000)
    intake.place(160, 0.02, media_s=0.0)

    assert intake.place(160, 0.03, media_s=0.0) == Placement(silence=0, skip=160)
    assert intake.dropped == 160


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
    assert intake.dropped == 0


def test_what_comes_late_for_a_stall_is_dropped_by_its_stated_time() -> None:
    intake = Intake(8000)
    for index in range(50):
        intake.place(160, 0.02 * (index + 1), 0.02 * index)
    intake.starve(11.0)

    burst = [intake.place(160, 11.0, 1.0 + 0.02 * index) for index in range(100)]

    assert all(placement.skip == 160 for placement in burst)
    assert intake.place(160, 11.02, 11.0) == PLAIN
