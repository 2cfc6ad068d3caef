"""The promises under attack, and whether they were kept. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.intervals import NOTHING
from pipelines.core.ledger.statistics import DRAWS, TAIL, Estimate, percentile

LATER_S = 0.1
"""The good callers' p95 wait may be so much over that of the same turns alone."""
GROWN_MB = 32.0
"""Resident memory that may be left: what the allocator keeps after a crowd, however long it was.
Not measured yet.
"""
POOLED_FILES = 4
"""Connections that the server's own clients may keep for later."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A good caller's turn."""

    name: str
    """The caller, the call and the line: the same alone and under attack."""
    wait_s: float | None
    """None if it was never answered."""
    trouble: str = ""
    """The end of the call, where it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Everything that the server holds; its memory with that of its child processes."""

    memory_mb: float
    tasks: int
    files: int
    threads: int
    processes: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that was seen."""

    alone: Sequence[Turn]
    attacked: Sequence[Turn]
    before: Census
    after: Census | None
    """None if the server has ended."""
    surprises: Mapping[str, int]
    """The attackers': the words, and how often."""
    tracebacks: int
    """In the server's log."""


@dataclass(frozen=True, slots=True)
class Promise:
    name: str
    wanted: str
    found: str
    kept: bool


def lost(alone: Sequence[Turn], attacked: Sequence[Turn]) -> list[Turn]:
    """Turns that were answered alone, and not under attack."""
    answered = {turn.name for turn in alone if turn.wait_s is not None}
    heard = {turn.name: turn for turn in attacked}
    return [
        heard.get(name, Turn(name, None, "it was not played"))
        for name in sorted(answered)
        if name not in heard or heard[name].wait_s is None
    ]


def later(
    alone: Sequence[Turn], attacked: Sequence[Turn], percent: float, seed: int = 0
) -> Estimate:
    """Seconds between the two percentiles of the waits; the interval draws pairs of turns."""
    under = {turn.name: turn.wait_s for turn in attacked}
    pairs = np.array(
        [
            (turn.wait_s, wait_s)
            for turn in alone
            if turn.wait_s is not None and (wait_s := under.get(turn.name)) is not None
        ]
    )
    if not pairs.size:
        return NOTHING

    def apart(drawn: Any) -> float:
        return percentile(pairs[drawn, 1], percent) - percentile(pairs[drawn, 0], percent)

    draws = np.random.default_rng(seed).integers(0, len(pairs), (DRAWS, len(pairs)))
    low, high = np.percentile([apart(drawn) for drawn in draws], [TAIL, 100 - TAIL])
    return Estimate(apart(slice(None)), float(low), float(high))


def left_over(before: Census, after: Census) -> list[str]:
    """Each thing of which there is more than before, in words."""
    allowed = {"memory_mb": GROWN_MB, "files": POOLED_FILES}
    was, now = asdict(before), asdict(after)
    return [
        f"{name.removesuffix('_mb')} {was[name]:.0f} -> {now[name]:.0f}"
        for name in was
        if now[name] > was[name] + allowed.get(name, 0)
    ]


def promises(story: Story, *, timed: bool) -> list[Promise]:
    """`timed`: whether the waits are judged, too."""
    gone = lost(story.alone, story.attacked)
    found = [
        Promise(
            "turns of good calls",
            "none lost",
            f"{len(gone)} of {len(story.attacked)} lost" + (f": {_told(gone)}" if gone else ""),
            not gone and bool(story.attacked),
        )
    ]
    wait = later(story.alone, story.attacked, 95)
    if timed:
        found.append(
            Promise(
                "their p95 wait, over that alone",
                f"at most {1000 * LATER_S:.0f} ms",
                f"{1000 * wait.value:+.0f} ms ({1000 * wait.low:+.0f} to {1000 * wait.high:+.0f})",
                wait.value <= LATER_S,
            )
        )
    rest = ["the server"] if story.after is None else left_over(story.before, story.after)
    gone_or_more = "the server has ended" if story.after is None else ", ".join(rest) or "nothing"
    surprises = ", ".join(f"{many} x {words}" for words, many in story.surprises.items())
    return [
        *found,
        Promise("left over", "nothing", gone_or_more, not rest),
        Promise("answers to attackers", "as expected", surprises or "as expected", not surprises),
        Promise("tracebacks in the log", "none", str(story.tracebacks), not story.tracebacks),
    ]


def _told(turns: Sequence[Turn]) -> str:
    return "; ".join(f"{turn.name} {turn.trouble or 'unanswered'}" for turn in turns[:5])
