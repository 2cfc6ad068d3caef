"""The figures of a run over natural speech, each with its count; intervals are by speaker."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.intervals import NOTHING, bootstrap, wilson
from bench.natural.plays import NaturalPlay
from bench.natural.speech import ENDS, KINDS, VERY_SURE, End, Kind
from client.caller.wording import count_word_errors
from pipelines.core.ledger.statistics import Estimate, Values, percentile

PERCENTS = (50, 95)
LENGTHS_S = ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0))
"""Pauses longer than the first and up to the second."""
COMMANDS = "picovoice"
"""A source of prompted commands by unknown speakers: a row of its own, and in no other figure."""


@dataclass(frozen=True, slots=True)
class SpeakerShare:
    """`count` of `total`; the interval draws speakers, or is Wilson's where nothing varies."""

    count: int
    total: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class CutShares:
    """All cut-ins, and those that a person would notice."""

    all: SpeakerShare
    noticed: SpeakerShare


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFigures:
    """Turns of one kind, in seconds."""

    turns: int
    missed: int
    v2v: dict[int, Estimate]
    """By percent."""
    cut_into: CutShares


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalFigures:
    """One server on natural speech."""

    server: str
    speakers: int
    very_sure: WaitFigures
    """The headline: turns whose label is at least VERY_SURE."""
    all: WaitFigures
    ends: dict[End, WaitFigures]
    sources: dict[str, WaitFigures]
    commands: WaitFigures
    pauses: dict[Kind, CutShares]
    lengths: dict[str, CutShares]
    """By kind and length: "hanging, 1 to 2 s"."""
    elsewhere: int
    """Cut-ins while the person spoke without a labelled pause."""
    failed: int
    wasted: float
    """LLM requests per turn of which nothing was heard; NaN where nobody counted."""
    wrong_words: float
    """Word error rate of what the LLM was told that the person had said; NaN likewise."""
    late_s: float
    """The caller's own lateness at the end of speech, at the 95th percentile."""


def figures(server: str, plays: Sequence[NaturalPlay], seed: int = 0) -> NaturalFigures:
    """`plays` may hold other servers' too."""
    mine = [play for play in plays if play.server == server]
    natural = [play for play in mine if play.turn.source != COMMANDS]
    sources = dict.fromkeys(play.turn.source for play in natural)

    def waits(chosen: Iterable[NaturalPlay]) -> WaitFigures:
        return wait_figures(list(chosen), seed)

    return NaturalFigures(
        server=server,
        speakers=len({play.turn.speaker for play in natural}),
        very_sure=waits(play for play in natural if play.turn.sure >= VERY_SURE),
        all=waits(natural),
        ends={end: waits(play for play in natural if play.turn.end == end) for end in ENDS},
        sources={name: waits(p for p in natural if p.turn.source == name) for name in sources},
        commands=waits(play for play in mine if play.turn.source == COMMANDS),
        pauses={kind: _cut_pauses(natural, kind, (0.0, LENGTHS_S[-1][1]), seed) for kind in KINDS},
        lengths={
            f"{kind}, {low_s:g} to {high_s:g} s": _cut_pauses(natural, kind, (low_s, high_s), seed)
            for kind in KINDS
            for low_s, high_s in LENGTHS_S
        },
        elsewhere=sum(one.pause is None for play in natural for one in play.cut_ins),
        failed=sum(play.failed is not None for play in mine),
        wasted=_wasted(natural),
        wrong_words=_wrong_words(natural),
        late_s=percentile([play.late_s for play in mine], 95),
    )


def wait_figures(plays: Sequence[NaturalPlay], seed: int = 0) -> WaitFigures:
    waits = _by_speaker((play.turn.speaker, play.v2v_s) for play in plays)
    return WaitFigures(
        turns=len(plays),
        missed=sum(play.missed for play in plays),
        v2v={percent: bootstrap(waits, _percentile(percent), seed=seed) for percent in PERCENTS},
        cut_into=CutShares(
            _share(((play.turn.speaker, play.cut_into) for play in plays), seed),
            _share(((play.turn.speaker, play.noticeably_cut_into) for play in plays), seed),
        ),
    )


def difference(plays: Sequence[NaturalPlay], other: str, seed: int = 0) -> Estimate:
    """The median over turns of our wait minus `other`'s, in seconds, drawn by speaker."""
    ours, theirs = (
        {p.turn.id: p for p in plays if p.server == server and p.turn.source != COMMANDS}
        for server in ("ours", other)
    )
    both = [(ours[turn], theirs[turn]) for turn in ours.keys() & theirs.keys()]
    apart = _by_speaker((a.turn.speaker, a.v2v_s - b.v2v_s) for a, b in both)
    return bootstrap(apart, lambda values: percentile(values, 50), seed=seed)


def as_json(found: NaturalFigures) -> dict[str, Any]:
    return asdict(found)


def _cut_pauses(
    plays: Sequence[NaturalPlay], kind: Kind, lengths_s: tuple[float, float], seed: int
) -> CutShares:
    low_s, high_s = lengths_s
    found: list[tuple[str, bool, bool]] = []
    for play in plays:
        cut = {one.pause: one.noticed for one in play.cut_ins}
        found += [
            (play.turn.speaker, place in cut, cut.get(place, False))
            for place, pause in enumerate(play.turn.pauses)
            if pause.counts and pause.kind == kind and low_s < pause.duration_s <= high_s
        ]
    return CutShares(
        _share(((speaker, cut) for speaker, cut, _ in found), seed),
        _share(((speaker, noticed) for speaker, _, noticed in found), seed),
    )


def _share(trials: Iterable[tuple[str, bool]], seed: int) -> SpeakerShare:
    groups = _by_speaker((speaker, float(hit)) for speaker, hit in trials)
    hits = [hit for values in groups.values() for hit in values]
    if not hits:
        return SpeakerShare(0, 0, NOTHING)
    varies = 0 < sum(hits) < len(hits) and len(groups) > 1
    share = sum(hits) / len(hits)
    estimate = bootstrap(groups, _mean, seed=seed) if varies else wilson(share, len(hits))
    return SpeakerShare(round(sum(hits)), len(hits), estimate)


def _by_speaker(values: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for speaker, value in values:
        groups[speaker].append(value)
    return dict(groups)


def _mean(values: Values) -> float:
    return float(np.mean(values))


def _percentile(percent: float) -> Callable[[Values], float]:
    return lambda values: percentile(values, percent)


def _wasted(plays: Sequence[NaturalPlay]) -> float:
    counted = [play.wasted for play in plays if play.wasted is not None]
    return sum(counted) / len(plays) if counted else float("nan")


def _wrong_words(plays: Sequence[NaturalPlay]) -> float:
    counts = [
        count_word_errors(play.reference, play.asked or "")
        for play in plays
        if play.reference is not None and play.failed is None
    ]
    words = sum(count.words for count in counts)
    return sum(count.errors for count in counts) / words if words else float("nan")
