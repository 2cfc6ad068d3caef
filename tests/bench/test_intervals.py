"""The benchmark's intervals, on values whose answer is known."""

import math

import numpy as np
import pytest

from bench.intervals import NOTHING, bootstrap, paired_ratio, wilson
from pipelines.core.ledger.statistics import Estimate, median


def test_values_that_are_all_alike_leave_no_doubt() -> None:
    found = bootstrap({"a": [0.3, 0.3], "b": [0.3]}, median)
    assert (found.value, found.low, found.high) == (0.3, 0.3, 0.3)


def test_the_interval_of_a_median_covers_it_about_95_times_in_100() -> None:
    random = np.random.default_rng(5)
    covered = 0
    for trial in range(200):
        groups = {str(n): [float(value)] for n, value in enumerate(random.normal(1.0, 0.2, 60))}
        found = bootstrap(groups, median, draws=300, seed=trial)
        covered += found.low <= 1.0 <= found.high
    assert 180 <= covered <= 199


def test_plays_of_one_recording_add_no_certainty() -> None:
    random = np.random.default_rng(6)
    once = {str(n): [float(value)] for n, value in enumerate(random.normal(1.0, 0.2, 40))}
    often = {name: values * 10 for name, values in once.items()}
    one, ten = bootstrap(once, np.mean), bootstrap(often, np.mean)
    assert ten.high - ten.low == pytest.approx(one.high - one.low, rel=1e-6)


def test_the_same_seed_gives_the_same_interval() -> None:
    groups = {str(n): [n / 10] for n in range(30)}
    assert bootstrap(groups, np.mean, seed=1) == bootstrap(groups, np.mean, seed=1)
    assert bootstrap(groups, np.mean, seed=1) != bootstrap(groups, np.mean, seed=2)


def test_a_paired_ratio_is_sure_where_one_is_always_half_of_the_other() -> None:
    theirs = {str(n): [0.5 + n / 10] for n in range(30)}
    ours = {name: [value / 2 for value in values] for name, values in theirs.items()}
    found = paired_ratio(ours, theirs, np.mean)
    assert found.value == pytest.approx(0.5)
    assert found.high - found.low == pytest.approx(0.0, abs=1e-12)


def test_only_what_both_played_is_compared() -> None:
    with pytest.raises(ValueError, match="same recordings"):
        paired_ratio({"a": [1.0]}, {"b": [1.0]}, median)


def test_nothing_compared_is_no_ratio() -> None:
    assert math.isnan(paired_ratio({}, {}, median).value)


def test_none_of_sixty_may_still_be_six_percent() -> None:
    found = wilson(0.0, 60)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.0602, abs=1e-4)


def test_wilsons_interval_of_three_in_ten() -> None:
    found = wilson(0.3, 10)  # as R's prop.test(3, 10, correct=FALSE) gives it
    assert (found.low, found.high) == pytest.approx((0.1078, 0.6032), abs=1e-4)


def test_no_trials_are_no_share() -> None:
    assert math.isnan(wilson(math.nan, 0).value)


def test_nothing_leaves_an_estimate_of_nothing() -> None:
    assert bootstrap({"a": []}, median) == NOTHING


@pytest.mark.parametrize(
    ("value", "low", "high", "beyond"),
    [
        (0.2, 0.1, 0.3, True),
        (-0.2, -0.3, -0.1, True),
        (0.2, -0.1, 0.3, False),
        (0.05, 0.01, 0.1, False),
        (0.1, 0.1, 0.1, True),
    ],
)
def test_a_change_counts_from_its_least_on_and_where_its_interval_has_no_zero(
    value: float, low: float, high: float, beyond: bool
) -> None:
    assert Estimate(value, low, high).is_beyond(0.1) is beyond
