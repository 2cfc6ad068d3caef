import pytest

from pipelines.core.hearing.levels import KEEP_S, Levels


def talking(length_s: float, quiet: dict[float, float]) -> Levels:
    """Loud but for 60 ms around some places, each with its own level in dBFS."""
    levels = Levels()
    for window in range(1, round(length_s * 100) + 1):
        at = window / 100
        near = [dbfs for place, dbfs in quiet.items() if abs(at - 0.005 - place) < 0.031]
        levels.add(near[0] if near else -20.0, at)
    return levels


def test_the_quietest_place_is_found() -> None:
    levels = talking(9.0, {2.0: -60.0, 5.0: -45.0, 7.0: -40.0})

    assert levels.quietest_s(4.0, 8.0) == pytest.approx(5.0, abs=0.011)
    assert levels.quietest_s(0.0, 8.0) == pytest.approx(2.0, abs=0.011)


def test_a_click_of_silence_is_not_a_quiet_place() -> None:
    levels = Levels()
    for window in range(1, 901):
        levels.add(
            -90.0 if window == 600 else -35.0 if 700 <= window < 706 else -20.0, window / 100
        )

    assert levels.quietest_s(4.0, 8.0) == pytest.approx(7.02, abs=0.02)


def test_where_nothing_is_known_it_is_the_end() -> None:
    assert Levels().quietest_s(4.0, 8.0) == 8.0


def test_what_is_old_is_forgotten() -> None:
    levels = talking(KEEP_S + 10, {5.0: -80.0})

    assert len(levels._levels) <= KEEP_S * 100 + 1
    assert levels.quietest_s(0.0, 9.0) == 9.0
