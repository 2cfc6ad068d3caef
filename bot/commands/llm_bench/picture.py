"""First tokens against callers, cold and warm, beside the budget. SVG."""

import math
from collections.abc import Iterator, Sequence

from bot.commands.llm_bench.figures import SPECULATION_MS, LoadRow
from bot.terminal import svg

WIDTH, HEIGHT = 800, 420
LEFT, TOP, WITHIN, DOWN = 70, 60, 520, 290
COLOURS = {"warm": "#12715b", "cold": "#3a6ea5"}
DASHES = {50: "", 95: "6 4"}


def draw(rows: Sequence[LoadRow], heading: str, budget_ms: float) -> str:
    """An SVG document."""
    scale = _Scale(rows, budget_ms)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        svg.text(LEFT, 26, heading, size=15),
        svg.text(LEFT, TOP - 12, "first token, by how many ask at once", colour="#555"),
        *_grid(scale, rows),
        *_limit(scale, budget_ms, f"budget {budget_ms:.0f} ms"),
        *_limit(scale, SPECULATION_MS, f"speculation hides {SPECULATION_MS:.0f} ms"),
        *_curves(scale, rows),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Scale:
    """Both axes are logarithmic."""

    def __init__(self, rows: Sequence[LoadRow], budget_ms: float) -> None:
        shown = [ms for row in rows for ms in (row.first_token_ms.p50, row.first_token_ms.p95)]
        known = [ms for ms in (*shown, budget_ms, SPECULATION_MS) if not math.isnan(ms)]
        self.least, self.most = max(1.0, min(known) / 1.5), max(known) * 1.5
        self.callers = sorted({row.callers for row in rows})

    def x(self, callers: int) -> float:
        first, last = self.callers[0], self.callers[-1]
        return LEFT + WITHIN * (
            math.log(callers / first) / math.log(last / first) if last > first else 0.5
        )

    def y(self, ms: float) -> float:
        share = math.log(max(ms, self.least) / self.least) / math.log(self.most / self.least)
        return TOP + DOWN * (1 - share)


def _grid(scale: _Scale, rows: Sequence[LoadRow]) -> Iterator[str]:
    for ms in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000):
        if scale.least <= ms <= scale.most:
            yield svg.line(LEFT, scale.y(ms), LEFT + WITHIN, scale.y(ms), "#e4e4e4")
            label = f"{ms} ms" if ms < 1000 else f"{ms // 1000} s"
            yield svg.text(LEFT - 8, scale.y(ms) + 4, label, anchor="end", colour="#555")
    for callers in scale.callers:
        x = scale.x(callers)
        yield svg.line(x, TOP, x, TOP + DOWN, "#e4e4e4")
        yield svg.text(x, TOP + DOWN + 20, str(callers), anchor="middle", colour="#555")


def _limit(scale: _Scale, ms: float, words: str) -> Iterator[str]:
    yield svg.line(LEFT, scale.y(ms), LEFT + WITHIN, scale.y(ms), "#c2571a")
    yield svg.text(LEFT + WITHIN + 8, scale.y(ms) + 4, words, colour="#c2571a")


def _curves(scale: _Scale, rows: Sequence[LoadRow]) -> Iterator[str]:
    place = 0
    for prefix, colour in COLOURS.items():
        for percent, dash in DASHES.items():
            points = [
                (scale.x(row.callers), scale.y(getattr(row.first_token_ms, f"p{percent}")))
                for row in rows
                if row.prefix == prefix and row.failed < row.requests
            ]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
            yield f'<polyline points="{path}" {style}/>'
            yield from (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points
            )
            x = LEFT + 130 * place
            yield f'<polyline points="{x},{HEIGHT - 24} {x + 26},{HEIGHT - 24}" {style}/>'
            yield svg.text(x + 32, HEIGHT - 20, f"{prefix}, p{percent}")
            place += 1
