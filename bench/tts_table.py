"""The findings of `bench tts`, as tables, as one JSON document and as a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from pipelines.core.ledger.statistics import percentile

SHARE_S = 0.03
"""The voice's of half a second, unless BUDGET_TTS_MS says otherwise."""


@dataclass(frozen=True, slots=True)
class TtsAlone:
    """A voice that is asked directly, one text after another."""

    engine: str
    opens_s: float
    memory_mb: float
    """By which this process and its children grew."""
    first_audio_s: Mapping[str, float]
    """Median, to the first audible sample, by the length of the text."""
    rtf: float
    """Time to the end of the audio over its length."""
    trimmed_s: float
    """Silence that was cut off before the first sound, in the median."""


@dataclass(frozen=True, slots=True)
class TtsCell:
    engine: str
    calls: int
    p50_s: float
    p95_s: float
    """The first clause's, that somebody waits for."""
    later_p95_s: float
    """The sentences behind it."""
    rtf: float
    """One call's, with the others beside it: below 1 its audio is ahead of the listener."""


def cell(
    engine: str, calls: int, first_s: Sequence[float], later_s: Sequence[float], rtf: float
) -> TtsCell:
    p50_s, p95_s = (percentile(first_s, percent) for percent in (50, 95))
    return TtsCell(engine, calls, p50_s, p95_s, percentile(later_s, 95), rtf)


def print_tables(console: Console, alone: Sequence[TtsAlone], cells: Sequence[TtsCell]) -> None:
    console.print(_alone(alone))
    console.print(_cells(cells))


def _alone(alone: Sequence[TtsAlone]) -> Table:
    lengths = list(alone[0].first_audio_s) if alone else []
    table = Table(title="Alone: one text after another")
    for column in ("voice", "opens", "memory", *(f"first audio, {name}" for name in lengths),
                   "RTF", "silence cut off"):  # fmt: skip
        table.add_column(column, justify="left" if column == "voice" else "right")
    for one in alone:
        table.add_row(
            one.engine, f"{one.opens_s:.1f} s", f"{one.memory_mb:.0f} MB",
            *(f"{1000 * one.first_audio_s[name]:.1f} ms" for name in lengths),
            f"{one.rtf:.4f}", f"{1000 * one.trimmed_s:.0f} ms",
        )  # fmt: skip
    return table


def _cells(cells: Sequence[TtsCell]) -> Table:
    table = Table(title="In calls at once, all answered as fast as it goes")
    for column in ("voice", "calls", "first clause, p50", "p95", "later sentence, p95", "RTF"):
        table.add_column(column, justify="left" if column == "voice" else "right")
    for one in cells:
        table.add_row(
            one.engine, str(one.calls), f"{1000 * one.p50_s:.1f} ms", f"{1000 * one.p95_s:.1f} ms",
            f"{1000 * one.later_p95_s:.1f} ms", f"{one.rtf:.4f}",
        )  # fmt: skip
    return table


def as_document(
    made: Mapping[str, object], alone: Sequence[TtsAlone], cells: Sequence[TtsCell]
) -> dict[str, object]:
    return {
        "made": dict(made),
        "alone": [asdict(one) for one in alone],
        "calls": [asdict(one) for one in cells],
    }


def draw_first_audio(cells: Sequence[TtsCell], heading: str) -> str:
    """The 95th percentile over the calls at once, a line a voice. SVG."""
    from bench.levels import draw  # which needs the extra `bench`

    return draw(
        cells,
        heading,
        label="p95 to the first audio of a first clause",
        least_s=0.05,
        pace_s=SHARE_S,
    )
