"""Two runs beside each other, turn by turn: what changed beyond noise, and what did not."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pipelines.core.ledger.statistics import Estimate, percentile
from replay.run import ReplayPlay, ReplayRun
from replay.shift import LEAST_S, PERCENTS, less_what_was_waited, shift_of
from replay.turns import STAGES, V2V, ReplayTurn

SAME_TURN_S = 0.6
"""Ends of speech this near on the caller's clock are of one turn."""
MOST_CHANCE = 0.05
LIVE = frozenset({"real time", "against a server", "recorded"})
"""Modes in which the same code may do otherwise another time."""

Pair = tuple[str, ReplayTurn, ReplayTurn]
"""The recording's name, and the same turn in both runs."""


@dataclass(frozen=True, slots=True)
class StageFigures:
    """The figures of one stage, or of the whole wait, in one run; seconds."""

    p50: float
    p95: float
    p99: float
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One stage's difference between two runs: the later less the earlier, over the same turns."""

    stage: str
    before: StageFigures
    after: StageFigures
    typical_s: Estimate
    """Median of the differences turn by turn."""
    p50: Estimate
    p95: Estimate
    p99: Estimate
    waited_s: float
    """How much longer somebody waited for it: its median segment. The rest was hidden."""
    p95_ratio: Estimate
    """As far as it is not other programs that took the processor; so are the two that follow."""
    changed: bool
    worse: bool
    """As the gate has it."""
    by_machine: bool
    """It would be called changed if it were not for what other programs took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    before: str
    after: str
    pairs: int
    unpaired: int
    """Turns that only one of the runs has."""
    differences: list[Difference]
    other_words: int
    other_decisions: int
    """Recordings in which something else was decided."""
    before_word_errors: float | None
    after_word_errors: float | None
    before_cut_ins: int
    after_cut_ins: int
    before_noticed: int
    """Those of them that a person would notice."""
    after_noticed: int
    cuts_in_more: bool
    """As the gate has it."""
    busier_s: float
    """How much longer threads waited for a processor core, in the median turn."""
    sentences: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[str]:
        """Why the gate does not open."""
        found = [
            f"{name_of(one.stage)}: p95 is worse by {one.p95_ratio.value - 1:.0%} "
            f"({_ms(one.before.p95)} -> {_ms(one.after.p95)}), "
            f"at least {one.p95_ratio.low - 1:.0%} at 95 % confidence"
            for one in self.differences
            if one.worse
        ]
        if self.cuts_in_more:
            found.append(f"cut-ins: {self.before_cut_ins} -> {self.after_cut_ins}")
        return found

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "broken": self.broken}


def figures(values: Sequence[float]) -> StageFigures:
    p50, p95, p99 = (percentile(values, percent) for percent in PERCENTS)
    return StageFigures(p50, p95, p99, len(values))


def values_of(turns: Iterable[ReplayTurn], stage: str) -> list[float]:
    """The stage's time in each turn in which it was seen; for `V2V` the whole wait."""
    found = (turn.v2v_s if stage == V2V else turn.took.get(stage) for turn in turns)
    return [value for value in found if value is not None]


def pair_up(before: ReplayRun, after: ReplayRun) -> tuple[list[Pair], int]:
    """Turns of the same recording whose speech ends at the same place; and how many are left.

    Where a recording was played several times, each play is paired with one of the other's.
    """
    mine, theirs = _by_name(before), _by_name(after)
    pairs: list[Pair] = []
    left = 0
    for name in {**mine, **theirs}:
        ours, others = mine.get(name, []), theirs.get(name, [])
        if not ours or not others:
            left += sum(len(one.turns) for one in [*ours, *others])
            continue
        for number in range(max(len(ours), len(others))):
            first, second = ours[number % len(ours)], others[number % len(others)]
            found = _pairs(name, first, second)
            pairs += found
            left += len(first.turns) + len(second.turns) - 2 * len(found)
    return pairs, left


def _by_name(run: ReplayRun) -> dict[str, list[ReplayPlay]]:
    plays: dict[str, list[ReplayPlay]] = defaultdict(list)
    for one in run.played:
        plays[one.name].append(one)
    return plays


def _pairs(name: str, first: ReplayPlay, second: ReplayPlay) -> list[Pair]:
    free = list(second.turns)
    pairs: list[Pair] = []
    for turn in first.turns:
        apart = [abs(other.ended_media_s - turn.ended_media_s) for other in free]
        best = min(range(len(free)), key=apart.__getitem__, default=None)
        if best is not None and apart[best] < SAME_TURN_S:
            pairs.append((name, turn, free.pop(best)))
    return pairs


def compare(before: ReplayRun, after: ReplayRun, *, seed: int = 0) -> Comparison:
    pairs, left = pair_up(before, after)
    found = [_difference(stage, pairs, seed) for stage in (V2V, *STAGES)]
    differences = [one for one in found if one is not None]
    plays = _by_name(after)
    cut_ins = [sum(len(one.marks.cut_ins_s) for one in run.played) for run in (before, after)]
    noticed = [sum(one.marks.noticed_cut_ins for one in run.played) for run in (before, after)]
    by_chance = any(run.made.get("mode") in LIVE for run in (before, after))
    other_decisions = sum(
        one.decisions != plays[one.name][0].decisions
        for one in before.played
        if one.repeat == 0
        and one.decisions
        and plays.get(one.name)
        and plays[one.name][0].decisions
    )
    comparison = Comparison(
        before=before.name,
        after=after.name,
        pairs=len(pairs),
        unpaired=left,
        differences=differences,
        other_words=sum(mine.transcript != theirs.transcript for _, mine, theirs in pairs),
        other_decisions=other_decisions,
        before_word_errors=word_error_rate(before.played),
        after_word_errors=word_error_rate(after.played),
        before_cut_ins=cut_ins[0],
        after_cut_ins=cut_ins[1],
        before_noticed=noticed[0],
        after_noticed=noticed[1],
        cuts_in_more=cut_ins[1] > cut_ins[0] and (not by_chance or _chance(*cut_ins) < MOST_CHANCE),
        busier_s=float(np.median([_busier_s(pair, V2V) for pair in pairs])) if pairs else 0.0,
    )
    comparison.sentences.extend(_sentences(comparison))
    return comparison


def _chance(before: int, after: int) -> float:
    """The probability that so many of them, or more, are in the later run if it is as likely in
    both.
    """
    both = before + after
    as_many = sum(math.comb(both, count) for count in range(after, both + 1))
    return float(as_many / 2**both)


def word_error_rate(plays: Iterable[ReplayPlay]) -> float | None:
    counts = [one.word_errors for one in plays]
    words = sum(count for _, count in counts)
    return sum(errors for errors, _ in counts) / words if words else None


def _difference(stage: str, pairs: Sequence[Pair], seed: int) -> Difference | None:
    both = [
        (mine.v2v_s, theirs.v2v_s)
        if stage == V2V
        else (mine.took.get(stage, math.nan), theirs.took.get(stage, math.nan))
        for _, mine, theirs in pairs
    ]
    seen = [not any(map(math.isnan, pair)) for pair in both]
    values = np.array(both).reshape(-1, 2)[seen]
    if not len(values):
        return None
    before, after = figures(values[:, 0].tolist()), figures(values[:, 1].tolist())
    busier_s = np.array([_busier_s(pair, stage) for pair in pairs])[seen]
    shift = shift_of(values, seed)
    sure = shift_of(less_what_was_waited(values, busier_s), seed) if busier_s.any() else shift
    return Difference(
        stage=stage,
        before=before,
        after=after,
        typical_s=shift.typical_s,
        p50=shift.by_percent[50],
        p95=shift.by_percent[95],
        p99=shift.by_percent[99],
        waited_s=_waited(stage, pairs),
        p95_ratio=sure.p95_ratio,
        changed=sure.is_there,
        worse=sure.is_worse,
        by_machine=shift.is_there and not sure.is_there,
    )


def _busier_s(pair: Pair, stage: str) -> float:
    """How much longer threads waited for a core in the later run while the stage was at work."""
    _, mine, theirs = pair
    return theirs.held_up.get(stage, 0.0) - mine.held_up.get(stage, 0.0)


_SEGMENTS: Mapping[str, tuple[str, ...]] = {
    "vad": ("endpointing",),
    "endpointing": ("endpointing",),
    V2V: (),
}


def _waited(stage: str, pairs: Sequence[Pair]) -> float:
    names = _SEGMENTS.get(stage, (stage,))
    if not names:
        names = tuple(pairs[0][1].waited)
    apart = [
        sum(theirs.waited[name] - mine.waited[name] for name in names) for _, mine, theirs in pairs
    ]
    return float(np.median(apart))


NAMES: Mapping[str, str] = {
    V2V: "voice to voice",
    "vad": "noticing the pause",
    "endpointing": "deciding that the turn is over",
    "stt": "speech to text",
    "turn": "the turn model",
    "llm_first_token": "the LLM's first token",
    "first_clause": "the first clause",
    "tts_first_audio": "the voice's first sound",
    "send": "sending",
    "played": "the way to the ear",
}


def name_of(stage: str) -> str:
    return NAMES.get(stage, stage)


def _sentences(found: Comparison) -> list[str]:
    if not found.pairs:
        return ["The two runs have no turn in common: nothing can be compared."]
    lines = [
        f"{name_of(one.stage)}: {_typically(one)}"
        f"p95 {_ms(one.before.p95)} -> {_ms(one.after.p95)}{_of_it(one)}."
        for one in sorted(found.differences, key=lambda one: -_size(one))
        if one.changed
    ]
    same = [name_of(one.stage) for one in found.differences if not one.changed]
    if same:
        lines.append(f"Unchanged beyond noise: {', '.join(same)}.")
    if abs(found.busier_s) >= LEAST_S:
        lines.append(
            f"The machine was {'busier' if found.busier_s > 0 else 'less busy'}: threads waited "
            f"{_ms(abs(found.busier_s))} a turn {'longer' if found.busier_s > 0 else 'less long'} "
            "for a processor core. A difference that may be due to that is not called a change."
        )
    if found.other_words:
        lines.append(f"{found.other_words} of {found.pairs} turns understood otherwise.")
    if found.other_decisions:
        lines.append(
            f"In {_counted(found.other_decisions, 'recording', 'recordings')} "
            "something else was decided."
        )
    if found.unpaired:
        lines.append(f"{_counted(found.unpaired, 'turn is', 'turns are')} in one of the runs only.")
    if found.before_word_errors is not None and found.after_word_errors is not None:
        rates = f"{found.before_word_errors:.1%} -> {found.after_word_errors:.1%}"
        lines.append(f"Word errors: {rates}.")
    if found.before_cut_ins or found.after_cut_ins:
        noticed = f"noticed: {found.before_noticed} -> {found.after_noticed}"
        lines.append(f"Cut-ins: {found.before_cut_ins} -> {found.after_cut_ins} ({noticed}).")
    return lines


def _typically(one: Difference) -> str:
    """Nothing where only the slowest turns changed."""
    if not one.typical_s.is_beyond(LEAST_S):
        return ""
    low, high = one.typical_s.low * 1000, one.typical_s.high * 1000
    return f"{one.typical_s.value * 1000:+.0f} ms a turn [{low:+.0f}, {high:+.0f}], "


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _size(one: Difference) -> float:
    """The whole wait first, then the stages by how much they changed."""
    return math.inf if one.stage == V2V else max(abs(one.typical_s.value), abs(one.p95.value))


def _of_it(one: Difference) -> str:
    if one.stage == V2V:
        return ""
    if abs(one.waited_s) < LEAST_S:
        return "; nobody waited longer for it: it is hidden"
    return f"; the wait for it {one.waited_s * 1000:+.0f} ms"


def _ms(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1000:.0f} ms"


def broken_budgets(run: ReplayRun, budgets: Mapping[str, float]) -> list[str]:
    """Each budget of a suite that the run does not keep, in words."""
    plays = run.played
    counted: dict[str, float] = {
        "cut_ins": sum(len(one.marks.cut_ins_s) for one in plays),
        "noticed_cut_ins": sum(one.marks.noticed_cut_ins for one in plays),
        "missed": sum(len(one.marks.missed_s) for one in plays),
        "late_stops": sum(len(one.marks.late_stops_s) for one in plays),
        "word_error_rate": word_error_rate(plays) or 0.0,
    }
    broken = [
        f"{name}: {counted[name]:g}, at most {most:g} allowed"
        for name, most in budgets.items()
        if name in counted and counted[name] > most + 1e-9
    ]
    for name, most in budgets.items():
        if name in counted:
            continue
        stage, percent, _ = name.rsplit("_", 2)
        value = 1000 * percentile(values_of(run.turns, stage), float(percent[1:]))
        if not value <= most:
            broken.append(f"{name}: {value:.0f} ms, at most {most:g} ms allowed")
    return broken + [f"{one.name}: {one.failed}" for one in plays if one.failed]
