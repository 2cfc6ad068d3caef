"""The pace of known hardware, drawn from a seed."""

import random
import statistics

import pytest

from bot.engines.latency_profile import PROFILES, ProfileName


@pytest.mark.parametrize(
    ("name", "median_s", "p95_s"), [("a100", 0.150, 0.300), ("h100-fp8", 0.060, 0.120)]
)
def test_first_tokens_have_the_stated_median_and_tail(
    name: ProfileName, median_s: float, p95_s: float
) -> None:
    rng = random.Random(1)
    draws = sorted(PROFILES[name].first_token_s(rng) for _ in range(20_000))
    assert statistics.median(draws) == pytest.approx(median_s, rel=0.02)
    assert draws[int(0.95 * len(draws))] == pytest.approx(p95_s, rel=0.03)


def test_the_fixed_profile_leaves_nothing_to_chance() -> None:
    rng = random.Random(1)
    assert {PROFILES["fixed-150"].first_token_s(rng) for _ in range(100)} == {0.150}
    assert PROFILES["fixed-150"].between_s == 0.025


def test_no_profile_is_no_wait() -> None:
    assert PROFILES["none"].first_token_s(random.Random(1)) == 0.0
