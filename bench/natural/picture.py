"""Waits against cut-ins on natural speech, a point for each server."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.chart import as_svg, tidy
from bench.natural.figures import NaturalFigures
from bench.picture import COLOURS, SHORTEST_S, set_axes


def draw_natural(found: Sequence[NaturalFigures], heading: str) -> str:
    """An SVG document."""
    return as_svg(figure_of_natural(found, heading))


def figure_of_natural(found: Sequence[NaturalFigures], heading: str) -> Figure:
    """The median wait across, with a line to the 95th percentile; turns cut into as a person
    notices it up, with the 95 % interval.
    """
    figure = Figure(figsize=(8.6, 4.6), layout="constrained")
    figure.suptitle(heading, parse_math=False)
    axes = figure.subplots()
    tidy(axes, "turns cut into for more than 300 ms")
    set_axes(axes)
    for one in found:
        if not one.all.turns:
            continue
        p50_s, p95_s = (one.all.v2v[percent].value for percent in (50, 95))
        share = one.all.cut_into.noticed
        value, low, high = share.estimate.value, share.estimate.low, share.estimate.high
        told = f"{1000 * p50_s:.0f} / {1000 * p95_s:.0f} ms, {share.count} of {share.total}"
        axes.errorbar(
            max(p50_s, SHORTEST_S),
            value,
            xerr=[[0.0], [p95_s - p50_s]],
            yerr=[[max(0.0, value - low)], [max(0.0, high - value)]],
            fmt="o",
            color=COLOURS.get(one.server, "#444"),
            label=f"{one.server}: {told}",
        )
    axes.set_xlabel("wait, from the median to the 95th percentile")
    axes.set_ylim(bottom=0.0)
    if axes.containers:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure
