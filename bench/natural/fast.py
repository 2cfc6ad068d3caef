"""The natural turns on virtual time: the product's own ears and turn machine, in seconds a run.

The ears' reports of each turn are kept in a cache; a policy is then tried on all of them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from rich.progress import track

from bench.fit.dataset import TurnListener
from bench.fit.simulate import ObservedPause, SimulatedTurn, Verdict, never, play
from bench.natural.plays import NaturalPlay, cut_ins
from bench.natural.speech import NaturalTurn, sound
from client.caller.measure import MISSED_S
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.protocols import EAR_RATE_HZ

Judge: TypeAlias = Callable[[NaturalTurn], Verdict]


def observed(turns: Sequence[NaturalTurn]) -> list[SimulatedTurn]:
    """Each with what the ears report of it; the first time takes some minutes.

    Raises SpeechError.
    """
    listener = TurnListener()
    return [_observed(turn, listener) for turn in track(turns, "listening to natural speech")]


def plays(
    turns: Sequence[NaturalTurn],
    heard: Sequence[SimulatedTurn],
    policy: TurnPolicy,
    judge: Judge = lambda turn: never,
) -> Iterator[NaturalPlay]:
    """Tries the policy on every turn; `heard` is `observed(turns)`.

    `judge` stands for the language model, where the policy asks it.
    """
    for turn, simulated in zip(turns, heard, strict=True):
        outcome = play(simulated, policy, judge(turn))
        missed = outcome.v2v_s >= MISSED_S
        answers = len(outcome.cut_at_s) + (not missed)
        yield NaturalPlay(
            server="ours",
            turn=turn,
            v2v_s=outcome.v2v_s,
            missed=missed,
            cut_ins=cut_ins(turn, outcome.sounds_s),
            wasted=max(0, outcome.requests - answers),
        )


def _observed(turn: NaturalTurn, listener: TurnListener) -> SimulatedTurn:
    samples = (sound(turn, EAR_RATE_HZ) / np.float32(32768)).astype(np.float32)
    return SimulatedTurn(
        name=turn.id,
        half="",
        end_s=turn.end_s,
        pauses=tuple(ObservedPause(p.start_s, p.duration_s, p.kind) for p in turn.pauses),
        observed=listener.observe(samples),
        speaker=turn.speaker,
        asked=turn.asked,
    )
