"""Promises under attack: kept, and broken one at a time."""

from dataclasses import replace
from math import isnan

import pytest

from bench.attack.verdict import Census, Promise, Story, Turn, later, left_over, lost, promises

QUIET = Census(memory_mb=400, tasks=12, files=30, threads=9, processes=3, calls=0)
ALONE = [Turn(f"0/{call}/0", 0.3 + call / 1000) for call in range(40)]
STORY = Story(
    alone=ALONE, attacked=ALONE, before=QUIET, after=QUIET, surprises={}, tracebacks=0
)  # fmt: skip


def slower(by_s: float) -> list[Turn]:
    return [replace(turn, wait_s=(turn.wait_s or 0) + by_s) for turn in ALONE]


def broken(story: Story, *, timed: bool = True) -> list[Promise]:
    return [one for one in promises(story, timed=timed) if not one.kept]


def test_nothing_is_broken_where_an_attack_costs_nothing() -> None:
    assert not broken(STORY)


def test_a_turn_that_is_answered_alone_and_not_under_attack_is_lost() -> None:
    attacked = [replace(ALONE[0], wait_s=None, trouble="hung up"), *ALONE[1:]]
    assert [turn.trouble for turn in lost(ALONE, attacked)] == ["hung up"]
    (one,) = broken(replace(STORY, attacked=attacked))
    assert one.found.startswith("1 of 40 lost")
    assert "hung up" in one.found


def test_a_turn_that_was_never_played_is_lost() -> None:
    assert [turn.name for turn in lost(ALONE, ALONE[1:])] == ["0/0/0"]


def test_a_turn_that_nobody_answers_alone_either_is_not_lost() -> None:
    alone = [replace(ALONE[0], wait_s=None), *ALONE[1:]]
    assert not lost(alone, alone)


def test_without_any_call_no_promise_about_calls_is_kept() -> None:
    assert broken(replace(STORY, alone=[], attacked=[]), timed=False)


def test_the_wait_is_judged_where_it_is_timed_and_there_alone() -> None:
    assert not broken(replace(STORY, attacked=slower(0.09)))
    late = replace(STORY, attacked=slower(0.11))
    assert [one.name for one in broken(late)] == ["their p95 wait, over that alone"]
    assert not broken(late, timed=False)


def test_waits_are_compared_turn_by_turn() -> None:
    found = later(ALONE, list(reversed(slower(0.05))), 95)
    assert (found.value, found.low, found.high) == pytest.approx((0.05, 0.05, 0.05))


def test_the_interval_is_wider_where_few_turns_were_late() -> None:
    attacked = [*ALONE[:-3], *slower(1.0)[-3:]]
    found = later(ALONE, attacked, 95)
    assert found.low < 0.1 < found.high


def test_without_pairs_there_is_no_difference() -> None:
    assert isnan(later([], [], 95).value)


@pytest.mark.parametrize(
    "more",
    [
        {"tasks": 13},
        {"threads": 10},
        {"processes": 4},
        {"calls": 1},
        {"files": 35},
        {"memory_mb": 433},
    ],
)
def test_anything_that_is_left_over_is_named(more: dict[str, int]) -> None:
    (name,) = more
    found = left_over(QUIET, replace(QUIET, **more))
    assert len(found) == 1
    assert found[0].startswith(name.removesuffix("_mb"))
    assert [one.name for one in broken(replace(STORY, after=replace(QUIET, **more)))] == [
        "left over"
    ]


def test_pooled_connections_and_what_the_allocator_keeps_are_nothing_left_over() -> None:
    assert not left_over(QUIET, replace(QUIET, files=34, memory_mb=431))
    assert not left_over(
        QUIET, Census(memory_mb=1, tasks=1, files=1, threads=1, processes=1, calls=0)
    )


def test_a_server_that_has_ended_breaks_a_promise() -> None:
    (one,) = broken(replace(STORY, after=None))
    assert one.found == "the server has ended"


def test_a_surprise_and_a_traceback_each_break_one() -> None:
    found = broken(replace(STORY, surprises={"pings: what is this": 3}, tracebacks=2))
    assert [one.found for one in found] == ["3 x pings: what is this", "2"]
