"""A policy's waits at labelled silences, judged: how long one waits, how often one cuts in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.fit.table import SilenceRow
from client.caller.measure import NOTICED_S
from pipelines.core.ledger.statistics import percentile
from pipelines.core.turn.endpointing import Endpointing, EndpointingPolicy, OverWeights
from pipelines.services.turn.turn_words import load_completeness

WAY_S = 0.12
"""From the decision to the first sound heard, with a reply that was begun early."""
STOPS_S = 0.08
"""From when the person goes on until the bot is silent."""
SECOND_SCORE_S = 0.23
"""By then Smart Turn has been asked twice."""
LONGEST_S = 3.0
"""After a longer pause anybody may speak."""


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    turns: int
    p50_s: float
    p95_s: float
    mean_s: float
    cut_into: int
    noticed: int
    pauses: dict[str, tuple[int, int]]
    """By kind: cut into, of so many."""


class RowWaits:
    """How long a policy waits in each row; the readings' chances are worked out once."""

    def __init__(self, rows: Sequence[SilenceRow], weights: Sequence[OverWeights]) -> None:
        completes = load_completeness().probability
        self.rows = rows
        self.over = [
            tuple(
                Endpointing(EndpointingPolicy(weights=own), completes).over(row.evidence(score))
                for score in row.heard.scores
            )
            for row, own in zip(rows, weights, strict=True)
        ]

    def waits_s(self, policy: EndpointingPolicy) -> list[float]:
        return [self._wait_s(policy, *over) for over in self.over]

    @staticmethod
    def _wait_s(policy: EndpointingPolicy, first: float, second: float) -> float:
        def wait_s(over: float) -> float:
            worth = math.log(policy.patience_s / policy.pause_s)
            least = policy.pause_s * (math.log((1 - over) / over) + worth)
            return min(max(least, policy.shortest_s), policy.longest_s)

        at_once = wait_s(first)
        return at_once if at_once <= SECOND_SCORE_S else max(wait_s(second), SECOND_SCORE_S)


def judge(rows: Sequence[SilenceRow], waits_s: Sequence[float]) -> PolicyFigures:
    waits: list[float] = []
    cut: dict[str, bool] = {}
    noticed: dict[str, bool] = {}
    pauses: dict[str, tuple[int, int]] = {}
    for row, wait_s in zip(rows, waits_s, strict=True):
        heard_s, silence, name = wait_s + WAY_S, row.heard.silence, row.turn.name
        if row.is_end:
            waits.append(heard_s)
            continue
        if not silence.counts or silence.duration_s > LONGEST_S:
            continue
        is_cut = heard_s < silence.duration_s
        cut[name] = cut.get(name, False) or is_cut
        is_noticed = is_cut and silence.duration_s - heard_s + STOPS_S > NOTICED_S
        noticed[name] = noticed.get(name, False) or is_noticed
        before = pauses.get(silence.kind, (0, 0))
        pauses[silence.kind] = (before[0] + is_cut, before[1] + 1)
    return PolicyFigures(
        turns=len({row.turn.name for row in rows}),
        p50_s=round(percentile(waits, 50), 3),
        p95_s=round(percentile(waits, 95), 3),
        mean_s=round(float(np.mean(waits)), 3),
        cut_into=sum(cut.values()),
        noticed=sum(noticed.values()),
        pauses=dict(sorted(pauses.items())),
    )
