"""The built-in suite, beside what it came to when the baseline was made."""

from pathlib import Path

import pytest

from replay.comparison import broken_budgets, compare, word_error_rate
from replay.conducting import ReplayRequest, conduct, suites_of, tasks_of
from replay.performance import Options
from replay.run import ReplayRun, load_run

BASELINE = Path(__file__).parents[1] / "baseline" / "run.json"
NEW_BASELINE = "a change on purpose brings a new baseline: see tests/baseline/README.md"


@pytest.fixture(scope="module")
def now() -> ReplayRun:
    wanted = ReplayRequest(options=Options(), mode="fast")
    suites = suites_of(["smoke"])
    run = conduct("smoke", tasks_of(suites, wanted), wanted, lambda _: None, pytest.fail)
    assert broken_budgets(run, suites[0].budgets) == []
    return run


def test_no_stage_is_slower_and_nobody_is_cut_into(now: ReplayRun) -> None:
    found = compare(load_run(BASELINE), now)
    assert found.broken == [], NEW_BASELINE
    assert found.pairs >= len(load_run(BASELINE).turns) - 1, NEW_BASELINE


def test_as_many_turns_are_answered_in_as_good_words(now: ReplayRun) -> None:
    before = load_run(BASELINE)
    assert [len(one.turns) for one in now.played] == [len(one.turns) for one in before.played]
    assert (word_error_rate(now.played) or 0) <= (word_error_rate(before.played) or 0) + 0.02
    assert sum(len(one.marks.missed_s) for one in now.played) == 0
