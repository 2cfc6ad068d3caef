"""Percentiles, on values whose answer is known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.ledger.statistics import percentile


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1), (10, 1), (11, 2), (50, 5), (90, 9), (95, 10), (100, 10)]
)
def test_a_percentile_is_the_value_at_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == expected


def test_the_p95_of_twenty_is_the_nineteenth() -> None:
    assert percentile(list(range(1, 21)), 95) == 19


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(percentile([], 50))


@given(st.lists(st.floats(0, 5), min_size=1), st.floats(0.1, 100))
def test_a_percentile_is_one_of_the_values_and_enough_lie_below(
    values: list[float], percent: float
) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) - 1e-6
