"""Recorded turns as they would have been with other costs, more callers, another network."""

import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pipelines.core.ledger.statistics import percentile
from replay.causes import Cause, Instead, Line, v2v_of

WORKERS = 2
"""Threads that transcribe, by default."""
ROUNDS = 20
"""Arrangements of the other callers that are tried."""
SEED = 9
GOAL_S = 0.5
SWEEP_S = tuple(step * 0.02 for step in range(51))
"""First tokens that a sweep tries: 0 to 1 s."""

ASSUMPTIONS = (
    "The person says the same at the same time, and each turn is taken by itself.",
    "The decisions stay as they were: only the times at which they could be made move.",
    "A reply begun on a transcript is begun again with it, when that comes later.",
    "The time from the first token to the first clause stays as it was.",
)
CROWD_ASSUMPTIONS = (
    f"The other callers ask of the ears what this one asked, at times of their own; {WORKERS} "
    "workers transcribe, the last words of a turn first; nothing else competes for the cores.",
)


@dataclass(frozen=True, slots=True)
class TranscriptionQuestion:
    """One question to the ears."""

    asked_s: float
    busy_s: float
    final: bool
    own: bool = False


@dataclass(frozen=True, slots=True)
class Foretold:
    p50: float
    p95: float
    p99: float
    waits: tuple[float, ...]


def foretell(causes: Sequence[Cause], instead: Instead, queued: "Queued | None" = None) -> Foretold:
    """With `queued`, each turn is taken once for each arrangement of the others."""
    waits = [
        v2v_of(cause, replace(instead, stt_more=instead.stt_more + more))
        for at, cause in enumerate(causes)
        for more in (queued[at] if queued else (0.0,))
    ]
    p50, p95, p99 = (percentile(waits, percent) for percent in (50, 95, 99))
    return Foretold(p50, p95, p99, tuple(waits))


Queued = Sequence[Sequence[float]]
"""By turn: how much longer the last words waited, in each arrangement."""


def jobs_of(events: Iterable[Line]) -> list[TranscriptionQuestion]:
    asked: dict[int, Line] = {}
    jobs = []
    for line in events:
        if line["k"] != "model" or line.get("of") != "stt":
            continue
        if line["type"] == "Asked":
            asked[line["question"]] = line
        elif line["type"] == "Answered":
            begun = asked[line["question"]]
            busy_s = line.get("busy_s") or line["t"] - begun["t"]
            jobs.append(TranscriptionQuestion(begun["t"], busy_s, begun["final"], own=True))
    return jobs


def queue_up(
    jobs: Sequence[TranscriptionQuestion], causes: Sequence[Cause], lasts_s: float, calls: int
) -> list[list[float]]:
    """How much longer each turn's last words would have waited for a worker."""
    chance = random.Random(SEED)
    found: list[list[float]] = [[] for _ in causes]
    for _ in range(ROUNDS):
        crowd = list(jobs)
        for _ in range(calls - 1):
            by_s = chance.uniform(0, lasts_s)
            crowd += [
                replace(job, asked_s=(job.asked_s + by_s) % lasts_s, own=False) for job in jobs
            ]
        waited = _served(sorted(crowd, key=lambda job: job.asked_s))
        alone = _served(sorted(jobs, key=lambda job: job.asked_s))
        for at, cause in enumerate(causes):
            found[at].append(max(0.0, _last(waited, cause) - _last(alone, cause)))
    return found


def _last(waited: Sequence[tuple[TranscriptionQuestion, float]], cause: Cause) -> float:
    """Seconds of this call's last final question before the words of the turn were known."""
    known_s = cause.ended_s + cause.words
    own = [wait for job, wait in waited if job.own and job.final and job.asked_s <= known_s]
    return own[-1] if own else 0.0


def _served(jobs: Sequence[TranscriptionQuestion]) -> list[tuple[TranscriptionQuestion, float]]:
    """Each job with how long it waited, in the order in which they were asked; finals go first."""
    free = [0.0] * WORKERS
    waiting: list[tuple[bool, int]] = []
    waits: dict[int, float] = {}
    upcoming = 0
    while upcoming < len(jobs) or waiting:
        now = heapq.heappop(free)
        nearest = min((index for _, index in waiting), default=upcoming)
        now = max(now, jobs[nearest].asked_s)
        while upcoming < len(jobs) and jobs[upcoming].asked_s <= now:
            heapq.heappush(waiting, (not jobs[upcoming].final, upcoming))
            upcoming += 1
        _, index = heapq.heappop(waiting)
        waits[index] = now - jobs[index].asked_s
        heapq.heappush(free, now + jobs[index].busy_s)
    return [(job, waits[at]) for at, job in enumerate(jobs)]


def sweep(foretold: Callable[[float], Foretold]) -> list[tuple[float, Foretold]]:
    """By the first token's time."""
    return [(token_s, foretold(token_s)) for token_s in SWEEP_S]


def most(swept: Sequence[tuple[float, Foretold]], goal_s: float = GOAL_S) -> float | None:
    """The slowest first token with which the p95 stays under the goal; None if none does."""
    good = [token_s for token_s, found in swept if found.p95 <= goal_s]
    return max(good, default=None)


def picture(swept: Sequence[tuple[float, Foretold]], goal_s: float = GOAL_S) -> str:
    """An SVG: p50 and p95 of the wait, by the first token's time."""
    width, height, left, below = 640, 360, 60, 48
    top_s = max(max(found.p95 for _, found in swept), goal_s) * 1.1

    def x(token_s: float) -> float:
        return left + token_s / SWEEP_S[-1] * (width - left - 20)

    def y(wait_s: float) -> float:
        return height - below - wait_s / top_s * (height - below - 30)

    def line(name: str, colour: str) -> str:
        points = " ".join(f"{x(at):.1f},{y(getattr(found, name)):.1f}" for at, found in swept)
        end = swept[-1]
        return (
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
            f'<text x="{x(end[0]) - 4:.1f}" y="{y(getattr(end[1], name)) - 8:.1f}" '
            f'text-anchor="end" fill="{colour}">{name}</text>'
        )

    ticks = "".join(
        f'<line x1="{left}" x2="{width - 20}" y1="{y(at / 10):.1f}" y2="{y(at / 10):.1f}" '
        f'stroke="#ddd"/><text x="{left - 8}" y="{y(at / 10) + 4:.1f}" text-anchor="end">'
        f"{at * 100}</text>"
        for at in range(0, int(top_s * 10) + 1, max(1, int(top_s * 10) // 8))
    ) + "".join(
        f'<text x="{x(at / 10):.1f}" y="{height - 26}" text-anchor="middle">{at * 100}</text>'
        for at in range(0, 11, 2)
    )
    best = most(swept, goal_s)
    said = (
        "no first token is fast enough for it"
        if best is None
        else f"the first token may take up to {best * 1000:.0f} ms"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#444">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{ticks}'
        f'<line x1="{left}" x2="{width - 20}" y1="{y(goal_s):.1f}" y2="{y(goal_s):.1f}" '
        'stroke="#b3261e" stroke-dasharray="6 4"/>'
        f"{line('p50', '#3f6fb5')}{line('p95', '#b5613f')}"
        f'<text x="{left}" y="18" font-size="14" fill="#111">To stay under {goal_s * 1000:.0f} ms '
        f"at p95 {said}</text>"
        f'<text x="{(left + width) / 2:.0f}" y="{height - 6}" text-anchor="middle">'
        "the LLM's first token, ms</text></svg>\n"
    )
