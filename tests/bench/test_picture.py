"""The picture is a document that draws what was measured."""

import re
import xml.etree.ElementTree as ET

import pytest

from bench.picture import draw
from bench.plays import Play
from bench.summary import figures
from tests.bench.test_summary import good, play

SVG = "{http://www.w3.org/2000/svg}"


def drawn(plays: list[Play], *names: str) -> ET.Element:
    return ET.fromstring(draw([figures(name, plays) for name in names], plays, "4 < 5 & 6"))


def test_each_server_has_its_curve_its_words_and_a_bar_for_each_kind_of_pause() -> None:
    plays = good("stock", 0.7, 30) + good("ours", 0.24, 5)
    root = drawn(plays, "stock", "ours")
    words = [element.text or "" for element in root.iter(f"{SVG}text")]

    assert len(list(root.iter(f"{SVG}path"))) == 2
    assert "stock: p50 700 ms, p95 700 ms" in words
    assert "ours: p50 240 ms, p95 240 ms" in words
    assert {"30/100", "5/100", "0/100"} <= set(words)
    assert "4 < 5 & 6" in words


def test_a_curve_rises_once_for_each_turn_and_never_goes_back() -> None:
    plays = [play(item=str(n), v2v_s=v2v_s) for n, v2v_s in enumerate([0.3, 0.2, 5.0])]
    [path] = drawn(plays, "ours").iter(f"{SVG}path")
    across = [float(x) for x in re.findall(r"H([\d.]+)", path.attrib["d"])]
    down = [float(y) for y in re.findall(r"V([\d.]+)", path.attrib["d"])]

    assert len(across) == 3
    assert across == sorted(across)
    assert down == sorted(down, reverse=True)


@pytest.mark.parametrize("plays", [[play()], [play(role="interruption")]])
def test_a_run_without_pauses_or_turns_can_be_drawn(plays: list[Play]) -> None:
    root = drawn(plays, "ours")
    inside = [float(r.attrib["y"]) for r in root.iter(f"{SVG}rect") if "y" in r.attrib]

    assert all(0 <= y <= 460 for y in inside)
