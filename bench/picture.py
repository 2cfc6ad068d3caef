"""The run as one picture: how long people waited, beside how often they were cut into. SVG."""

import math
from collections.abc import Iterator, Sequence

from bench.playlist import KINDS
from bench.plays import Play
from bench.summary import ServerFigures
from bot.terminal import svg

WIDTH, HEIGHT = 960, 460
LEFT, TOP, WAITS_WIDTH, PANEL_HEIGHT = 60, 70, 510, 300
CUTS_LEFT, CUTS_WIDTH = 660, 270
COLOURS = {"ours": "#12715b", "stock": "#c2571a", "page": "#3b5b92"}
SHORTEST_S, LONGEST_S = 0.1, 5.0
"""The ends of the logarithmic axis of waits: a missed turn counts the last."""
WAIT_TICKS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SHARE_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def draw(found: Sequence[ServerFigures], plays: Sequence[Play], heading: str) -> str:
    """An SVG document."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        svg.text(LEFT, 28, heading, size=15),
        *_waits(found, plays),
        *_cuts(found),
        *_legend(found),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _waits(found: Sequence[ServerFigures], plays: Sequence[Play]) -> Iterator[str]:
    """The cumulative distribution of the waits, with each server's median."""
    yield svg.text(LEFT, TOP - 12, "share of turns answered within", colour="#555")
    for share in SHARE_TICKS:
        y = _down(share)
        yield svg.line(LEFT, y, LEFT + WAITS_WIDTH, y, "#e4e4e4")
        yield svg.text(LEFT - 8, y + 4, f"{100 * share:.0f} %", anchor="end", colour="#555")
    for tick_s in WAIT_TICKS_S:
        x = _across(tick_s)
        yield svg.line(x, TOP, x, TOP + PANEL_HEIGHT, "#e4e4e4")
        label = f"{1000 * tick_s:.0f} ms" if tick_s < 1 else f"{tick_s:g} s"
        label = "missed" if tick_s == LONGEST_S else label
        yield svg.text(x, TOP + PANEL_HEIGHT + 20, label, anchor="middle", colour="#555")
    for number, one in enumerate(found):
        waits = sorted(p.v2v_s for p in plays if p.server == one.server and p.role == "turn")
        if not waits:
            continue
        yield f'<path d="{_steps(waits)}" fill="none" stroke="{_colour(one)}" stroke-width="2.5"/>'
        p50_s, p95_s = (one.v2v[percent].value for percent in (50, 95))
        x, y = _across(p50_s), _down(0.5)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_colour(one)}"/>'
        told = f"{one.server}: p50 {1000 * p50_s:.0f} ms, p95 {1000 * p95_s:.0f} ms"
        yield svg.text(LEFT, TOP + PANEL_HEIGHT + 46 + 18 * number, told, colour=_colour(one))


def _cuts(found: Sequence[ServerFigures]) -> Iterator[str]:
    """Bars for each kind of pause, with their intervals."""
    yield svg.text(CUTS_LEFT, TOP - 12, "pauses of 0.2 to 1 s that it cut into", colour="#555")
    shares = [one.cut_ins[kind] for one in found for kind in KINDS]
    highest = max((share.estimate.high for share in shares if share.total), default=0.0)
    top = min(1.0, max(0.2, math.ceil(10 * highest) / 10))
    for step in range(5):
        y = _down(step / 4)
        yield svg.line(CUTS_LEFT, y, CUTS_LEFT + CUTS_WIDTH, y, "#e4e4e4")
        label = f"{100 * top * step / 4:.0f} %"
        yield svg.text(CUTS_LEFT - 8, y + 4, label, anchor="end", colour="#555")
    place = CUTS_WIDTH / len(KINDS)
    width = place * 0.7 / max(1, len(found))
    for index, kind in enumerate(KINDS):
        middle = CUTS_LEFT + place * (index + 0.5)
        yield svg.text(middle, TOP + PANEL_HEIGHT + 20, kind, anchor="middle", colour="#555")
        for number, one in enumerate(found):
            share = one.cut_ins[kind]
            if not share.total:
                continue
            x = middle + width * (number - len(found) / 2)
            yield from _bar(x + 1, width - 2, one, [
                share.estimate.value / top, share.estimate.low / top, share.estimate.high / top
            ])  # fmt: skip
            told = f"{share.count}/{share.total}"
            yield svg.text(
                x + width / 2, TOP + PANEL_HEIGHT + 38, told, anchor="middle", colour=_colour(one)
            )


def _bar(x: float, width: float, one: ServerFigures, heights: Sequence[float]) -> Iterator[str]:
    value, low, high = heights
    y = _down(value)
    yield (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{TOP + PANEL_HEIGHT - y:.1f}" fill="{_colour(one)}"/>'
    )
    middle = x + width / 2
    yield svg.line(middle, _down(low), middle, _down(high), "#222")


def _legend(found: Sequence[ServerFigures]) -> Iterator[str]:
    for number, one in enumerate(found):
        x = CUTS_LEFT + 90 * number
        yield f'<rect x="{x}" y="{HEIGHT - 26}" width="12" height="12" fill="{_colour(one)}"/>'
        yield svg.text(x + 18, HEIGHT - 15, one.server)


def _steps(waits: Sequence[float]) -> str:
    """The path of a cumulative distribution."""
    path = [f"M{_across(waits[0]):.1f},{_down(0):.1f}"]
    for rank, wait_s in enumerate(waits, start=1):
        path += [f"H{_across(wait_s):.1f}", f"V{_down(rank / len(waits)):.1f}"]
    return " ".join(path)


def _across(wait_s: float) -> float:
    inside = min(max(wait_s, SHORTEST_S), LONGEST_S)
    return LEFT + WAITS_WIDTH * math.log(inside / SHORTEST_S) / math.log(LONGEST_S / SHORTEST_S)


def _down(share: float) -> float:
    return TOP + PANEL_HEIGHT * (1 - share)


def _colour(one: ServerFigures) -> str:
    return COLOURS.get(one.server, "#444")
