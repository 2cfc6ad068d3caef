"""The figures of a measured level, the verdict on it, and a profile to play it back. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bot.commands.llm_bench.load import Measured, Prefix
from pipelines.core.ledger.statistics import percentile

SPECULATION_MS = 400.0
"""A first token that comes by then can be hidden behind the decision that the turn is over."""
SPEAKING_MS = 150.0
"""Between two tokens: speech at 165 words a minute takes one in about 270 ms."""
FAILED_SHARE = 0.05
LATE_MS = 10.0
QUANTILES = 21
"""Shares of the first token in a profile: every 5 %."""


@dataclass(frozen=True, slots=True)
class MillisecondPercentiles:
    """In milliseconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "MillisecondPercentiles":
        return cls(*(round(1000 * percentile(seconds, percent), 1) for percent in (50, 95, 99)))


@dataclass(frozen=True, slots=True)
class LoadRow:
    callers: int
    prefix: Prefix
    requests: int
    failed: int
    first_token_ms: MillisecondPercentiles
    between_tokens_ms: MillisecondPercentiles
    tokens_per_s: float
    """The sum over all callers."""
    cached_share: float | None
    """The share of answers with a part of their prompt cached; None if unknown."""
    late_ms: float
    """The 95th percentile of how late this process was itself."""
    verdict: str


def row(measured: Measured, budget_ms: float) -> LoadRow:
    answers, level = measured.answers, measured.level
    said = [one.cached_tokens for one in answers if one.cached_tokens is not None]
    first = MillisecondPercentiles.of([one.first_s for one in answers])
    between = MillisecondPercentiles.of(
        [gap for one in answers for gap in _gaps(one.gaps_s, one.tokens)]
    )
    return LoadRow(
        callers=level.callers,
        prefix=level.prefix,
        requests=level.requests,
        failed=len(measured.failures),
        first_token_ms=first,
        between_tokens_ms=between,
        tokens_per_s=round(sum(one.tokens for one in answers) / max(measured.took_s, 1e-9), 1),
        cached_share=sum(map(bool, said)) / len(said) if said else None,
        late_ms=round(1000 * percentile(measured.late_s, 95), 1) if measured.late_s else 0.0,
        verdict=verdict(first, between, len(measured.failures) / level.requests, budget_ms),
    )


def _gaps(gaps_s: Sequence[float], tokens: int) -> list[float]:
    """A piece of several tokens counts as one gap for each of them, evenly."""
    per_piece = max(1.0, (tokens - 1) / len(gaps_s)) if gaps_s else 1.0
    return [gap / per_piece for gap in gaps_s]


def verdict(
    first: MillisecondPercentiles, between: MillisecondPercentiles, failed: float, budget_ms: float
) -> str:
    """In words, by the 95th percentile: what one caller in twenty has to wait for is not hidden."""
    if failed > FAILED_SHARE:
        return f"{100 * failed:.0f} % fail: see to the endpoint first"
    if between.p95 > SPEAKING_MS:
        return "take the smaller model: it speaks faster than this one writes"
    if first.p95 <= budget_ms:
        return "fits"
    if first.p95 <= SPECULATION_MS:
        return "fits with speculation"
    return f"take the smaller model: first token over {SPECULATION_MS:.0f} ms"


def summary(rows: Sequence[LoadRow]) -> str:
    """One line: up to how many callers it fits, with a warm prefix, as calls have it."""
    warm = [one for one in rows if one.prefix == "warm"]
    best = max((one.callers for one in warm if one.verdict == "fits"), default=0)
    hidden = max((one.callers for one in warm if one.verdict.startswith("fits")), default=0)
    if hidden == 0:
        return f"{warm[0].callers} at once: {warm[0].verdict}." if warm else "Nothing was measured."
    parts = [f"fits up to {best} at once"] if best else []
    parts += [f"with speculation up to {hidden}"] if hidden > best else []
    line = ", ".join(parts)
    return (line if best else f"fits {line}").capitalize() + "."


def caution(rows: Sequence[LoadRow]) -> str:
    """A warning if the machine that measured was too busy to; else nothing."""
    late_ms = max((one.late_ms for one in rows), default=0.0)
    if late_ms <= LATE_MS:
        return ""
    return (
        f"This machine was up to {late_ms:.0f} ms late itself: the waits are too long by as much."
    )


def profile(measured: Measured) -> dict[str, object]:
    """For the demo engine's `--profile FILE`."""
    firsts = sorted(one.first_s for one in measured.answers)
    cuts = [firsts[round(i * (len(firsts) - 1) / (QUANTILES - 1))] for i in range(QUANTILES)]
    between_s = statistics.fmean(one.between_s for one in measured.answers)
    return {
        "first_token_ms": [round(1000 * cut, 1) for cut in cuts],
        "between_tokens_ms": round(1000 * between_s, 1),
    }


def document(
    made: dict[str, object], measured: Sequence[Measured], rows: Sequence[LoadRow]
) -> dict[str, object]:
    """The object that `--json` writes; the profile is of the first level with a warm prefix."""
    warm = [one for one in measured if one.level.prefix == "warm" and one.answers]
    played = {"profile": profile(warm[0])} if warm else {}
    return {"made": made, **played, "summary": summary(rows), "rows": [asdict(one) for one in rows]}
