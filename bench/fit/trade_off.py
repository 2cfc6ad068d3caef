"""The trade-off as a picture: how long one waits against how often one cuts in. SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.fit.observe import Observed
from bench.fit.search import FitFigures, measure
from bench.fit.simulate import SimulatedTurn
from bot.terminal import svg
from pipelines.core.events import Transcribed
from pipelines.core.turn.endpointing import EndpointingPolicy

WIDTH, HEIGHT = 860, 470
LEFT, TOP, ACROSS, DOWN = 70, 70, 560, 330
MOST_MS, MOST_SHARE = 1400.0, 1.0
COLOURS = {"Halfsecond": "#12715b", "Smart Turn alone": "#c2571a", "a silence timer": "#555599"}


@dataclass(frozen=True, slots=True)
class TradeOffPoint:
    setting: str
    figures: FitFigures


def sweep(
    turns: Sequence[SimulatedTurn], ours: EndpointingPolicy
) -> dict[str, list[TradeOffPoint]]:
    """Each way of deciding, from hasty to patient."""
    timers = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2)
    fallbacks = (0.4, 0.6, 0.8, 1.0, 1.2, 1.6, 3.0)
    factors = (0.8, 0.9, 1.0, 1.2, 1.5, 1.8)
    wordless = [_wordless(turn) for turn in turns]
    return {
        "Halfsecond": [
            TradeOffPoint(f"x {f:g}", measure(turns, _patient(ours, f))) for f in factors
        ],
        "Smart Turn alone": [
            TradeOffPoint(f"else {s:g} s", measure(wordless, _by_voice(s))) for s in fallbacks
        ],
        "a silence timer": [
            TradeOffPoint(f"{s:g} s", measure(wordless, _by_silence(s))) for s in timers
        ],
    }


def _patient(ours: EndpointingPolicy, factor: float) -> EndpointingPolicy:
    named = ("closed_s", "comma_s", "counting_s", "counted_s", "hanging_s", "longest_s")
    return replace(ours, **{name: factor * getattr(ours, name) for name in named})


def _wordless(turn: SimulatedTurn) -> SimulatedTurn:
    """The same turn to somebody who hears that words are said, and not which."""
    return replace(turn, observed=[_without_words(observed) for observed in turn.observed])


def _without_words(observed: Observed) -> Observed:
    fact = observed.fact
    if isinstance(fact, Transcribed) and fact.text:
        return replace(observed, fact=replace(fact, text="Something was said."))
    return observed


def _by_silence(wait_s: float) -> EndpointingPolicy:
    return EndpointingPolicy(
        closed_s=wait_s,
        longest_s=max(wait_s, 1.1),
        doubtful=1.0,
        denied=1.0,
        unscored=1.0,
        went_on=1.0,
        incomplete=0.0,
        whole=0.0,
    )


def _by_voice(fallback_s: float) -> EndpointingPolicy:
    """Over at 0.2 s where the turn model says so, else at the fallback."""
    factor = fallback_s / 0.2
    return replace(
        _by_silence(0.2),
        doubtful=factor,
        denied=factor,
        unscored=factor,
        longest_s=max(fallback_s, 1.1),
    )


def draw(lines: dict[str, list[TradeOffPoint]], heading: str) -> str:
    """An SVG document: the median wait across, hanging pauses cut into down."""
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
    yield svg.text(LEFT, TOP - 14, "hanging pauses cut into", colour="#555")
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
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


def _line(name: str, points: Sequence[TradeOffPoint]) -> Iterator[str]:
    at = [(_x(1000 * p.figures.mean_s), _y(p.figures.hanging)) for p in points]
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in at)
    yield f'<path d="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>'
    for (x, y), point in zip(at, points, strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[name]}"/>'
        yield svg.text(x + 6, y - 6, point.setting, colour=COLOURS[name], size=11)


def _x(ms: float) -> float:
    return LEFT + ACROSS * min(ms, MOST_MS) / MOST_MS


def _y(share: float) -> float:
    return TOP + DOWN * (1 - min(share, MOST_SHARE) / MOST_SHARE)
