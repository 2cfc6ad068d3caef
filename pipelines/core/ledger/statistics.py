"""The arithmetic of what is measured: percentiles by the nearest rank, and estimates. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]

DRAWS = 2000
TAIL = 2.5
"""Percent of the draws beyond each end of an interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and the 95 % interval around it. All NaN where there was nothing to count."""

    value: float
    low: float
    high: float

    def is_beyond(self, least: float) -> bool:
        """At least so far from zero, and certainly on that side of it."""
        return abs(self.value) >= least and (self.low > 0 or self.high < 0)


def percentile(values: Sequence[float] | Values, percent: float) -> float:
    """By the nearest rank: the smallest value that `percent` % of them do not exceed.

    It is one of the values, never between two. NaN without values.
    """
    if not len(values):
        return math.nan
    rank = max(1, math.ceil(round(percent / 100 * len(values), 9)))
    return float(np.sort(np.asarray(values, dtype=np.float64))[rank - 1])


def median(values: Sequence[float] | Values) -> float:
    return percentile(values, 50)
