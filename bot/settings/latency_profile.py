"""How long an LLM on known hardware takes: the latencies that the demo engine plays."""

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

ProfileName: TypeAlias = Literal["none", "a100", "h100-fp8", "fixed-150"]

_P95_SIGMAS = 1.6448536269514722
"""Standard deviations from the median to the 95th percentile of a normal distribution."""


class ProfileError(ValueError):
    """It is neither a profile's name nor a file with one. The message is one line."""


@dataclass(frozen=True, slots=True)
class LatencyProfile:
    """The time to the first token is log-normal, or as it was measured; the rest comes evenly."""

    first_token_median_s: float
    first_token_p95_s: float
    between_s: float
    tail_share: float = 0.0
    """The share of answers that have their first token after `tail_s` instead."""
    tail_s: float = 0.0
    quantiles_s: tuple[float, ...] = ()
    """Quantiles of measured first tokens, evenly spaced from the least to the most, in place of the
    log-normal."""

    def first_token_s(self, rng: random.Random) -> float:
        if self.tail_share and rng.random() < self.tail_share:
            return self.tail_s
        if self.quantiles_s:
            place = rng.random() * (len(self.quantiles_s) - 1)
            below, share = int(place), place % 1
            low, high = self.quantiles_s[below : below + 2]
            return low + share * (high - low)
        if self.first_token_p95_s == self.first_token_median_s:
            return self.first_token_median_s
        spread = math.log(self.first_token_p95_s / self.first_token_median_s) / _P95_SIGMAS
        return self.first_token_median_s * math.exp(spread * rng.gauss(0.0, 1.0))


PROFILES: dict[str, LatencyProfile] = {
    "none": LatencyProfile(0.0, 0.0, 0.0),
    "a100": LatencyProfile(0.150, 0.300, 0.035),
    "h100-fp8": LatencyProfile(0.060, 0.120, 0.013),
    "fixed-150": LatencyProfile(0.150, 0.150, 0.025),
}
"""Planning figures for Gemma 3 27B on each card, and one without chance for comparing."""


def profile_named(wanted: str) -> LatencyProfile:
    """One of `PROFILES`, or of a file: a profile by itself, or what `llm bench --json` wrote.

    Raises ProfileError.
    """
    if wanted in PROFILES:
        return PROFILES[wanted]
    try:
        document = json.loads(Path(wanted).read_text())
    except FileNotFoundError:
        raise ProfileError(f"should be {', '.join(PROFILES)} or a file with a profile") from None
    except OSError as error:
        raise ProfileError(f"cannot be read as a profile: {error.strerror}") from None
    except ValueError:
        raise ProfileError("cannot be read as a profile: it is no JSON") from None
    try:
        return read_profile(document.get("profile", document))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise ProfileError(
            'is no profile: it should be like {"first_token_ms": {"median": 60, "p95": 120}, '
            f'"between_tokens_ms": 13}} ({type(error).__name__}: {error})'
        ) from None


def read_profile(written: Mapping[str, Any]) -> LatencyProfile:
    """`first_token_ms` is one number, a median and a p95, or a list of quantiles; a tail may be
    beside it. Raises KeyError, TypeError or ValueError where it is not so.
    """
    first, tail = written["first_token_ms"], written.get("tail", {})
    quantiles = tuple(sorted(_seconds(one) for one in first)) if isinstance(first, list) else ()
    if isinstance(first, dict):
        median_s, p95_s = _seconds(first["median"]), _seconds(first["p95"])
    elif quantiles:
        median_s, p95_s = quantiles[len(quantiles) // 2], quantiles[-2]
    else:
        median_s = p95_s = _seconds(first)
    if p95_s < median_s or (p95_s > median_s == 0):
        raise ValueError("the p95 is not above the median")
    if tail and set(tail) != {"share", "first_token_ms"}:
        raise ValueError("a tail has a share and a first_token_ms, and nothing else")
    share = float(tail.get("share", 0.0))
    if not 0 <= share <= 1:
        raise ValueError("the tail's share is not between 0 and 1")
    return LatencyProfile(
        median_s,
        p95_s,
        _seconds(written["between_tokens_ms"]),
        share,
        _seconds(tail.get("first_token_ms", 0.0)),
        quantiles,
    )


def _seconds(ms: float) -> float:
    if not 0 <= float(ms) < 3_600_000:
        raise ValueError(f"{ms} ms is no time to wait")
    return float(ms) / 1000
