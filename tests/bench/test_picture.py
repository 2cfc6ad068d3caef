"""The picture is a document that draws what was measured."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import typer

from bench.output import drawable
from bench.picture import draw, figure_of
from bench.plays import Play
from bench.summary import figures
from tests.bench.test_summary import good, play

SVG = "{http://www.w3.org/2000/svg}"


def test_each_server_has_its_curve_its_words_and_a_bar_for_each_kind_of_pause() -> None:
    plays = good("stock", 0.7, 30) + good("ours", 0.24, 5)
    root = ET.fromstring(draw([figures(n, plays) for n in ("stock", "ours")], plays, "4 < 5 & $6$"))
    words = [element.text or "" for element in root.iter(f"{SVG}text")]

    assert "stock: p50 700 ms, p95 700 ms" in words
    assert "ours: p50 240 ms, p95 240 ms" in words
    assert {"30/100", "5/100", "0/100"} <= set(words)
    assert "4 < 5 & $6$" in words


def test_a_curve_rises_once_for_each_turn_and_never_goes_back() -> None:
    plays = [play(item=str(n), v2v_s=v2v_s) for n, v2v_s in enumerate([0.3, 0.2, 5.0])]
    waits, _ = figure_of([figures("ours", plays)], plays, "").axes
    across, up = (np.asarray(values, float) for values in waits.lines[0].get_data())

    assert list(across[1:]) == [0.2, 0.3, 5.0]
    assert list(up[1:]) == pytest.approx([1 / 3, 2 / 3, 1.0])


@pytest.mark.parametrize("plays", [[play()], [play(role="interruption")]])
def test_a_run_without_pauses_or_turns_can_be_drawn(plays: list[Play]) -> None:
    ET.fromstring(draw([figures("ours", plays)], plays, "none"))


def test_without_matplotlib_the_option_says_before_anything_is_measured_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drawable(tmp_path / "turns.svg") == tmp_path / "turns.svg"
    with pytest.raises(typer.BadParameter):
        drawable(tmp_path / "nowhere" / "turns.svg")
    monkeypatch.setattr("bench.output.find_spec", lambda name: None)
    assert drawable(None) is None
    with pytest.raises(typer.BadParameter, match="pip install matplotlib"):
        drawable(tmp_path / "turns.svg")
