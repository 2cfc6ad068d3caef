"""The search for the constants: what a policy costs, and small steps to a cheaper one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from bench.fit.simulate import SimulatedOutcome, SimulatedTurn, play
from pipelines.core.ledger.statistics import percentile
from pipelines.core.turn.endpointing import EndpointingPolicy
from pipelines.core.turn.policy import TurnPolicy

REACTION_S = 0.25
"""A cut-in belongs to the pause that ended no longer than this before it was heard."""
LONGEST_PAUSE_S = 1.0
BOUNDS = {
    "closed_s": (0.17, 0.6),
    "comma_s": (0.3, 1.1),
    "counting_s": (0.5, 1.1),
    "counted_s": (0.3, 1.1),
    "hanging_s": (0.9, 1.1),
    "doubtful": (1.0, 4.0),
    "denied": (1.0, 6.0),
    "unscored": (1.0, 3.0),
    "went_on": (1.0, 2.0),
}
"""The constants that are searched, and how far. Below 0.17 s an answer would be heard within 200
ms; above 1.1 s nobody waits gladly.
"""


@dataclass(frozen=True, slots=True)
class FitFigures:
    """One policy on one set of turns; times in seconds, the rest shares and means."""

    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    missed: int
    hanging: float
    clause: float
    sentence: float
    elsewhere: int
    wasted: float
    late: float
    """Share of turns answered after 0.48 s, with soft edges so that small steps show."""


def measure(turns: Sequence[SimulatedTurn], policy: EndpointingPolicy) -> FitFigures:
    outcomes = [play(turn, TurnPolicy(endpointing=policy)) for turn in turns]
    waits = np.array([outcome.v2v_s for outcome in outcomes])
    pairs = list(zip(turns, outcomes, strict=True))
    p50_s, p95_s, p99_s = (percentile(waits, p) for p in (50, 95, 99))
    return FitFigures(
        mean_s=float(np.mean(waits)),
        p50_s=p50_s,
        p95_s=p95_s,
        p99_s=p99_s,
        missed=sum(outcome.v2v_s >= 5.0 for outcome in outcomes),
        hanging=_share_cut(pairs, "hanging"),
        clause=_share_cut(pairs, "clause"),
        sentence=_share_cut(pairs, "sentence"),
        elsewhere=sum(_elsewhere(turn, outcome) for turn, outcome in pairs),
        wasted=sum(o.requests - 1 - len(o.cut_at_s) for o in outcomes) / len(outcomes),
        late=float(np.mean(1 / (1 + np.exp(-(waits - 0.48) / 0.02)))),
    )


def cost(found: FitFigures) -> float:
    """The weighed aims: no cut-ins at hanging pauses first, then a short wait."""
    return (
        3 * found.hanging
        + 10 * max(0.0, found.hanging - 0.04)
        + 16 * max(0.0, found.p50_s - 0.235)
        + found.late
        + 0.7 * (found.clause + found.sentence)
        + 5 * max(0.0, found.wasted - 0.43)
        + 0.5 * found.mean_s
        + 0.02 * found.elsewhere
    )


def search(
    turns: Sequence[SimulatedTurn],
    start: EndpointingPolicy,
    steps: int,
    told: Callable[[int, float], None],
    seed: int = 0,
) -> EndpointingPolicy:
    """Small random steps from `start`, kept where they cost less. `told` hears of every step."""
    draw = np.random.default_rng(seed)
    best, least = start, cost(measure(turns, start))
    names = [field.name for field in fields(start) if field.name in BOUNDS]
    for step in range(steps):
        changed = draw.choice(names, draw.integers(1, 4), replace=False)
        tried = replace(best, **{name: _nearby(best, name, draw) for name in changed})
        price = cost(measure(turns, tried))
        if price < least:
            best, least = tried, price
        told(step, least)
    return best


def _nearby(policy: EndpointingPolicy, name: str, draw: np.random.Generator) -> float:
    low, high = BOUNDS[name]
    value = float(getattr(policy, name)) * float(np.exp(0.15 * draw.normal()))
    return round(min(max(value, low), high), 3)


def _share_cut(pairs: Sequence[tuple[SimulatedTurn, SimulatedOutcome]], kind: str) -> float:
    cut = [
        any(p.start_s <= at <= p.start_s + p.duration_s + REACTION_S for at in outcome.cut_at_s)
        for turn, outcome in pairs
        for p in turn.pauses
        if p.kind == kind and p.duration_s <= LONGEST_PAUSE_S
    ]
    return sum(cut) / len(cut) if cut else 0.0


def _elsewhere(turn: SimulatedTurn, outcome: SimulatedOutcome) -> int:
    return sum(
        not any(p.start_s <= at <= p.start_s + p.duration_s + REACTION_S for p in turn.pauses)
        for at in outcome.cut_at_s
    )
