"""How sure are we that the turn is over, and how long to wait until we are sure enough?

One number: the probability that nothing more comes, given how the words so far end, what the turn
model hears in the voice, whether the transcript has settled, and how long the silence has lasted
already. It is a logistic function of these, fitted on labelled speech (`bench/fit`, which also
draws the trade-off), and it grows with the silence: so each threshold is reached at a known
time, and "is it over?" becomes "how long to wait from now". A reply is begun at a low threshold,
and heard at a high one.
"""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.core.wording import words


class Ending(enum.Enum):
    """How the words so far end."""

    NOTHING = enum.auto()
    """No words at all."""
    HANGING = enum.auto()
    """The thought cannot end here."""
    COUNTING = enum.auto()
    """In the middle of a number, or of an address, being read out."""
    OPEN = enum.auto()
    """It could go on."""
    CLOSED = enum.auto()
    """A sentence is complete."""
    QUESTION = enum.auto()


HANGING = frozenset(
    """a an the this that these those my your his her its our their and or but nor so because if
    when while although though unless until since as than whether of to in on at by for from
    with without about into onto over under between through during before after against is are
    was were am be been being do does did have has had will would shall should can could may
    might must i'm i'll i'd i've we'll we're we've you're you'll he's she's it's they're that's
    there's who's what's i we he she they who which whose very really just also not don't
    doesn't didn't can't won't isn't aren't um uh er erm hmm like please maybe let's some any
    every each no more""".split()
)
"""English words after which a thought goes on: function words and fillers."""

DIGITS = frozenset(
    """zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
    ninety hundred thousand double triple dash dot""".split()
)

QUESTIONS = frozenset(
    """what when where who whom whose why how which is are was were am do does did have has had
    will would shall should can could may might""".split()
)


def ending(text: str) -> Ending:
    said = words(text)
    if not said:
        return Ending.NOTHING
    last, mark = said[-1], text.rstrip()[-1:]
    if last in DIGITS or last.isdigit():
        return Ending.COUNTING
    if last in HANGING and not (mark == "?" and len(said) > 2):
        return Ending.HANGING
    if mark == "?" or (said[0] in QUESTIONS and len(said) > 2 and mark != ","):
        return Ending.QUESTION
    if mark in {".", "!"}:
        return Ending.CLOSED
    return Ending.OPEN


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a pause."""

    text: str
    silence_s: float = 0.0
    score: float | None = None
    """The turn model's probability that the turn is over."""
    voice: float = 0.0
    """The VAD's newest probability of speech: it falls some 60 to 100 ms after the last sample."""
    settled: bool = False
    """The newest transcript has the words of the one before it."""
    pauses_s: tuple[float, ...] = ()
    """The pauses that this person has gone on after, in this call."""


WEIGHTS: Mapping[str, float] = {
    "bias": 3.0,
    "log_silence": 2.0,
    "nothing": -8.0,
    "hanging": -4.0,
    "counting": -2.0,
    "open": -1.0,
    "question": 0.3,
    "scored": 0.0,
    "score_logit": 0.5,
    "voice": -1.0,
    "settled": 0.5,
    "few_words": -0.5,
    "long_pauses": -0.5,
}
"""From `python -m bench.fit`, on the half of the suite that is for fitting."""


def features(evidence: Evidence) -> dict[str, float]:
    """All but the silence, each by the name of its weight."""
    end = ending(evidence.text)
    score = evidence.score
    clipped = 0.5 if score is None else min(max(score, 0.02), 0.98)
    return {
        "bias": 1.0,
        "nothing": float(end is Ending.NOTHING),
        "hanging": float(end is Ending.HANGING),
        "counting": float(end is Ending.COUNTING),
        "open": float(end is Ending.OPEN),
        "question": float(end is Ending.QUESTION),
        "scored": float(score is not None),
        "score_logit": math.log(clipped / (1 - clipped)),
        "voice": evidence.voice,
        "settled": float(evidence.settled),
        "few_words": float(len(words(evidence.text)) <= 2),
        "long_pauses": float(max(evidence.pauses_s, default=0.0) > 0.4),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingPolicy:
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    begin: float = 0.5
    """Certainty at which a reply is begun, and held."""
    commit: float = 0.85
    """Certainty at which the turn is over."""
    shortest_s: float = 0.18
    """Under 200 ms reads as interrupting; a person's own pace is about that."""
    longest_s: float = 1.6


class Endpointing:
    """Pure: evidence in, seconds of silence out."""

    def __init__(self, policy: EndpointingPolicy) -> None:
        self._policy = policy

    def certainty(self, evidence: Evidence) -> float:
        """Probability that the turn is over, from 0 to 1."""
        slope = self._policy.weights["log_silence"]
        logit = self._logit(evidence) + slope * math.log(max(evidence.silence_s, 0.01))
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))

    def wait_s(self, evidence: Evidence) -> float:
        """Silence, counted from the last sample of speech, after which the turn is over."""
        policy = self._policy
        return min(max(self._reaches(policy.commit, evidence), policy.shortest_s), policy.longest_s)

    def eager(self, evidence: Evidence) -> bool:
        """Whether to begin a reply already, and hold it."""
        return self.certainty(evidence) >= self._policy.begin

    def asks(self, text: str) -> bool:
        """Whether the turn model's opinion could change the wait."""
        return ending(text) not in (Ending.NOTHING, Ending.HANGING)

    def _logit(self, evidence: Evidence) -> float:
        weights = self._policy.weights
        return sum(weights[name] * value for name, value in features(evidence).items())

    def _reaches(self, certainty: float, evidence: Evidence) -> float:
        """The silence at which the certainty is reached, all else unchanged."""
        wanted = math.log(certainty / (1 - certainty)) - self._logit(evidence)
        return math.exp(max(-9.0, min(3.0, wanted / self._policy.weights["log_silence"])))
