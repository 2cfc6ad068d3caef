"""A change foretold, and the same change played."""

from collections.abc import Iterator

import pytest

from pipelines.core.ledger.statistics import median
from replay.call_folder import Line, load
from replay.causes import Instead, causes_of, v2v_of
from replay.performance import Company, Options
from replay.suite import BOX
from replay.turns import turns_of
from replay.whatif import foretell, jobs_of, most, picture, queue_up, sweep

NEAR = 0.10
SAME_TURN_S = 0.1


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    company = Company()
    yield company
    company.close()


def lines(company: Company, recording: str, options: Options) -> list[Line]:
    return company.play(load(BOX / "smoke" / recording), options).replayed.lines


@pytest.mark.soak
@pytest.mark.parametrize("speculates", [True, False])
@pytest.mark.parametrize("recording", ["browser", "phone"])
def test_a_replay_with_that_profile_is_foretold(
    company: Company, recording: str, speculates: bool
) -> None:
    """Over the turns that both have: that somebody goes on speaking is nothing it can know."""
    causes = causes_of(lines(company, recording, Options()))
    assert len(causes) == 4
    for first_token_ms in (60, 150, 300, 600):
        instead = Instead(first_token=first_token_ms / 1000, speculates=speculates)
        options = Options(llm=f"fixed-{first_token_ms}", speculates=speculates)
        turns = turns_of(lines(company, recording, options))
        both = [
            (v2v_of(cause, instead), turn.v2v_s)
            for cause in causes
            for turn in turns
            if abs(turn.ended_s - cause.ended_s) < SAME_TURN_S
        ]
        assert len(both) >= 3
        foretold, replayed = (median(waits) for waits in zip(*both, strict=True))
        assert foretold == pytest.approx(replayed, rel=NEAR), first_token_ms


def test_nothing_else_is_what_was() -> None:
    for recording in ("browser", "phone"):
        for cause in causes_of(load(BOX / "smoke" / recording).events):
            assert foretell([cause], Instead()).p50 == pytest.approx(cause.v2v, abs=0.03)


def test_more_callers_wait_for_the_ears_and_the_last_words_wait_least() -> None:
    call = load(BOX / "smoke" / "browser")
    jobs, causes = jobs_of(call.events), causes_of(call.events)
    waits = [sum(map(sum, queue_up(jobs, causes, call.duration_s, calls))) for calls in (1, 8, 24)]
    assert waits[0] == 0.0
    assert waits[0] < waits[1] < waits[2]


def test_a_sweep_says_how_slow_the_first_token_may_be() -> None:
    causes = causes_of(load(BOX / "smoke" / "phone").events)
    swept = sweep(lambda token_s: foretell(causes, Instead(first_token=token_s)))
    slowest = most(swept, goal_s=1.0)
    assert slowest is not None
    assert foretell(causes, Instead(first_token=slowest)).p95 <= 1.0
    assert foretell(causes, Instead(first_token=slowest + 0.021)).p95 > 1.0
    assert f"up to {slowest * 1000:.0f} ms" in picture(swept, 1.0)
    assert most(swept, goal_s=0.1) is None
