"""The log-odds that a turn is over, fitted to labelled silences; each speaker can be left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from bench.fit.pauses import HeardSilence, HeardTurn
from pipelines.core.turn.endpointing import Evidence, OverWeights, features
from pipelines.core.turn.expectation import expected_after
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.turn.turn_words import load_completeness

NAMES = tuple(field.name for field in fields(OverWeights))
PRIOR = OverWeights(
    bias=-0.5,
    hanging=-2.5,
    counting=-1.8,
    counted=-0.8,
    comma=-0.7,
    open=-0.3,
    question=1.0,
    thought=1.0,
    went_on=-0.1,
    told=-0.2,
    second=0.0,
    short=-0.5,
    opening=-2.5,
    acknowledged=-1.0,
    holding=-4.0,
    part=-4.5,
    some=-1.0,
    enough=1.0,
    whole=2.0,
    voice=0.5,
    clear=1.0,
)
"""Set by hand before anything was fitted; evidence moves a weight away from it."""
PULL = 1.0
"""How strongly it is held there, in rows of evidence for a unit squared, ..."""
PULLED = {
    "bias": 0.0,
    "counting": 5.0,
    "counted": 5.0,
    "part": 5.0,
    "some": 5.0,
    "holding": 5.0,
    "went_on": 1000.0,
}
"""... where not otherwise: there are ten pauses in numbers, most of two people. The read suite's
are so short that nobody can cut in. Of those who go on, `told` knows as much; but a person into
whom the bot has cut must not be waited for less."""
READ_SHARE = 0.5
"""The weight of a read row, whose pauses are mostly made, beside one of natural speech."""
STEPS, CLOSE = 40, 1e-3
"""The fit takes so many at most, each moving no weight by more than 1; one so small is the last."""


@dataclass(frozen=True, slots=True)
class SilenceRow:
    turn: HeardTurn
    heard: HeardSilence
    went_on: int

    @property
    def is_end(self) -> bool:
        return self.heard.silence.kind == "end"

    def evidence(self, score: float) -> Evidence:
        return Evidence(
            self.heard.text,
            score=score,
            went_on=self.went_on,
            alternatives=self.heard.alternatives,
            expected=expected_after(self.turn.asked),
        )

    def weight(self) -> float:
        """How much it matters: a pause that nobody can cut into, little."""
        if self.is_end:
            return 1.0
        if not self.heard.silence.counts:
            return 0.0
        steps = ((0.6, 1.5), (0.4, 0.6), (0.28, 0.25), (0.0, 0.08))
        return next(worth for at_s, worth in steps if self.heard.silence.duration_s >= at_s)


def rows_of(turns: Sequence[HeardTurn]) -> list[SilenceRow]:
    return [row for turn in turns for row in _rows(turn)]


def _rows(turn: HeardTurn) -> Iterator[SilenceRow]:
    went_on = 0
    for heard in turn.silences:
        yield SilenceRow(turn, heard, went_on)
        went_on += heard.silence.duration_s >= TurnPolicy().telling_pause_s


class Table:
    """Rows as arrays: `values` (n, scores, readings, weights) and `shares` (n, readings)."""

    def __init__(self, rows: Sequence[SilenceRow]) -> None:
        completes = load_completeness().probability
        self.rows = rows
        self.values = np.zeros((len(rows), 2, 4, len(NAMES)))
        self.shares = np.zeros((len(rows), 4))
        for n, row in enumerate(rows):
            for k, score in enumerate(row.heard.scores):
                evidence = row.evidence(score)
                for m, (text, share) in enumerate(evidence.readings()):
                    found = features(text, evidence, completes)
                    self.values[n, k, m] = [found.get(name, 0.0) for name in NAMES]
                    self.shares[n, m] = share
        self.ends = np.array([row.is_end for row in rows], float)
        self.worth = np.array(
            [row.weight() * (READ_SHARE if row.turn.source == "read" else 1.0) for row in rows]
        )

    def fit(self, of: NDArray[np.bool_]) -> OverWeights:
        """The likeliest weights for some of the rows, held by the prior; by Fisher's scoring."""
        values, shares = self.values[of], self.shares[of][:, np.newaxis]
        ends, worth = self.ends[of][:, np.newaxis], self.worth[of][:, np.newaxis] / 2
        prior = np.array([getattr(PRIOR, name) for name in NAMES])
        pull = np.array([PULLED.get(name, PULL) for name in NAMES])
        found = prior.copy()
        for _ in range(STEPS):
            over = 1 / (1 + np.exp(-values @ found))
            total = np.clip((shares * over).sum(-1), 1e-4, 1 - 1e-4)
            slope = ((shares * over * (1 - over))[..., np.newaxis] * values).sum(-2)
            known = worth / (total * (1 - total))
            gradient = np.einsum("nk,nkw->w", known * (ends - total), slope)
            curve = np.einsum("nk,nkv,nkw->vw", known, slope, slope) + np.diag(pull)
            step = np.linalg.lstsq(curve, gradient - pull * (found - prior))[0]
            longest = float(np.abs(step).max())
            found = found + step / max(1.0, longest)
            if longest < CLOSE:
                break
        return OverWeights(**dict(zip(NAMES, np.round(found, 2).tolist(), strict=True)))

    def left_out(self) -> list[OverWeights]:
        """Each row's weights, fitted without its speaker, and without the held read half."""
        speakers = np.array([row.turn.speaker for row in self.rows])
        found = {
            speaker: self.fit((speakers != speaker) & (speakers != "held"))
            for speaker in track(sorted(set(speakers)), "leaving one speaker out")
        }
        return [found[speaker] for speaker in speakers]
