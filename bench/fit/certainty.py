"""The fit itself: logistic regression on every 20 ms of every pause, by Newton's method."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.fit.simulate import Turn
from pipelines.core.endpointing import EndpointingPolicy, features
from pipelines.core.events import Listened
from pipelines.core.turn import State, TurnMachine, TurnPolicy

Matrix = NDArray[np.float64]

NEVER = TurnPolicy(endpointing=EndpointingPolicy(commit=1 - 1e-12, begin=1 - 1e-12, longest_s=1e6))
LEAST_SILENCE_S = 0.03
MOST_SILENCE_S = 1.2
RIDGE = 1.0
END_WITHIN_S = 0.3
"""A pause that begins this near the labelled end, or after it, is the end."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick of a pause: what was known, and what was true."""

    features: Mapping[str, float]
    over: bool
    weight: float


def moments(turn: Turn) -> list[Moment]:
    """Every tick of every pause of one turn; each pause weighs the same, however long."""
    machine = TurnMachine(NEVER)
    pauses: dict[float, list[Moment]] = {}
    for observed in turn.observed:
        machine.handle(observed.fact)
        if machine.state is not State.PAUSED or not isinstance(observed.fact, Listened):
            continue
        evidence = machine.evidence
        if not LEAST_SILENCE_S <= evidence.silence_s <= MOST_SILENCE_S:
            continue
        paused_s = round(observed.fact.media_s - evidence.silence_s, 3)
        known = {"log_silence": math.log(evidence.silence_s), **features(evidence)}
        over = paused_s >= turn.end_s - END_WITHIN_S
        pauses.setdefault(paused_s, []).append(Moment(known, over, 1.0))
    return [moment for pause in pauses.values() for moment in pause]


def fit(moments_: Sequence[Moment], names: Sequence[str]) -> dict[str, float]:
    """Weights by name that make the labels most likely, a little drawn to zero."""
    x: Matrix = np.array([[m.features[name] for name in names] for m in moments_])
    y: Matrix = np.array([float(m.over) for m in moments_])
    weight: Matrix = np.array([m.weight for m in moments_])
    ridge = RIDGE * np.diag([0.0 if name == "bias" else 1.0 for name in names])
    beta: Matrix = np.zeros(len(names))
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        gradient = x.T @ (weight * (y - p)) - ridge @ beta
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge
        step = np.linalg.solve(hessian, gradient)
        beta = beta + step
        if float(np.abs(step).max()) < 1e-8:
            break
    return {name: round(float(value), 3) for name, value in zip(names, beta, strict=True)}
