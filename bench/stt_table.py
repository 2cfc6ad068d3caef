"""The findings of `bench stt`, as tables and as one JSON document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from bench.stt_calls import MISSED_S, ConcurrencyLevel, TranscribedRecording
from bench.stt_corpus import BUCKETS_S, SttWordErrors, bucket
from pipelines.core.ledger.statistics import percentile

BUCKETS = tuple(bucket(length_s) for length_s in (0.0, BUCKETS_S[0], BUCKETS_S[1]))


@dataclass(frozen=True, slots=True)
class SttAlone:
    """An engine that is asked directly, one job after another."""

    engine: str
    load_s: float
    memory_mb: float
    """By which this process grew when it was opened."""
    job_s: Mapping[str, float]
    """Median of a final, by the length of the speech."""
    rtf: float
    """Busy time over the time of the audio."""
    wide: SttWordErrors
    """On what was recorded wide."""
    narrow: SttWordErrors
    """On the same, by telephone."""
    telephone: SttWordErrors
    """On what was recorded on a telephone."""


@dataclass(frozen=True, slots=True)
class SttCell:
    engine: str
    calls: int
    p50_s: float
    p95_s: float
    by_length_s: Mapping[str, float]
    """Median, by the length of the speech."""
    missed: int
    heard: int
    lag_p99_s: float
    errors: SttWordErrors


def cell(engine: str, calls: int, level: ConcurrencyLevel) -> SttCell:
    """A turn that was missed counts with the end of the time there was."""
    times = [_time(one) for one in level.heard]
    return SttCell(
        engine,
        calls,
        percentile(times, 50),
        percentile(times, 95),
        {
            name: percentile(some, 50)
            for name in BUCKETS
            if (some := [_time(one) for one in level.heard if bucket(one.length_s) == name])
        },
        sum(one.final_s is None for one in level.heard),
        len(level.heard),
        percentile(level.lags_s, 99),
        sum((one.errors for one in level.heard), SttWordErrors(0, 0)),
    )


def _time(one: TranscribedRecording) -> float:
    return MISSED_S if one.final_s is None else one.final_s


def tables(alone: Sequence[SttAlone], cells: Sequence[SttCell]) -> Iterator[Table]:
    if alone:
        yield _alone(alone)
    if cells:
        yield _cells(cells)


def _alone(alone: Sequence[SttAlone]) -> Table:
    table = Table(title="Alone: one job after another, no call")
    for column in ("engine", "opens", "memory", *(f"final, {name}" for name in BUCKETS), "RTF",
                   "WER wide", "by telephone", "telephone's own"):  # fmt: skip
        table.add_column(column, justify="left" if column == "engine" else "right")
    for one in alone:
        times = [
            f"{1000 * one.job_s[name]:.0f} ms" if name in one.job_s else "" for name in BUCKETS
        ]
        rates = [f"{100 * each.rate:.1f} %" for each in (one.wide, one.narrow, one.telephone)]
        table.add_row(
            one.engine, f"{one.load_s:.1f} s", f"{one.memory_mb:.0f} MB", *times, f"{one.rtf:.3f}",
            *rates,
        )  # fmt: skip
    return table


def _cells(cells: Sequence[SttCell]) -> Table:
    table = Table(title="In calls: from the last sample of speech to the final, in real time")
    for column in ("engine", "calls", "p50", "p95", *(f"p50, {name}" for name in BUCKETS),
                   "missed", "WER", "loop lag p99"):  # fmt: skip
        table.add_column(column, justify="left" if column == "engine" else "right")
    for one in cells:
        times = _times(one.by_length_s)
        table.add_row(
            one.engine, str(one.calls), f"{1000 * one.p50_s:.0f} ms", f"{1000 * one.p95_s:.0f} ms",
            *times, f"{one.missed}/{one.heard}", f"{100 * one.errors.rate:.1f} %",
            f"{1000 * one.lag_p99_s:.1f} ms",
        )  # fmt: skip
    return table


def _times(by_length_s: Mapping[str, float]) -> list[str]:
    found = (by_length_s.get(name) for name in BUCKETS)
    return ["" if time_s is None else f"{1000 * time_s:.0f} ms" for time_s in found]


def as_document(
    made: Mapping[str, object],
    alone: Sequence[SttAlone],
    cells: Sequence[SttCell],
    heard: Sequence[TranscribedRecording],
) -> dict[str, object]:
    return {
        "made": dict(made),
        "alone": [asdict(one) for one in alone],
        "calls": [asdict(one) for one in cells],
        "heard": [asdict(one) for one in heard],
    }


def print_tables(console: Console, alone: Sequence[SttAlone], cells: Sequence[SttCell]) -> None:
    for table in tables(alone, cells):
        console.print(table)
