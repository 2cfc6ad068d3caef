"""How far a stage's times in one run are from those in another, over the same turns. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.core.ledger.statistics import DRAWS, TAIL, Estimate, Values

PERCENTS = (50, 95, 99)
LEAST_S = 0.005
"""A smaller difference is none: clocks and schedulers make it."""
WORSE_BY = 0.10
"""A stage whose p95 is worse by more than this share, at 95 % confidence, breaks the gate."""
FLOOR_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The later less the earlier, in seconds, with intervals over turns."""

    typical_s: Estimate
    """Median of the differences turn by turn."""
    by_percent: Mapping[int, Estimate]
    p95_ratio: Estimate

    @property
    def is_there(self) -> bool:
        """Noise alone does not make it."""
        return self.typical_s.is_beyond(LEAST_S) or self.by_percent[95].is_beyond(LEAST_S)

    @property
    def is_worse(self) -> bool:
        return self.p95_ratio.low > 1 + WORSE_BY and self.by_percent[95].low > LEAST_S


def shift_of(values: Values, seed: int) -> Shift:
    """`values`: shape (n, 2), the earlier and the later run's of each turn, n > 0."""
    drawn = values[np.random.default_rng(seed).integers(0, len(values), (DRAWS, len(values)))]
    typical = _interval(
        float(np.median(values[:, 1] - values[:, 0])),
        np.median(drawn[..., 1] - drawn[..., 0], axis=1),
    )
    drawn, ordered = np.sort(drawn, axis=1), np.sort(values, axis=0)
    by_percent = {}
    for percent in PERCENTS:
        rank = _rank(percent, len(values))
        ends, whole = drawn[:, rank], ordered[rank]
        by_percent[percent] = _interval(float(whole[1] - whole[0]), ends[:, 1] - ends[:, 0])
    rank = _rank(95, len(values))
    ends, whole = np.maximum(drawn[:, rank], FLOOR_S), np.maximum(ordered[rank], FLOOR_S)
    ratio = _interval(float(whole[1] / whole[0]), ends[:, 1] / ends[:, 0])
    return Shift(typical_s=typical, by_percent=by_percent, p95_ratio=ratio)


def less_what_was_waited(values: Values, busier_s: Values) -> Values:
    """`values` with no difference larger than what other programs leave of it.

    `busier_s`, shape (n,): how much longer threads waited for a core in the later run. Whose
    thread it was nobody knows, so all of them count: a change is thought to be smaller than it is.
    """
    apart = values[:, 1] - values[:, 0]
    by_machine = np.where(apart * busier_s > 0, np.minimum(np.abs(apart), np.abs(busier_s)), 0.0)
    return np.column_stack([values[:, 0], values[:, 1] - np.sign(apart) * by_machine])


def _rank(percent: int, count: int) -> int:
    """Index of a percentile by the nearest rank, as `percentile` has it."""
    return max(1, math.ceil(round(percent / 100 * count, 9))) - 1


def _interval(value: float, drawn: Any) -> Estimate:
    low, high = np.percentile(drawn, [TAIL, 100 - TAIL])
    return Estimate(value, float(low), float(high))
