"""The pace of known hardware, drawn from a seed."""

import json
import random
import statistics
from pathlib import Path

import pytest

from bot.settings.latency_profile import (
    PROFILES,
    LatencyProfile,
    ProfileError,
    ProfileName,
    profile_named,
)


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


def written(folder: Path, document: object) -> LatencyProfile:
    file = folder / "profile.json"
    file.write_text(json.dumps(document))
    return profile_named(str(file))


def test_a_file_says_the_same_as_a_name(tmp_path: Path) -> None:
    h100 = {"first_token_ms": {"median": 60, "p95": 120}, "between_tokens_ms": 13}
    assert written(tmp_path, h100) == PROFILES["h100-fp8"] == profile_named("h100-fp8")
    assert written(tmp_path, {"rows": [], "profile": h100}) == PROFILES["h100-fp8"]
    fixed = {"first_token_ms": 150, "between_tokens_ms": 25}
    assert written(tmp_path, fixed) == PROFILES["fixed-150"]


def test_a_heavy_tail_has_its_share(tmp_path: Path) -> None:
    h100 = {"first_token_ms": {"median": 60, "p95": 120}, "between_tokens_ms": 13}
    tail = {"share": 0.1, "first_token_ms": 2000}
    profile = written(tmp_path, h100 | {"tail": tail})
    rng = random.Random(1)
    draws = [profile.first_token_s(rng) for _ in range(20_000)]
    assert draws.count(2.0) / len(draws) == pytest.approx(0.1, abs=0.01)
    rest = [draw for draw in draws if draw != 2.0]
    assert statistics.median(rest) == pytest.approx(0.060, rel=0.02)


def test_measured_quantiles_are_played_as_they_were(tmp_path: Path) -> None:
    measured = [100, 110, 120, 150, 400]
    profile = written(tmp_path, {"first_token_ms": measured, "between_tokens_ms": 8})
    rng = random.Random(1)
    draws = sorted(profile.first_token_s(rng) for _ in range(20_000))
    assert draws[0] == pytest.approx(0.100, abs=0.001)
    assert statistics.median(draws) == pytest.approx(0.120, rel=0.02)
    assert draws[int(0.75 * len(draws))] == pytest.approx(0.150, rel=0.03)
    assert draws[-1] == pytest.approx(0.400, abs=0.001)
    assert profile.between_s == 0.008


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"first_token_ms": 100},
        {"first_token_ms": {"median": 120}, "between_tokens_ms": 1},
        {"first_token_ms": {"median": 120, "p95": 60}, "between_tokens_ms": 1},
        {"first_token_ms": [], "between_tokens_ms": 1},
        {"first_token_ms": -1, "between_tokens_ms": 1},
        {"first_token_ms": "soon", "between_tokens_ms": 1},
        {"first_token_ms": 1, "between_tokens_ms": 1, "tail": {"share": 2}},
        {"first_token_ms": 1, "between_tokens_ms": 1, "tail": 3},
        {"first_token_ms": 1, "between_tokens_ms": 1, "tail": {"share": 0.1, "ms": 2000}},
    ],
)
def test_what_is_no_profile_is_said_in_one_line(tmp_path: Path, document: object) -> None:
    with pytest.raises(ProfileError, match=r"^is no profile: it should be like [^\n]*$"):
        written(tmp_path, document)


def test_a_name_that_is_none_and_a_file_that_is_not_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"should be none, a100, h100-fp8, fixed-150 or a file"):
        profile_named("b200")
    (tmp_path / "torn.json").write_text("{")
    with pytest.raises(ProfileError, match="cannot be read as a profile"):
        profile_named(str(tmp_path / "torn.json"))
