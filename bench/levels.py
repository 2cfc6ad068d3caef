"""A picture of engines with more and more calls at once."""

from collections.abc import Sequence
from typing import Protocol

from bot.terminal import svg

WIDTH, HEIGHT = 760, 400
LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT = 70, 60, 460, 270
HUMAN_PACE_S = 0.25
COLOURS = ("#12715b", "#c2571a", "#3b5b92", "#8a3f8f", "#7a6a12", "#444444")


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
    engines = list(dict.fromkeys(one.engine for one in cells))
    levels = sorted({one.calls for one in cells})
    highest_s = max(least_s, *(one.p95_s for one in cells))

    def at(calls: int, p95_s: float) -> tuple[float, float]:
        x = LEFT + PLOT_WIDTH * (levels.index(calls) + 0.5) / len(levels)
        return x, TOP + PLOT_HEIGHT * (1 - p95_s / highest_s)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        svg.text(LEFT, 26, heading, size=15),
        svg.text(LEFT, TOP - 12, label, colour="#555"),
        svg.text(
            LEFT + PLOT_WIDTH / 2, HEIGHT - 16, "calls at once", anchor="middle", colour="#555"
        ),
    ]
    for step in range(6):
        time_s = highest_s * step / 5
        _, y = at(levels[0], time_s)
        parts.append(svg.line(LEFT, y, LEFT + PLOT_WIDTH, y, "#e4e4e4"))
        told = f"{1000 * time_s:.0f} ms"
        parts.append(svg.text(LEFT - 8, y + 4, told, anchor="end", colour="#555"))
    _, y = at(levels[0], pace_s)
    parts.append(svg.line(LEFT, y, LEFT + PLOT_WIDTH, y, "#b00020"))
    for calls in levels:
        x, _ = at(calls, 0.0)
        parts.append(
            svg.text(x, TOP + PLOT_HEIGHT + 20, str(calls), anchor="middle", colour="#555")
        )
    for number, engine in enumerate(engines):
        colour = COLOURS[number % len(COLOURS)]
        points = [at(one.calls, one.p95_s) for one in cells if one.engine == engine]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points]
        name_y = TOP + 16 + 22 * number
        parts.append(svg.text(LEFT + PLOT_WIDTH + 20, name_y, engine, colour=colour))
    return "\n".join([*parts, "</svg>"]) + "\n"
