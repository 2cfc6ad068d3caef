"""Which endpoint is asked, when another one is asked beside it or in its place, and who rests.

`Health` is what is known of one endpoint, across all calls; `Race` is one question on its way to
something that can be spoken. Both take `now` and wait for nothing.
"""

import enum
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

FAILURES_TO_REST = 3
"""In a row."""
FIRST_REST_S = 5.0
LONGEST_REST_S = 60.0
"""Each rest that a failed probe follows is twice as long as the one before."""
HEDGE_MEDIANS = 2.5
LATEST_HEDGE_S = 0.4
"""A person hears a gap of half a second."""
HEDGED_SHARE = 0.1
"""The share of an endpoint's requests that may be hedged: one that is late more often is slow, and
a second request for each would only add to what slows it.
"""
HEDGES_SAVED = 4
"""Those that were not needed are kept for when several are, up to so many; so many at first."""
WORTH_ASKING_S = 0.5
"""An answer needs as much of the time that is left."""
_WINDOW = 31

Hedge: TypeAlias = float | Literal["auto", "off"]
"""Seconds after which the next endpoint is asked as well; auto: by the endpoint's own median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    first_token_s: float = 1.5
    """From the request. The next endpoint is asked then, and this one still listened to."""
    first_clause_s: float = 1.5
    """From the first token to a clause that can be spoken. The same."""
    apology_s: float = 3.0
    """From the question: with nothing to say by then, there is no answer."""


class RunningMedian:
    """The median of the newest values."""

    def __init__(self, window: int = _WINDOW) -> None:
        self._newest: deque[float] = deque()
        self._sorted: list[float] = []
        self._window = window

    def add(self, value: float) -> None:
        self._newest.append(value)
        insort(self._sorted, value)
        if len(self._newest) > self._window:
            del self._sorted[bisect_left(self._sorted, self._newest.popleft())]

    @property
    def value(self) -> float | None:
        """None where nothing was added."""
        return self._sorted[len(self._sorted) // 2] if self._sorted else None


class EndpointState(enum.Enum):
    WELL = enum.auto()
    RESTING = enum.auto()
    PROBED = enum.auto()
    """The one request that tells whether it is well again is under way."""


class Health:
    def __init__(self) -> None:
        self._failures = 0
        self._state = EndpointState.WELL
        self._until_s = float("-inf")
        self._rest_s = FIRST_REST_S
        self._first_tokens = RunningMedian()
        self._hedges: float = HEDGES_SAVED
        self._silent_s = 0.0

    def state(self, now: float) -> EndpointState:
        left_alone = self._state is EndpointState.WELL and now < self._until_s
        return EndpointState.RESTING if left_alone else self._state

    @property
    def median_s(self) -> float | None:
        """To the first token."""
        return self._first_tokens.value

    def may_be_asked(self, now: float) -> bool:
        """While it rests, no; once it has rested, by one request at a time."""
        return now >= self._until_s and self._state is not EndpointState.PROBED

    def asked(self) -> None:
        if self._state is EndpointState.RESTING:
            self._state = EndpointState.PROBED
        self._hedges = min(HEDGES_SAVED, self._hedges + HEDGED_SHARE)

    def hedged(self) -> None:
        if self._state is not EndpointState.PROBED:
            self._hedges -= 1

    def answered(self, first_token_s: float) -> None:
        self._first_tokens.add(first_token_s)
        self._silent_s = 0.0
        self._failures, self._rest_s = 0, FIRST_REST_S
        self._state = EndpointState.WELL

    def failed(self, now: float, retry_after_s: float = 0.0) -> None:
        """`retry_after_s`: it asked to be left alone for so long."""
        self._failures += 1
        self.left()
        if self._failures >= FAILURES_TO_REST and now >= self._until_s:
            self._state = (
                EndpointState.RESTING
            )  # what was under way when it fell fails too, and adds nothing
            self._until_s = now + self._rest_s
            self._rest_s = min(2 * self._rest_s, LONGEST_REST_S)
        self._until_s = max(self._until_s, now + min(retry_after_s, LONGEST_REST_S))

    def left(self) -> None:
        """Nobody waits for it any longer."""
        if self._state is EndpointState.PROBED:
            self._state = EndpointState.RESTING

    def silent(self, waited_s: float) -> float:
        """Another was faster. For how long nothing was heard of it, all such silences together
        since its last word: that tells one that is slow from one that is dead.
        """
        self._first_tokens.add(waited_s)
        self._failures += 1
        self._silent_s += waited_s
        return self._silent_s

    def hedge_after_s(self, hedge: Hedge) -> float | None:
        """None for not at all. Nobody waits for a probe."""
        if hedge == "off" or (self._hedges < 1 and self._state is not EndpointState.PROBED):
            return None
        if hedge != "auto":
            return hedge
        median = self.median_s
        return LATEST_HEDGE_S if median is None else min(LATEST_HEDGE_S, HEDGE_MEDIANS * median)


Reason: TypeAlias = Literal["first", "retry", "fallback", "hedge"]


@dataclass(frozen=True, slots=True)
class Ask:
    """Make a request. Attempts are numbered from 0."""

    attempt: int
    endpoint: int
    reason: Reason


@dataclass(slots=True)
class _Attempt:
    endpoint: int
    asked_s: float
    first_s: float | None = None
    failed: bool = False

    def overdue_s(self, patience: Patience) -> float:
        if self.first_s is None:
            return self.asked_s + patience.first_token_s
        return self.first_s + patience.first_clause_s


class Race:
    """Each endpoint that is well is asked once, in order; where there is only one, twice."""

    def __init__(
        self,
        healths: Sequence[Health],
        patience: Patience,
        hedge: Hedge,
        now: float,
        waited_s: float = 0.0,
    ) -> None:
        """`waited_s`: how long the person had waited before."""
        self._healths = healths
        self._patience = patience
        self._hedge = hedge
        self._give_up_s = now + max(WORTH_ASKING_S, patience.apology_s - waited_s)
        well = [at for at, health in enumerate(healths) if health.may_be_asked(now)]
        self._waiting = deque(2 * well if len(well) == 1 else well)
        self._attempts: list[_Attempt] = []
        self._not_before_s = now

    def next(self, now: float) -> Ask | None:
        """The request that is due, if one is. Call it until None, and again at `deadline`."""
        if not self._waiting or now < self._due_s():
            return None
        endpoint = self._waiting.popleft()
        reason = self._reason(endpoint, now)
        if reason == "hedge":
            self._healths[self._attempts[0].endpoint].hedged()
        self._attempts.append(_Attempt(endpoint, now))
        self._healths[endpoint].asked()
        return Ask(len(self._attempts) - 1, endpoint, reason)

    def deadline(self) -> float:
        """When `next` or `is_over` may change by itself."""
        return min(self._give_up_s, self._due_s()) if self._waiting else self._give_up_s

    def is_over(self, now: float) -> bool:
        """Nothing will come of it any more."""
        return now >= self._give_up_s or (not self._waiting and not self._running)

    # ---- what became of the attempts ----

    def spoke(self, attempt: int, now: float) -> None:
        """Its first token is here."""
        one = self._attempts[attempt]
        one.first_s = now
        self._healths[one.endpoint].answered(now - one.asked_s)

    def failed(
        self, attempt: int, now: float, *, retryable: bool, ill: bool, retry_after_s: float = 0.0
    ) -> None:
        """`retryable`: the same request may succeed there. `ill`: the endpoint is to blame."""
        one = self._attempts[attempt]
        one.failed = True
        health = self._healths[one.endpoint]
        if ill:
            health.failed(now, retry_after_s)
        else:
            health.left()
        if self._waiting and self._waiting[0] == one.endpoint:
            again_s = now + retry_after_s
            in_time = again_s + WORTH_ASKING_S <= self._give_up_s
            if retryable and in_time and health.may_be_asked(again_s):
                self._not_before_s = again_s
            else:
                self._waiting.clear()

    def close(self, winner: int | None, now: float, *, wanted: bool = True) -> None:
        """Nobody waits for the attempts that still run, but for `winner`.

        `wanted`: an answer still was; who kept it waiting for too long has failed.
        """
        for at, one in enumerate(self._attempts):
            if at == winner or one.failed:
                continue
            health = self._healths[one.endpoint]
            overdue = now >= one.overdue_s(self._patience)
            if wanted and one.first_s is None:
                overdue |= health.silent(now - one.asked_s) >= self._patience.first_token_s
            if wanted and overdue:
                health.failed(now)
            else:
                health.left()

    # ---- when ----

    @property
    def _running(self) -> list[_Attempt]:
        return [one for one in self._attempts if not one.failed]

    def _due_s(self) -> float:
        """When the next in line is to be asked."""
        running = self._running
        if not running:
            return self._not_before_s
        overdue_s = max(one.overdue_s(self._patience) for one in running)
        return min(overdue_s, self._hedge_s(self._waiting[0]))

    def _hedge_s(self, target: int) -> float:
        """When `target` is asked beside the first, which is silent; inf for never."""
        if len(self._attempts) != 1 or self._attempts[0].first_s is not None:
            return float("inf")
        first = self._attempts[0]
        after_s = self._healths[first.endpoint].hedge_after_s(self._hedge)
        if after_s is None or target == first.endpoint:
            return float("inf")
        return first.asked_s + after_s

    def _reason(self, endpoint: int, now: float) -> Reason:
        if not self._attempts:
            return "first"
        if any(one.endpoint == endpoint for one in self._attempts):
            return "retry"
        return "hedge" if self._running and now >= self._hedge_s(endpoint) else "fallback"
