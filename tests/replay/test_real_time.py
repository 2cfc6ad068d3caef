"""In real time, through this machine's own ears: what stays the same, and what is found."""

from dataclasses import replace

import pytest

from client.caller.wording import count_word_errors
from pipelines.stages import phrasing
from replay.comparison import compare
from replay.conducting import ReplayRequest, conduct, suites_of, tasks_of
from replay.performance import Change, Options
from replay.run import ReplayRun
from replay.suite import BOX
from tests.replay.planted import NEAR_S, STT_S, VAD_S, WholeSentences, later_vad, slower_ears

REPEATS = 10
PLANTED_REPEATS = 3
"""A turn takes the ears 20 ms or 60: four turns say too little of 80 more."""
SAME_WORDS = 0.05


def played(recording: str, repeats: int, change: Change | None = None) -> ReplayRun:
    options = Options() if change is None else Options(change=change)
    wanted = ReplayRequest(options=options, mode="real time", repeats=repeats)
    tasks = tasks_of(suites_of([str(BOX / "smoke" / recording)]), wanted)
    return conduct(recording, tasks, wanted, lambda _: None, pytest.fail)


@pytest.mark.soak
@pytest.mark.parametrize("recording", ["browser", "phone"])
def test_ten_replays_in_real_time_are_of_the_same_call(recording: str) -> None:
    run = played(recording, REPEATS)
    first, *others = [replace(run, played=[replace(one, repeat=0)]) for one in run.played]
    said = [" ".join(turn.transcript for turn in run.turns) for run in (first, *others)]
    for other, words in zip(others, said[1:], strict=True):
        assert len(other.turns) == len(first.turns)
        counts = count_word_errors(said[0], words)
        assert counts.errors <= SAME_WORDS * counts.words
        assert compare(first, other).broken == []
        assert compare(other, first).broken == []


@pytest.fixture(scope="module")
def before() -> ReplayRun:
    return played("browser", PLANTED_REPEATS)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("stage", "by_s", "change"), [("stt", STT_S, slower_ears), ("vad", VAD_S, later_vad)]
)
def test_what_became_slower_is_found_in_real_time(
    before: ReplayRun, stage: str, by_s: float, change: Change
) -> None:
    found = compare(before, played("browser", PLANTED_REPEATS, change))
    changed = [one for one in found.differences if one.changed and one.stage != "v2v"]
    sizes = {one.stage: one.typical_s.value for one in changed}
    assert max(sizes, key=sizes.__getitem__) == stage
    assert sizes[stage] == pytest.approx(by_s, abs=NEAR_S)
    assert {one.stage for one in found.differences if one.worse} - {"v2v"} == {stage}


@pytest.mark.soak
def test_waiting_for_the_full_stop_is_found_in_real_time(
    before: ReplayRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrasing, "Phraser", WholeSentences)
    found = compare(before, played("browser", PLANTED_REPEATS))
    assert {one.stage for one in found.differences if one.worse} - {"v2v"} == {"first_clause"}
