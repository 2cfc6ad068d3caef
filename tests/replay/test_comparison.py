"""Two runs beside each other, with figures that are known."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.core.ledger.budget import SEGMENTS
from replay.comparison import broken_budgets, compare
from replay.page import page_of
from replay.printed import markdown_of_comparison, markdown_of_run
from replay.run import Marks, ReplayPlay, ReplayRun, load_run
from replay.turns import STAGES, ReplayTurn


def turn(number: int, chance: random.Random) -> ReplayTurn:
    took: dict[str, float] = {stage: 0.05 + chance.gauss(0.0, 0.004) for stage in STAGES}
    waited: dict[str, float] = {segment: took[segment] for segment in SEGMENTS}
    return ReplayTurn(
        number=number,
        ended_s=10.0 * number,
        ended_media_s=10.0 * number,
        answered_s=10.0 * number + sum(waited.values()),
        v2v_s=sum(waited.values()),
        waited=waited,
        took=took,
        hidden=dict.fromkeys(SEGMENTS, 0.0),
        transcript="Which folder?",
        answer="This </script> one.",
    )


def run(seed: int, name: str = "a run") -> ReplayRun:
    chance = random.Random(seed)
    turns = [turn(number, chance) for number in range(1, 41)]
    marks = Marks(references={0: "Which folder, please?"})
    play = ReplayPlay(name="call", turns=turns, decisions=["CommitReply 1"], marks=marks)
    return ReplayRun(name=name, made={}, played=[play])


def slower(one: ReplayRun, stage: str, by_s: float) -> ReplayRun:
    def changed(turn: ReplayTurn) -> ReplayTurn:
        waited = {**turn.waited, stage: turn.waited[stage] + by_s}
        took = {**turn.took, stage: turn.took[stage] + by_s}
        return replace(turn, waited=waited, took=took, v2v_s=turn.v2v_s + by_s)

    play = one.played[0]
    return replace(one, played=[replace(play, turns=[changed(turn) for turn in play.turns])])


def test_runs_that_differ_by_noise_alone_pass(soak: bool) -> None:
    for seed in range(5 if not soak else 20):
        assert compare(run(1000), run(seed)).broken == []


def busy(one: ReplayRun, seed: int, by_s: float) -> ReplayRun:
    """Other programs take the processor: whatever thinks takes longer, and so does the wait."""
    chance = random.Random(seed)

    def held_up(turn: ReplayTurn) -> ReplayTurn:
        more = {stage: chance.expovariate(1 / by_s) for stage in ("stt", "turn")}
        took = {stage: spent + more.get(stage, 0.0) for stage, spent in turn.took.items()}
        waited_s = sum(more.values())
        held_up = {**dict.fromkeys(more, waited_s), "v2v": waited_s}  # both at work at once
        return replace(turn, took=took, v2v_s=turn.v2v_s + waited_s, held_up=held_up)

    play = one.played[0]
    return replace(one, played=[replace(play, turns=[held_up(turn) for turn in play.turns])])


def test_what_other_programs_took_is_nobodys_fault(soak: bool) -> None:
    for seed in range(5 if not soak else 20):
        found = compare(busy(run(1000), 1, 0.01), busy(run(seed), seed, 0.08))
        assert found.broken == []
        assert any(line.startswith("The machine was busier") for line in found.sentences)
        assert {one.stage for one in found.differences if one.by_machine} == {"v2v", "stt", "turn"}


def test_what_became_slower_on_a_busy_machine_is_named_all_the_same() -> None:
    later = slower(busy(run(2), 2, 0.08), "llm_first_token", 0.08)
    changed = {
        one.stage: one for one in compare(busy(run(1), 1, 0.01), later).differences if one.changed
    }
    assert set(changed) == {"v2v", "llm_first_token"}
    assert changed["llm_first_token"].typical_s.value == pytest.approx(0.08, abs=0.015)
    assert changed["llm_first_token"].worse


@pytest.mark.parametrize("stage", ["stt", "llm_first_token", "tts_first_audio"])
def test_what_became_slower_is_named_with_its_size(stage: str) -> None:
    found = compare(run(1), slower(run(2), stage, 0.03))
    changed = {one.stage: one for one in found.differences if one.changed}
    assert set(changed) == {"v2v", stage}
    assert changed[stage].typical_s.value == pytest.approx(0.03, abs=0.005)
    assert changed[stage].worse
    assert not changed["v2v"].worse  # by less than a tenth of the whole
    assert len(found.broken) == 1


@pytest.mark.parametrize(
    ("mode", "before", "after", "breaks"),
    [
        ("fast", 0, 1, True),  # nothing but the code makes a difference
        ("fast", 2, 2, False),
        ("real time", 0, 1, False),  # it happens
        ("real time", 1, 4, False),
        ("real time", 0, 5, True),
        ("real time", 3, 13, True),
    ],
)
def test_cutting_in_more_often_than_by_chance_breaks_the_gate(
    mode: str, before: int, after: int, breaks: bool
) -> None:
    def cutting_in(times: int) -> ReplayRun:
        one = run(1)
        marks = Marks(cut_ins_s=[10.0 * at for at in range(times)])
        return replace(one, made={"mode": mode}, played=[replace(one.played[0], marks=marks)])

    broken = compare(cutting_in(before), cutting_in(after)).broken
    assert broken == ([f"cut-ins: {before} -> {after}"] if breaks else [])


def test_cut_ins_are_told_twice_all_and_those_that_are_noticed() -> None:
    def cutting_in(*heard_s: float) -> ReplayRun:
        one = run(1)
        marks = Marks(cut_ins_s=[10.0 for _ in heard_s], cut_ins_heard_s=list(heard_s))
        return replace(one, played=[replace(one.played[0], marks=marks)])

    found = compare(cutting_in(0.1, 0.3, 0.31, 2.0), cutting_in(0.2))

    assert "Cut-ins: 4 -> 1 (noticed: 2 -> 0)." in found.sentences
    assert broken_budgets(cutting_in(0.1, 0.4), {"noticed_cut_ins": 0.0}) == [
        "noticed_cut_ins: 1, at most 0 allowed"
    ]
    assert broken_budgets(cutting_in(0.1, 0.3), {"noticed_cut_ins": 0.0}) == []


def test_turns_are_paired_by_where_they_end() -> None:
    first, second = run(1), run(1)
    play = second.played[0]
    later = [replace(turn, ended_media_s=turn.ended_media_s + 0.1) for turn in play.turns]
    second = replace(second, played=[replace(play, turns=later[3:])])
    found = compare(first, second)
    assert (found.pairs, found.unpaired) == (37, 3)
    assert [one.stage for one in found.differences if one.changed] == []


def test_a_budget_that_is_not_kept_is_told() -> None:
    budgets = {"v2v_p50_ms": 100.0, "stt_p95_ms": 500.0, "cut_ins": 0.0, "word_error_rate": 0.1}
    broken = broken_budgets(run(1), budgets)
    assert [line.partition(":")[0] for line in broken] == ["word_error_rate", "v2v_p50_ms"]


def test_a_run_comes_back_from_its_folder(tmp_path: Path) -> None:
    run(1).save(tmp_path)
    assert load_run(tmp_path).as_json() == run(1).as_json()


def test_the_page_needs_nothing_and_is_small() -> None:
    found = compare(run(1), slower(run(2), "stt", 0.03))
    page = page_of([run(1, "before"), slower(run(2, "after"), "stt", 0.03)], found)
    assert len(page.encode()) < 2_000_000
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "This <\\/script> one." in page
    assert "speech to text: +" in page


def test_a_pull_request_reads_it_too() -> None:
    found = compare(run(1), slower(run(2), "stt", 0.03))
    assert "**Gate: failed.**" in markdown_of_comparison(found, found.broken)
    assert "| speech to text | 40 |" in markdown_of_run(run(1))
