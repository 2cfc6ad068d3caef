import random

import pytest

from pipelines.core.speaking.skew import MOST, WINDOW_S, Skew


def drift_after(seconds: float, ppm: float, jitter_s: float) -> tuple[float, float]:
    """How far our clock and the listener's are apart in the end, and at most; less the way."""
    skew, draw = Skew(), random.Random(1)
    ours_s, worst_s, now = 0.0, 0.0, 0.0
    while now < seconds:
        now += 0.1
        theirs_s = now * (1 + ppm / 1e6)
        lag_s = now - ours_s - theirs_s + 0.05 + draw.uniform(0.0, jitter_s)
        ours_s += skew.correction_s(lag_s, now)
        worst_s = max(worst_s, abs(now - ours_s - theirs_s))
    return now - ours_s - now * (1 + ppm / 1e6), worst_s


@pytest.mark.parametrize("ppm", [-500, -50, 0, 50, 500])
@pytest.mark.parametrize("jitter_s", [0.0, 0.05])
def test_a_listeners_clock_is_followed(ppm: float, jitter_s: float) -> None:
    _, worst_s = drift_after(3600.0, ppm, jitter_s)
    assert worst_s < 0.02


def test_a_way_that_gets_longer_is_taken_for_no_clock() -> None:
    skew = Skew()
    assert sum(skew.correction_s(0.05, n / 10) for n in range(100)) == 0.0
    assert 0.0 < sum(skew.correction_s(0.5, n / 10) for n in range(100, 200)) <= MOST * 5 * WINDOW_S
