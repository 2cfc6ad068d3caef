"""How sure one may be of what was measured.

Samples come in groups, one for each source recording: plays of the same speech are not
independent, so intervals draw whole groups. All intervals are 95 %.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.core.ledger.statistics import DRAWS, TAIL, Estimate, Values

Groups: TypeAlias = Mapping[str, Sequence[float]]
Statistic: TypeAlias = Callable[[Values], float]

Z95 = 1.959963984540054
"""Standard deviations of a normal distribution that hold 95 % of it."""
NOTHING = Estimate(math.nan, math.nan, math.nan)


def bootstrap(
    groups: Groups, statistic: Statistic, *, draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """`statistic` of all the values, and its spread when groups are drawn with replacement."""
    filled = [np.asarray(values, np.float64) for values in groups.values() if len(values)]
    if not filled:
        return NOTHING
    found = [statistic(_pooled(filled, drawn)) for drawn in _draws(len(filled), draws, seed)]
    return _estimate(statistic(np.concatenate(filled)), found)


def paired_ratio(
    ours: Groups, theirs: Groups, statistic: Statistic, *, draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """`statistic` of ours over theirs; each draw takes the same groups from both.

    Raises ValueError where they do not have the same groups: what only one of them played
    cannot be compared.
    """
    if ours.keys() != theirs.keys():
        raise ValueError("both must have played the same recordings")
    names = [name for name in ours if len(ours[name]) and len(theirs[name])]
    if not names:
        return NOTHING
    ours_of = [np.asarray(ours[name], np.float64) for name in names]
    theirs_of = [np.asarray(theirs[name], np.float64) for name in names]

    def ratio(drawn: Sequence[int] | NDArray[np.int64]) -> float:
        below = statistic(_pooled(theirs_of, drawn))
        return statistic(_pooled(ours_of, drawn)) / below if below else math.nan

    found = [ratio(drawn) for drawn in _draws(len(names), draws, seed)]
    return _estimate(ratio(range(len(names))), found)


def wilson(share: float, count: int) -> Estimate:
    """A share of `count` independent trials (0 to 1) with Wilson's score interval.

    It stays within 0 and 1, and says of "none of 60" that up to 6 % would have been no surprise.
    """
    if count <= 0 or math.isnan(share):
        return NOTHING
    square = Z95 * Z95
    centre = (share + square / (2 * count)) / (1 + square / count)
    spread = math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    reach = Z95 * spread / (1 + square / count)
    return Estimate(share, max(0.0, centre - reach), min(1.0, centre + reach))


def _draws(groups: int, draws: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, groups, (draws, groups))


def _pooled(groups: Sequence[Values], drawn: Sequence[int] | NDArray[np.int64]) -> Values:
    return np.concatenate([groups[index] for index in drawn])


def _estimate(value: float, found: Sequence[float]) -> Estimate:
    low, high = np.nanpercentile(found, [TAIL, 100 - TAIL])
    return Estimate(value, float(low), float(high))
