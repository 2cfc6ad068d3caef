"""A picture of engines with more and more calls at once."""

from collections.abc import Sequence
from typing import Protocol

from matplotlib.figure import Figure

from bench.chart import COLOURS, as_svg, tidy

HUMAN_PACE_S = 0.25


class LevelsPoint(Protocol):
    @property
    def engine(self) -> str: ...

    @property
    def calls(self) -> int: ...

    @property
    def p95_s(self) -> float: ...


def draw(
    cells: Sequence[LevelsPoint],
    heading: str,
    *,
    label: str = "p95 from the last sample to the final",
    least_s: float = 0.5,
    pace_s: float = HUMAN_PACE_S,
) -> str:
    """The 95th percentile over the calls at once, a line an engine. SVG.

    `least_s`: to which the axis goes at least; `pace_s`: where a red line is drawn.
    """
    figure = Figure(figsize=(7.6, 4.0), layout="constrained")
    figure.suptitle(heading, parse_math=False)
    axes = figure.subplots()
    tidy(axes, label)
    levels = sorted({one.calls for one in cells})
    for number, engine in enumerate(dict.fromkeys(one.engine for one in cells)):
        points = [(levels.index(o.calls), 1000 * o.p95_s) for o in cells if o.engine == engine]
        colour = COLOURS[number % len(COLOURS)]
        [line] = axes.plot(*zip(*points, strict=True), "o-", color=colour, label=engine)
        line.set_gid(f"engine-{number}")
    axes.axhline(1000 * pace_s, color="#b00020", linewidth=1)
    axes.set_ylim(0.0, 1000 * max(least_s, *(one.p95_s for one in cells)))
    axes.yaxis.set_major_formatter("{x:.0f} ms")
    axes.set_xticks(range(len(levels)), [str(calls) for calls in levels])
    axes.set_xlabel("calls at once")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return as_svg(figure)
