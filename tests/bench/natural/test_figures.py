"""Cut-ins, twice counted, and the figures made of them."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench.natural.figures import difference, figures
from bench.natural.picture import figure_of_natural
from bench.natural.plays import CutIn, NaturalPlay, cut_ins
from bench.natural.report import print_natural
from bench.natural.speech import Kind, NaturalPause, NaturalTurn
from pipelines.core.ledger.statistics import Estimate


def turn(
    *pauses: tuple[float, float, Kind],
    speaker: str = "ann",
    source: str = "calls",
    sure: float = 0.9,
) -> NaturalTurn:
    """Five seconds of speech from 0.4 s on; a pause is its start, its length and its kind."""
    return NaturalTurn(
        id=f"{speaker}/{pauses}",
        file=Path("a.flac"),
        channel=0,
        alone=True,
        source=source,
        speaker=speaker,
        sure=sure,
        text="words",
        first_s=0.0,
        start_s=0.4,
        end_s=5.4,
        next_s=None,
        end="end-of-turn",
        pauses=tuple(NaturalPause(start, length, kind) for start, length, kind in pauses),
    )


def play(one: NaturalTurn, *sounds: tuple[float, float], v2v_s: float = 0.3) -> NaturalPlay:
    return NaturalPlay(server="ours", turn=one, v2v_s=v2v_s, cut_ins=cut_ins(one, sounds))


def test_a_cut_in_belongs_to_the_pause_that_it_took_for_the_end() -> None:
    one = turn((1.0, 0.5, "clause"), (3.0, 0.5, "number"))

    assert cut_ins(one, [(3.3, 3.5)]) == (CutIn(3.3, 1, 0.2),)


def test_what_is_heard_before_and_after_the_person_goes_on_is_taken_together() -> None:
    one = turn((1.0, 0.5, "clause"))
    (cut,) = cut_ins(one, [(1.3, 1.5), (1.5, 1.62)])

    assert cut.heard_s == pytest.approx(0.32)
    assert cut.noticed


def test_two_tries_in_one_pause_are_one_cut_in() -> None:
    (cut,) = cut_ins(turn((1.0, 1.5, "clause")), [(1.3, 1.5), (2.2, 2.35)])

    assert (cut.at_s, cut.noticed) == (1.3, True)


def test_300_ms_are_not_noticed() -> None:
    (cut,) = cut_ins(turn((1.0, 0.5, "clause")), [(1.3, 1.6)])

    assert not cut.noticed


def test_sound_at_a_pause_that_does_not_count_is_no_cut_in() -> None:
    one = turn((1.0, 0.5, "clause"))
    unsure = replace(one, pauses=(replace(one.pauses[0], counts=False),))

    assert cut_ins(unsure, [(1.3, 1.6)]) == ()


def test_sound_while_the_person_speaks_is_a_cut_in_elsewhere() -> None:
    assert cut_ins(turn(), [(2.0, 2.5)]) == (CutIn(2.0, None, 0.5),)


def test_sound_before_and_after_the_turn_is_none() -> None:
    assert cut_ins(turn(), [(0.1, 0.2), (5.5, 9.0)]) == ()


def test_pauses_are_counted_by_kind_and_by_length() -> None:
    one = turn((1.0, 0.5, "number"), (2.0, 1.5, "number"), (4.0, 0.3, "hanging"))
    found = figures("ours", [play(one, (2.2, 3.6))])

    assert (found.pauses["number"].all.count, found.pauses["number"].all.total) == (1, 2)
    assert found.lengths["number, 1 to 2 s"].noticed.count == 1
    assert found.lengths["number, 0 to 1 s"].all.count == 0
    assert found.pauses["hanging"].all.estimate.value == 0.0
    assert found.pauses["clause"].all.total == 0


def test_commands_are_a_row_of_their_own() -> None:
    plays = [play(turn()), play(turn(source="picovoice"), (1.0, 2.0), v2v_s=1.0)]
    found = figures("ours", plays)

    assert (found.all.turns, found.all.cut_into.all.count) == (1, 0)
    assert (found.commands.turns, found.commands.cut_into.all.count) == (1, 1)
    assert list(found.sources) == ["calls"]


def test_only_very_sure_labels_make_the_headline() -> None:
    found = figures("ours", [play(turn(sure=0.75), v2v_s=2.0), play(turn())])

    assert (found.very_sure.turns, found.all.turns) == (1, 2)
    assert found.very_sure.v2v[95].value == 0.3


def test_an_interval_draws_speakers_and_not_turns() -> None:
    waits = {"ann": 0.2, "bob": 1.0}
    plays = [play(turn(speaker=who), v2v_s=s) for who, s in waits.items() for _ in range(50)]
    median = figures("ours", plays).all.v2v[50]

    assert (median.low, median.high) == (0.2, 1.0)


def test_nothing_of_n_leaves_room_for_doubt() -> None:
    share = figures("ours", [play(turn())] * 10).all.cut_into.all

    assert (share.count, share.total) == (0, 10)
    assert share.estimate.high == pytest.approx(0.278, abs=0.001)


def test_only_the_named_servers_plays_are_counted() -> None:
    theirs = replace(play(turn()), server="stock")

    assert figures("ours", [theirs]).all.turns == 0
    assert math.isnan(figures("ours", [theirs]).wasted)


def test_the_difference_to_another_server_pairs_the_same_turns() -> None:
    slow, quick = turn(speaker="ann"), turn(speaker="bob")
    ours = [play(slow, v2v_s=1.0), play(quick, v2v_s=0.4)]
    theirs = [replace(one, server="earlier", v2v_s=one.v2v_s - 0.1) for one in ours]
    apart = difference([*ours, *theirs, play(turn(speaker="cleo"), v2v_s=5.0)], "earlier")

    assert apart.value == pytest.approx(0.1)


def test_the_report_has_every_kind_of_pause_that_was_played() -> None:
    plays = [play(turn((1.0, 0.5, "number")), (1.3, 1.8))]
    console = Console(width=120, record=True)
    apart = {"earlier": Estimate(0.1, 0.05, 0.2)}
    print_natural(console, [figures("ours", plays)], apart, "one turn")
    told = console.export_text()

    assert "cut in at number pauses" in told
    assert "1 of 1, 100 %" in told
    assert "ours - earlier, median over the turns: 100 ms [50, 200]" in told
    assert "sentence" not in told.replace("sentences", "")


def test_each_server_is_a_point_of_its_wait_and_its_cut_ins() -> None:
    plays = [play(turn((1.0, 0.5, "number")), (1.3, 1.8)), play(turn(), v2v_s=1.0)]
    (axes,) = figure_of_natural([figures("ours", plays)], "two turns").axes

    _, [told] = axes.get_legend_handles_labels()
    assert told == "ours: 300 / 1000 ms, 1 of 2"


def test_a_server_that_played_nothing_has_no_point() -> None:
    (axes,) = figure_of_natural([figures("ours", [])], "nothing").axes

    assert not axes.containers
