"""The run as one picture: how long people waited, beside how often they were cut into."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from bench.chart import as_svg, tidy
from bench.playlist import KINDS
from bench.plays import Play
from bench.summary import ServerFigures

COLOURS = {
    "ours": "#12715b",
    "stock": "#c2571a",
    "page": "#3b5b92",
    "livekit": "#8a3f8f",
    "fastrtc": "#7a6a12",
}
SHORTEST_S, LONGEST_S = 0.1, 5.0
"""The ends of the logarithmic axis of waits: a missed turn counts the last."""
WAIT_TICKS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def draw(found: Sequence[ServerFigures], plays: Sequence[Play], heading: str) -> str:
    """An SVG document."""
    return as_svg(figure_of(found, plays, heading))


def figure_of(found: Sequence[ServerFigures], plays: Sequence[Play], heading: str) -> Figure:
    figure = Figure(figsize=(9.6, 4.6), layout="constrained")
    figure.suptitle(heading, parse_math=False)
    waits, cuts = figure.subplots(1, 2, width_ratios=[2, 1])
    _draw_waits(waits, found, plays)
    _draw_cuts(cuts, found)
    return figure


def set_axes(axes: Axes) -> None:
    """Waits across, on a logarithmic axis of which the last tick is a missed turn; shares up."""
    axes.set_xscale("log")
    axes.set_xlim(SHORTEST_S, LONGEST_S)
    labels = [f"{1000 * s:.0f} ms" if s < 1 else f"{s:g} s" for s in WAIT_TICKS_S[:-1]]
    axes.set_xticks(WAIT_TICKS_S, [*labels, "missed"])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _draw_waits(axes: Axes, found: Sequence[ServerFigures], plays: Sequence[Play]) -> None:
    """The cumulative distribution of the waits, with each server's median."""
    tidy(axes, "share of turns answered within")
    set_axes(axes)
    for one in found:
        waits = [p.v2v_s for p in plays if p.server == one.server and p.role == "turn"]
        if not waits:
            continue
        p50_s, p95_s = (one.v2v[percent].value for percent in (50, 95))
        told = f"{one.server}: p50 {1000 * p50_s:.0f} ms, p95 {1000 * p95_s:.0f} ms"
        shown = [min(max(wait_s, SHORTEST_S), LONGEST_S) for wait_s in waits]
        axes.ecdf(shown, label=told, color=_colour(one), linewidth=2.5)
        axes.plot([p50_s], [0.5], "o", color=_colour(one))
    if axes.lines:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)


def _draw_cuts(axes: Axes, found: Sequence[ServerFigures]) -> None:
    """Bars for each kind of pause, with their intervals."""
    tidy(axes, "pauses of 0.2 to 1 s that it cut into")
    axes.set_xticks(range(len(KINDS)), KINDS)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    width = 0.7 / max(1, len(found))
    for number, one in enumerate(found):
        for at, kind in enumerate(KINDS):
            share = one.cut_ins[kind]
            if not share.total:
                continue
            value, low, high = share.estimate.value, share.estimate.low, share.estimate.high
            bars = axes.bar(
                at + width * (number - (len(found) - 1) / 2),
                value,
                0.9 * width,
                yerr=[[max(0.0, value - low)], [max(0.0, high - value)]],
                color=_colour(one),
                label=one.server if at == 0 else "_",
            )
            axes.bar_label(bars, [f"{share.count}/{share.total}"], fontsize="small")
    axes.set_ylim(0.0, max(0.2, axes.get_ylim()[1]))


def _colour(one: ServerFigures) -> str:
    return COLOURS.get(one.server, "#444")
