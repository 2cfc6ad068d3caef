"""The figures of a run: of each server, of one over the other, and whether they are good enough."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.intervals import NOTHING, Groups, bootstrap, paired_ratio, wilson
from bench.playlist import KINDS, Kind
from bench.plays import PauseHeard, Play
from client.caller.wording import count_word_errors
from pipelines.core.ledger.statistics import Estimate, Values, median, percentile

PERCENTS = (50, 95, 99)
PAUSE_S = (0.2, 1.0)
"""Pauses of this length are told; a longer one is an invitation to speak."""


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `total`; the interval is for `distinct` independent trials."""

    count: int
    total: int
    distinct: int
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFigures:
    """The figures of one server. Times in seconds; every turn counts, whatever became of it."""

    server: str
    turns: int
    v2v: dict[int, Estimate]
    """By percent."""
    cut_ins: dict[Kind, Share]
    """At labelled pauses of PAUSE_S."""
    elsewhere: int
    """Cut-ins while the person spoke without a labelled pause."""
    turns_cut_into: int
    missed: int
    failed: int
    """Calls that did not come about; they are among the missed."""
    wasted: float
    """LLM requests per turn that no audible answer came of."""
    asked_wrongly: float
    """Word error rate of what the LLM was told that the person had said."""
    barge_ins: int
    silent: dict[int, float]
    """From the onset of the interrupting speech to the bot's silence, by percent."""
    no_chance: int
    """Interruptions at which the bot was not speaking: nothing to measure."""
    back_channels: int
    went_on: int
    """Back-channels after which the bot went on."""
    stages: dict[str, float]
    """The server's own ledger: the median of each segment."""
    hidden: dict[str, float]
    late: dict[int, float]
    """How late the caller itself was at the end of speech, by percent of the plays."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A line of what a run must show."""

    what: str
    told: str
    met: bool


def figures(server: str, plays: Sequence[Play], seed: int = 0) -> ServerFigures:
    mine = [play for play in plays if play.server == server]
    turns = [play for play in mine if play.role == "turn"]
    spoken_over = [play for play in mine if play.role == "interruption"]
    nodded_at = [play for play in mine if play.role == "back-channel"]
    silences = [play.barge_in.silent_s for play in spoken_over if play.barge_in is not None]
    waits = grouped(turns, lambda play: play.v2v_s)
    return ServerFigures(
        server=server,
        turns=len(turns),
        v2v={p: bootstrap(waits, _percentile(p), seed=seed) for p in PERCENTS},
        cut_ins={kind: _cut_ins(turns, kind) for kind in KINDS},
        elsewhere=sum(play.cut_in_elsewhere for play in turns),
        turns_cut_into=sum(play.cut_in for play in turns),
        missed=sum(play.missed for play in turns),
        failed=sum(play.failed is not None for play in mine),
        wasted=_wasted(turns),
        asked_wrongly=_asked_wrongly(turns),
        barge_ins=len(silences),
        silent={p: percentile(silences, p) for p in (50, 95)},
        no_chance=len(spoken_over) - len(silences),
        back_channels=len(nodded_at),
        went_on=sum(bool(play.went_on) for play in nodded_at),
        stages=_medians(turns, "segments"),
        hidden=_medians(turns, "hidden"),
        late={p: percentile([play.late_s for play in mine], p) for p in (50, 95)},
    )


def ratios(plays: Sequence[Play], peer: str, seed: int = 0) -> dict[int, Estimate]:
    """Ours over the peer's, by percent of the waits; NaN where only one of them played."""
    ours, theirs = (
        grouped([p for p in plays if p.server == server and p.role == "turn"], lambda p: p.v2v_s)
        for server in ("ours", peer)
    )
    both = sorted(ours.keys() & theirs.keys())
    if not both or peer == "ours":
        return dict.fromkeys(PERCENTS, NOTHING)
    a, b = ({name: waits[name] for name in both} for waits in (ours, theirs))
    return {p: paired_ratio(a, b, _percentile(p), seed=seed) for p in PERCENTS}


def difference(plays: Sequence[Play], other: str, seed: int = 0) -> Estimate:
    """The median over turns of our wait minus `other`'s, in seconds; the interval draws sources."""
    ours, theirs = (
        {(p.item, p.repeat): p for p in plays if p.server == server and p.role == "turn"}
        for server in ("ours", other)
    )
    apart: defaultdict[str, list[float]] = defaultdict(list)
    for turn in sorted(ours.keys() & theirs.keys()):
        apart[ours[turn].source].append(ours[turn].v2v_s - theirs[turn].v2v_s)
    return bootstrap(apart, median, seed=seed)


def demands(ours: ServerFigures, stock: ServerFigures | None, ratio_p50: float) -> list[Demand]:
    """The project's own table, for `fixed-150` and one call at a time."""
    p50, p95, p99 = (1000 * ours.v2v[p].value for p in PERCENTS)
    hanging = ours.cut_ins["hanging"].estimate.value
    found = [
        _at_most("v2v p50", p50, 250, "ms"),
        _at_most("v2v p95", p95, 500, "ms"),
        _at_most("v2v p99", p99, 1000, "ms"),
        _at_most("cut-ins at hanging pauses", 100 * hanging, 5, "%"),
        _at_most("missed", ours.missed, 0, ""),
        _at_most("wasted LLM requests per turn", ours.wasted, 0.5, ""),
    ]
    if stock is not None:
        found.append(_at_most("v2v p50, ours over stock's", ratio_p50, 0.35, ""))
        for kind in ("clause", "sentence"):
            theirs = 100 * stock.cut_ins[kind].estimate.value
            value = 100 * ours.cut_ins[kind].estimate.value
            found.append(_at_most(f"cut-ins at {kind} pauses, as stock", value, theirs, "%"))
    return found


def grouped(plays: Iterable[Play], value: Callable[[Play], float]) -> Groups:
    """Values by source recording: what is made of one source is not independent."""
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for play in plays:
        groups[play.source].append(value(play))
    return dict(groups)


def as_json(found: ServerFigures) -> dict[str, Any]:
    return asdict(found)


def told_pauses(play: Play, kind: Kind) -> list[PauseHeard]:
    """Those of the play that count: of this kind, and of PAUSE_S."""
    least_s, most_s = PAUSE_S
    return [one for one in play.pauses if one.kind == kind and least_s <= one.duration_s <= most_s]


def _percentile(percent: float) -> Callable[[Values], float]:
    return lambda values: percentile(values, percent)


def _cut_ins(turns: Sequence[Play], kind: Kind) -> Share:
    heard = [one for play in turns for one in told_pauses(play, kind)]
    distinct = len({one.place for one in heard})
    count = sum(one.cut_in for one in heard)
    share = count / len(heard) if heard else math.nan
    return Share(count, len(heard), distinct, wilson(share, distinct))


def _wasted(turns: Sequence[Play]) -> float:
    """Requests opened less answers heard, over the turns. A failed call has no part in it."""
    called = [play for play in turns if play.failed is None]
    if not called:
        return math.nan
    opened = sum(play.opened or 0 for play in called)
    return max(0, opened - sum(play.answers for play in called)) / len(called)


def _asked_wrongly(turns: Sequence[Play]) -> float:
    counts = [
        count_word_errors(play.reference, play.asked or "")
        for play in turns
        if play.reference is not None and play.calls == 1 and play.failed is None
    ]
    words = sum(count.words for count in counts)
    return sum(count.errors for count in counts) / words if words else math.nan


def _medians(turns: Sequence[Play], part: str) -> dict[str, float]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for play in turns:
        for name, value in (play.ledger or {}).get(part, {}).items():
            found[name].append(value)
    return {name: median(values) for name, values in found.items()}


def _at_most(what: str, value: float, limit: float, unit: str) -> Demand:
    told = f"{_number(value)}, at most {_number(limit)} {unit}".rstrip()
    return Demand(what, told, value <= limit)


def _number(value: float) -> str:
    if math.isnan(value):
        return "not measured"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
