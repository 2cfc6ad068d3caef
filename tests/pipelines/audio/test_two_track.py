"""Both sides of a call on one clock."""

import numpy as np
import pytest

from pipelines.audio.two_track import SLACK_S, TwoTrack

RATE = 8_000
FRAME = RATE // 50


def frame(value: int, rate_hz: int = RATE) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.full(rate_hz // 50, value, np.int16)


@pytest.mark.parametrize("drift", [-500e-6, 500e-6])
def test_an_hour_of_a_clock_that_runs_otherwise_drifts_by_less_than_20_ms(drift: float) -> None:
    """The caller's clock; the bot's voice has ours. Each frame knows when it was spoken."""
    track = TwoTrack(RATE, RATE)
    worst_s = 0.0
    at_s = 0.0
    for number in range(50 * 3600):
        at_s = (number + 1) * 0.02 / (1 + drift)
        place = track.hear(frame(1), at_s)
        if place is not None:
            worst_s = max(worst_s, abs((place + FRAME) / RATE - at_s))
        if number % 500 == 0:
            track.take(at_s - 0.35)
    assert worst_s < 0.020


def test_jitter_moves_nothing() -> None:
    track = TwoTrack(RATE, RATE)
    late_s = [0.0, 0.06, 0.04, 0.02, 0.0, 0.11, 0.09, 0.07, 0.05, 0.03, 0.01, 0.0]
    places = [track.hear(frame(n + 1), (n + 1) * 0.02 + late) for n, late in enumerate(late_s)]
    assert places == [FRAME * n for n in range(len(late_s))]


def test_what_did_not_come_is_silence_and_what_comes_for_it_later_is_nowhere() -> None:
    track = TwoTrack(RATE, RATE)
    assert track.hear(frame(1), 0.02) == 0
    assert track.hear(frame(2), 1.0) == RATE - FRAME
    assert track.hear(frame(3), 1.0) is None
    sound = track.take(1.0)[:, 0]
    assert sound[:FRAME].tolist() == [1] * FRAME
    assert not sound[FRAME:-FRAME].any()
    assert sound[-FRAME:].tolist() == [2] * FRAME


def test_a_voice_sent_ahead_is_heard_at_its_own_pace_and_a_flush_cuts_it() -> None:
    track = TwoTrack(RATE, RATE)
    for number in range(10):  # 200 ms, all at once
        track.say(frame(number + 1), 0.5)
    track.flush(0.6)
    track.say(frame(99), 0.6)
    bot = track.take(1.0)[:, 1]
    heard = [int(bot[at + FRAME // 2]) for at in range(RATE // 2, round(RATE * 0.64), FRAME)]
    assert heard == [1, 2, 3, 4, 5, 99, 0]


def test_another_rate_keeps_its_time() -> None:
    track = TwoTrack(RATE, 24_000)
    tone = (8000 * np.sin(np.arange(24_000) * 0.1)).astype(np.int16)
    for number in range(50):
        track.say(tone[number * 480 : (number + 1) * 480], 1.0 + number * 0.02)
    bot = track.take(3.0)[:, 1]
    loud = np.flatnonzero(np.abs(bot.astype(int)) > 2000)
    assert loud[0] / RATE == pytest.approx(1.0, abs=SLACK_S)
    assert loud[-1] / RATE == pytest.approx(2.0, abs=SLACK_S)


def test_the_end_is_that_of_the_side_that_goes_on_longer() -> None:
    track = TwoTrack(RATE, RATE)
    track.hear(frame(1), 0.02)
    assert track.end_s == 0.02
    track.hear(frame(1), 0.04)
    assert track.end_s == 0.04


def test_a_flush_behind_the_end_takes_nothing() -> None:
    track = TwoTrack(RATE, RATE)
    track.hear(frame(7), 0.02)
    track.flush(1.0)
    assert track.end_s == 0.02
