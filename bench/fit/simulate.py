"""A policy tried on what was observed: when the bot would have been heard, and when too soon.

The turn machine is the product's own. The time of the LLM and the voice is a stated constant, so
that a thousand policies can be compared in minutes; `./run bench turns` measures the real
thing.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from bench.fit.observe import Observed
from pipelines.core.commands import (
    CommitReply,
    ForgetSpeech,
    PauseReply,
    ResumeReply,
    StartReply,
    StopReply,
    WithdrawReply,
)
from pipelines.core.events import (
    PlayoutEnded,
    PlayoutStarted,
    Transcribed,
    TurnFact,
    TurnIncomplete,
)
from pipelines.core.turn.expectation import expected_after
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.turn.turn_words import load_completeness

REPLY_S = 0.185
"""From the request to the first audio with `fixed-150` and an answer that begins with "Sure,", as
measured: 150 ms, 25 to the comma, and 10 on the way."""
VERDICT_S = 0.15
"""To the first token, likewise, where that is the mark that the turn is incomplete."""
ANSWER_S = 4.0
STOPS_AFTER_S = 0.03
"""From the decision to be silent to the last audible sample: a frame, and the flush."""
MISSED_S = 5.0


@dataclass(frozen=True, slots=True)
class ObservedPause:
    start_s: float
    duration_s: float
    kind: str


@dataclass(frozen=True, slots=True)
class SimulatedTurn:
    """One labelled recording."""

    name: str
    half: str
    end_s: float
    pauses: tuple[ObservedPause, ...]
    observed: Sequence[Observed]
    speaker: str = ""
    asked: str = ""
    """The other person's last words before it."""


@dataclass(slots=True)
class SimulatedOutcome:
    v2v_s: float = MISSED_S
    cut_at_s: list[float] = field(default_factory=list)
    requests: int = 0
    sounds_s: list[tuple[float, float]] = field(default_factory=list)
    """When the bot began and ceased to be heard, before the turn's end."""


Verdict: TypeAlias = Callable[[str, float], bool]
"""Does a language model that is asked about these words, so many seconds into the turn's sound, say
that the person has not finished?"""


def never(text: str, now: float) -> bool:
    """`Verdict` of a model that answers whatever was said."""
    return False


def play(turn: SimulatedTurn, policy: TurnPolicy, incomplete: Verdict = never) -> SimulatedOutcome:
    """Run one recording through the machine; `incomplete` counts where the policy asks for it."""
    completes, expected = load_completeness().probability, expected_after(turn.asked)
    return _Run(turn, TurnMachine(policy, completes, lambda: expected), incomplete).outcome()


class _Run:
    def __init__(self, turn: SimulatedTurn, machine: TurnMachine, incomplete: Verdict) -> None:
        self._turn = turn
        self._machine = machine
        self._incomplete = incomplete
        self._order = itertools.count()
        self._events: list[tuple[float, int, TurnFact]] = []
        self._ready: dict[int, float] = {}
        self._gone: set[int] = set()
        self._heard_from_s: float | None = None
        self._words = self._forgotten = 0
        """In the latest final transcript, and of these those that are dealt with."""
        self._outcome = SimulatedOutcome()
        for observed in turn.observed:
            self._push(observed.at_s, observed.fact)

    def outcome(self) -> SimulatedOutcome:
        answered = False
        while self._events and not answered:
            now, _, fact = heapq.heappop(self._events)
            if isinstance(fact, PlayoutStarted | PlayoutEnded) and fact.reply_id in self._gone:
                continue
            if isinstance(fact, PlayoutStarted):
                answered = self._begin(now)
            elif isinstance(fact, PlayoutEnded):
                self._cease(now)
            elif isinstance(fact, Transcribed):
                fact = self._news(fact)
            for command in self._machine.handle(fact):
                self._obey(command, now)
        self._cease(self._turn.end_s + MISSED_S)
        return self._outcome

    def _begin(self, now: float) -> bool:
        """The bot is heard: True if it is the answer."""
        end_s = self._turn.end_s
        if now < end_s:
            self._outcome.cut_at_s.append(now)
            self._heard_from_s = now
            return False
        self._outcome.v2v_s = min(MISSED_S, now - end_s)
        return True

    def _cease(self, now: float) -> None:
        if self._heard_from_s is not None:
            self._outcome.sounds_s.append((self._heard_from_s, now))
            self._heard_from_s = None

    def _news(self, fact: Transcribed) -> Transcribed:
        """The ears were not told what to forget: it is taken off what they say."""
        words = fact.text.split()
        if fact.final:
            self._words = len(words)
        return replace(fact, text=" ".join(words[self._forgotten :]))

    def _obey(self, command: object, now: float) -> None:
        match command:
            case StartReply(reply_id, text=text, judges_turn=judges_turn):
                self._outcome.requests += 1
                if judges_turn and self._incomplete(text, now):
                    self._push(now + VERDICT_S, TurnIncomplete(reply_id))
                else:
                    self._ready[reply_id] = now + REPLY_S
            case CommitReply(reply_id) if reply_id in self._ready:
                audible = max(now, self._ready[reply_id])
                self._push(audible, PlayoutStarted(reply_id))
                self._push(audible + ANSWER_S, PlayoutEnded(reply_id))
            case WithdrawReply(reply_id) | StopReply(reply_id) | PauseReply(reply_id):
                self._gone.add(reply_id)
                self._cease(now + STOPS_AFTER_S)
            case ResumeReply(reply_id) if reply_id in self._ready:
                self._gone.discard(reply_id)
                self._push(max(now, self._ready[reply_id]), PlayoutStarted(reply_id))
            case ForgetSpeech():
                self._forgotten = self._words
            case _:
                pass

    def _push(self, at_s: float, fact: TurnFact) -> None:
        heapq.heappush(self._events, (at_s, next(self._order), fact))
