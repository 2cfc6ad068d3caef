"""How long an LLM on known hardware takes: the latencies that the demo engine plays."""

import math
import random
from dataclasses import dataclass
from typing import Literal, TypeAlias

ProfileName: TypeAlias = Literal["none", "a100", "h100-fp8", "fixed-150"]

_P95_SIGMAS = 1.6448536269514722
"""Standard deviations from the median to the 95th percentile of a normal distribution."""


@dataclass(frozen=True, slots=True)
class LatencyProfile:
    """The time to the first token is log-normal; the tokens after it come evenly."""

    first_token_median_s: float
    first_token_p95_s: float
    between_s: float

    def first_token_s(self, rng: random.Random) -> float:
        if self.first_token_p95_s == self.first_token_median_s:
            return self.first_token_median_s
        spread = math.log(self.first_token_p95_s / self.first_token_median_s) / _P95_SIGMAS
        return self.first_token_median_s * math.exp(spread * rng.gauss(0.0, 1.0))


PROFILES: dict[ProfileName, LatencyProfile] = {
    "none": LatencyProfile(0.0, 0.0, 0.0),
    "a100": LatencyProfile(0.150, 0.300, 0.035),
    "h100-fp8": LatencyProfile(0.060, 0.120, 0.013),
    "fixed-150": LatencyProfile(0.150, 0.150, 0.025),
}
"""Planning figures for Gemma 3 27B on each card, and one without chance for comparing."""
