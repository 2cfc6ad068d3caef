"""The trade-off as a picture: how long one waits against how often one cuts in. SVG."""

from collections.abc import Iterator, Mapping

from bench.fit.judgement import PolicyFigures
from bot.terminal import svg

WIDTH, HEIGHT = 860, 470
LEFT, TOP, ACROSS, DOWN = 70, 70, 560, 330
MOST_MS, MOST_SHARE = 1400.0, 0.4
COLOURS = {"Halfsecond": "#12715b", "Smart Turn alone": "#c2571a", "a silence timer": "#555599"}


def draw(lines: Mapping[str, Mapping[str, PolicyFigures]], heading: str) -> str:
    """An SVG document: the mean wait across, turns cut into as a person would notice down."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        svg.text(LEFT, 28, heading, size=15),
        *_grid(),
    ]
    for number, (name, points) in enumerate(lines.items()):
        parts += _line(name, points)
        parts.append(
            svg.text(LEFT + ACROSS + 30, TOP + 20 + 24 * number, name, colour=COLOURS[name])
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid() -> Iterator[str]:
    yield svg.text(LEFT, TOP - 14, "turns cut into for more than 300 ms", colour="#555")
    for share in (0.0, 0.1, 0.2, 0.3, 0.4):
        y = _y(share)
        yield f'<path d="M{LEFT},{y:.1f}H{LEFT + ACROSS}" stroke="#e4e4e4"/>'
        yield svg.text(LEFT - 8, y + 4, f"{100 * share:.0f} %", colour="#555", anchor="end")
    for ms in range(200, 1401, 200):
        x = _x(ms)
        yield f'<path d="M{x:.1f},{TOP}V{TOP + DOWN}" stroke="#e4e4e4"/>'
        yield svg.text(x, TOP + DOWN + 20, f"{ms} ms", colour="#555", anchor="middle")
    yield svg.text(
        LEFT + ACROSS / 2,
        TOP + DOWN + 44,
        "mean wait for the answer",
        colour="#555",
        anchor="middle",
    )


def _line(name: str, points: Mapping[str, PolicyFigures]) -> Iterator[str]:
    at = [(_x(1000 * p.mean_s), _y(p.noticed / p.turns)) for p in points.values()]
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in at)
    yield f'<path d="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>'
    for (x, y), setting in zip(at, points, strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[name]}"/>'
        yield svg.text(x + 6, y - 6, setting, colour=COLOURS[name], size=11)


def _x(ms: float) -> float:
    return LEFT + ACROSS * min(ms, MOST_MS) / MOST_MS


def _y(share: float) -> float:
    return TOP + DOWN * (1 - min(share, MOST_SHARE) / MOST_SHARE)
