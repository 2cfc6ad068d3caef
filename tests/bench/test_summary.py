"""Figures of made-up plays, each with an answer that can be counted on the fingers."""

import math
from typing import Any

import pytest

from bench.plays import PauseHeard, Play
from bench.summary import demands, difference, figures, ratios
from client.caller.measure import BargeIn


def play(server: str = "ours", item: str = "a", v2v_s: float = 0.25, **facts: Any) -> Play:
    given: dict[str, Any] = {
        "role": "turn",
        "what": "sentence",
        "noise": None,
        "source": item,
        "repeat": 0,
        "calls": 1,
        "missed": False,
        "opened": 1,
        "reference": "one two three four",
        "asked": "one two three four",
    }
    return Play(server=server, item=item, v2v_s=v2v_s, **(given | facts))


def pause(kind: Any, duration_s: float, *, cut_in: bool, place: str = "p") -> PauseHeard:
    return PauseHeard(1.0, duration_s, kind, "natural", place, cut_in)


def test_nothing_drops_out_of_the_percentiles() -> None:
    waits = [play(item=str(n), v2v_s=0.2) for n in range(18)]
    missed = [play(item=f"m{n}", v2v_s=5.0, missed=True) for n in range(2)]
    found = figures("ours", waits + missed)

    assert found.turns == 20
    assert found.v2v[50].value == 0.2
    assert found.v2v[95].value == 5.0
    assert found.missed == 2


def test_only_pauses_of_the_stated_length_count() -> None:
    pauses = (
        pause("hanging", 0.19, cut_in=True, place="a"),
        pause("hanging", 0.2, cut_in=True, place="b"),
        pause("hanging", 1.0, cut_in=False, place="c"),
        pause("hanging", 1.01, cut_in=True, place="d"),
        pause("sentence", 0.5, cut_in=True, place="e"),
    )
    found = figures("ours", [play(pauses=pauses)])

    assert (found.cut_ins["hanging"].count, found.cut_ins["hanging"].total) == (1, 2)
    assert (found.cut_ins["sentence"].count, found.cut_ins["sentence"].total) == (1, 1)
    assert math.isnan(found.cut_ins["clause"].estimate.value)


def test_a_pause_that_is_played_again_makes_the_share_no_surer() -> None:
    plays = [play(pauses=(pause("hanging", 0.5, cut_in=n < 3),), repeat=n) for n in range(10)]
    share = figures("ours", plays).cut_ins["hanging"]

    assert (share.count, share.total, share.distinct) == (3, 10, 1)
    assert share.estimate.value == pytest.approx(0.3)
    assert share.estimate.high > 0.85


def test_wasted_are_the_requests_that_no_audible_answer_came_of() -> None:
    cut_into = (pause("hanging", 0.5, cut_in=True),)
    plays = [
        play(item="answered", opened=1),
        play(item="speculated twice", opened=3),
        play(item="cut into", opened=2, pauses=cut_into, cut_ins_s=(1.3,)),
        play(item="missed", opened=1, v2v_s=5.0, missed=True),
    ]
    # 7 opened; one answer, one, two and none were heard.
    assert figures("ours", plays).wasted == pytest.approx(3 / 4)


def test_a_failed_call_is_missed_but_wastes_nothing() -> None:
    failed = play(item="b", v2v_s=5.0, missed=True, failed="refused", opened=None)
    found = figures("ours", [play(), failed])

    assert (found.missed, found.failed, found.wasted) == (1, 1, 0.0)


def test_what_the_llm_was_asked_is_compared_with_what_was_said() -> None:
    plays = [play(), play(item="b", asked="one two"), play(item="c", asked=None)]

    assert figures("ours", plays).asked_wrongly == pytest.approx((0 + 2 + 4) / 12)


def test_barge_ins_and_back_channels_are_no_turns() -> None:
    spoken_over = [
        play(item=str(n), role="interruption", barge_in=BargeIn(silent_s, None))
        for n, silent_s in enumerate([0.08, 0.09, 0.12])
    ]
    silent = play(item="s", role="interruption", barge_in=None)
    nods = [
        play(item=f"n{n}", role="back-channel", went_on=went_on)
        for n, went_on in enumerate([True, True, False])
    ]
    found = figures("ours", [play(), *spoken_over, silent, *nods])

    assert found.turns == 1
    assert (found.silent[50], found.silent[95]) == (0.09, 0.12)
    assert (found.barge_ins, found.no_chance) == (3, 1)
    assert (found.back_channels, found.went_on) == (3, 2)


def test_the_servers_own_segments_are_told_as_medians() -> None:
    rows = [{"segments": {"stt": value}, "hidden": {"stt": 2 * value}} for value in (0.1, 0.3, 0.2)]
    found = figures("ours", [play(item=str(n), ledger=row) for n, row in enumerate(rows)])

    assert found.stages == {"stt": 0.2}
    assert found.hidden == {"stt": 0.4}


def test_ours_over_stocks_pairs_the_recordings() -> None:
    plays = [
        play(server, str(n), v2v_s)
        for n in range(10)
        for server, v2v_s in (("ours", 0.2 + n / 100), ("stock", 2 * (0.2 + n / 100)))
    ]
    plays.append(play("ours", "only ours", 4.0))
    found = ratios(plays, "stock")

    assert found[50].value == pytest.approx(0.5)
    assert found[99].value == pytest.approx(0.5)


def test_a_difference_is_taken_turn_by_turn_and_not_between_medians() -> None:
    waits = {"a": (0.30, 0.20), "b": (0.90, 0.85), "c": (0.41, 0.40)}
    plays = [play("ours", item, ours) for item, (ours, _) in waits.items()]
    plays += [play("earlier", item, earlier) for item, (_, earlier) in waits.items()]

    apart = difference([*plays, play("ours", "only ours", 5.0)], "earlier")

    assert apart.value == pytest.approx(0.05)
    assert apart.low == pytest.approx(0.01)
    assert apart.high == pytest.approx(0.10)


def test_one_server_alone_has_no_ratio() -> None:
    assert math.isnan(ratios([play()], "stock")[50].value)


def good(server: str, v2v_s: float, hanging_cut: int) -> list[Play]:
    return [
        play(
            server,
            str(n),
            v2v_s,
            pauses=(
                pause("hanging", 0.5, cut_in=n < hanging_cut, place=f"h{n}"),
                pause("clause", 0.5, cut_in=False, place=f"c{n}"),
                pause("sentence", 0.5, cut_in=False, place=f"s{n}"),
            ),
        )
        for n in range(100)
    ]


def verdicts(ours: list[Play], stock: list[Play]) -> dict[str, bool]:
    ratio = ratios(ours + stock, "stock")[50].value
    found = demands(figures("ours", ours), figures("stock", stock) if stock else None, ratio)
    return {demand.what: demand.met for demand in found}


def test_a_run_that_shows_all_of_it_meets_every_demand() -> None:
    assert set(verdicts(good("ours", 0.24, 5), good("stock", 0.7, 30)).values()) == {True}


@pytest.mark.parametrize(
    ("ours", "missing"),
    [
        (good("ours", 0.251, 0), {"v2v p50", "v2v p50, ours over stock's"}),
        (good("ours", 0.24, 6), {"cut-ins at hanging pauses"}),
        (
            good("ours", 0.24, 0)[:98] + [play(item="m", v2v_s=5.0, missed=True, opened=3)] * 2,
            {"v2v p99", "missed"},
        ),
        (
            [play(item=str(n), v2v_s=0.24, opened=2, pauses=one.pauses)
             for n, one in enumerate(good("ours", 0.24, 0))],
            {"wasted LLM requests per turn"},
        ),
    ],
)  # fmt: skip
def test_a_run_that_falls_short_says_where(ours: list[Play], missing: set[str]) -> None:
    found = verdicts(ours, good("stock", 0.7, 30))

    assert {what for what, met in found.items() if not met} == missing


def test_a_figure_that_could_not_be_taken_is_not_met() -> None:
    found = verdicts([play(v2v_s=0.2)], [])

    assert not found["cut-ins at hanging pauses"]
