"""How long to wait from the last sample of speech before the turn is over.

Short when sure, longer when not, never three seconds for a plain sentence. What makes it sure:
whether the words so far end a thought, what the turn model hears in the voice, and how this
person has paused in this call.
"""

import enum
from dataclasses import dataclass

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
    score: float | None = None
    """The turn model's probability that the turn is over."""
    spoken_s: float = 0.0
    pauses_s: tuple[float, ...] = ()
    """The pauses that this person has gone on after, in this call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingPolicy:
    sure_s: float = 0.20
    likely_s: float = 0.35
    unsure_s: float = 0.65
    hanging_s: float = 1.15
    counting_s: float = 0.9
    longest_s: float = 1.6


class Endpointing:
    """Pure: evidence in, seconds of silence out."""

    def __init__(self, policy: EndpointingPolicy) -> None:
        self._policy = policy

    def wait_s(self, evidence: Evidence) -> float:
        """Counted from the last sample of speech."""
        policy, score = self._policy, evidence.score
        sure, likely = policy.sure_s, policy.likely_s
        if score is None:
            sure, likely = likely, policy.unsure_s
        waits = {
            Ending.NOTHING: policy.longest_s,
            Ending.HANGING: policy.hanging_s,
            Ending.COUNTING: policy.unsure_s if (score or 0.0) >= 0.9 else policy.counting_s,
            Ending.OPEN: likely if score is None or score >= 0.7 else policy.unsure_s,
            Ending.CLOSED: sure if score is None or score >= 0.5 else policy.unsure_s,
            Ending.QUESTION: sure if score is None or score >= 0.5 else policy.unsure_s,
        }
        return waits[ending(evidence.text)]

    def asks(self, text: str) -> bool:
        """Whether the turn model's opinion could change the wait."""
        return ending(text) not in (Ending.NOTHING, Ending.HANGING)

    def eager(self, evidence: Evidence) -> bool:
        """Whether the pause is worth a speculative reply at once."""
        return ending(evidence.text) in (Ending.CLOSED, Ending.QUESTION, Ending.OPEN)
