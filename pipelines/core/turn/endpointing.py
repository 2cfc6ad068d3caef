"""How long to wait from the last sample of speech before the turn is over.

Short when sure, longer when not, never three seconds for a plain sentence. The wait is a product:
seconds for how the words so far end, times how much the turn model doubts the voice, times how
often this person has gone on where a turn might have been over. Each piece of news (a better
transcript, another opinion) gives a new wait, counted from the same last sample.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipelines.core.turn.wording import words


class Ending(enum.Enum):
    """How the words so far end."""

    NOTHING = enum.auto()
    """No words at all."""
    HANGING = enum.auto()
    """The thought cannot end here."""
    COUNTING = enum.auto()
    """In the middle of a number, or of an address, being read out."""
    COMMA = enum.auto()
    """The ears heard that it goes on."""
    OPEN = enum.auto()
    """It could go on: there is no mark."""
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
    doesn't didn't can't won't isn't aren't um uh er erm hmm like please maybe let's other
    another some any every each no more""".split()
)
"""English words after which a thought goes on: function words and fillers."""

DICTATED = frozenset(
    """o oh zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
    ninety hundred thousand double triple niner dash dot point alpha bravo charlie delta echo
    foxtrot fox trot golf hotel india juliet juliett kilo lima mike november oscar papa quebec
    romeo sierra tango uniform victor whiskey xray yankee zulu""".split()
)
"""Words of which numbers, codes and spelled names are made, letters and figures aside."""

QUESTIONS = frozenset("what when where who whom whose why how which".split())


Completes = Callable[[str], float | None]
"""How probable it is that a thought ends after a text; None where nothing can be said."""

LONG_RUN = 4
"""Figures or letters in a row that may be a whole number, as a person reads one out."""


def nothing_known(text: str) -> None:
    """`Completes` where there is no model of words: the lists above are all there is."""


def ending(text: str) -> Ending:
    """By its last words and mark alone."""
    said = words(text)
    if not said:
        return Ending.NOTHING
    last, mark = said[-1], text.rstrip()[-1:]
    if dictated(said):
        return Ending.COUNTING
    if last in HANGING and not (mark == "?" and len(said) > 2):
        return Ending.HANGING
    if mark == "?" or (said[0] in QUESTIONS and len(said) > 2 and mark != ","):
        return Ending.QUESTION
    if mark in {".", "!"}:
        return Ending.CLOSED
    return Ending.COMMA if mark == "," else Ending.OPEN


def dictated(said: Sequence[str]) -> int:
    """How many of the last words are figures, letters or code words in a row."""
    run = 0
    for word in reversed(said):
        letter = len(word) == 1 and word not in ("a", "i")
        if not (letter or word in DICTATED or word[0].isdigit()):
            break
        run += len(word) if word.isdigit() else 1
    return run


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence about a pause."""

    text: str
    silence_s: float = 0.0
    score: float | None = None
    """The turn model's probability that the turn is over."""
    went_on: int = 0
    """How often in this turn the person has gone on where it might have been over."""
    stood_s: float = 0.0
    """Seconds of audio that have changed neither the words nor their mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingPolicy:
    """Seconds of silence by how the words end, and factors for what else is known.

    Chosen on the half of the suite that is for fitting, by search and then by hand;
    `python -m bench.fit` shows what they do on either half.
    """

    closed_s: float = 0.16
    """After a sentence, a question, or words without a mark, when the voice says so too."""
    comma_s: float = 0.75
    counting_s: float = 1.1
    """In a short run of figures or letters: few numbers that are read out are so short."""
    counted_s: float = 0.5
    """In a run of `LONG_RUN` and more. The turn model hears each figure of a number as an end or
    none as one: it is not asked."""
    hanging_s: float = 1.1
    incomplete: float = 0.01
    """A thought that is so seldom over after these words hangs as well."""
    doubtful: float = 2.4
    """Smart Turn says less than 0.5, ..."""
    denied: float = 4.5
    """... less than 0.1."""
    unscored: float = 1.9
    """It has not answered yet."""
    went_on: float = 1.2
    """For every time, up to three, that the person has gone on in this turn after such words."""
    shortest_s: float = 0.16
    """To the decision; the way adds 30 to 50 ms. A person's own pace is about 200 ms, and less
    reads as interrupting."""
    longest_s: float = 1.1
    lead_s: float = 0.165
    """A reply is begun so long before the wait is over, if all goes well from now on, ..."""
    short_lead_s: float = 0.09
    """... or so long, where the words are new: every third of such replies is thrown away."""
    soonest_s: float = 0.03
    """... but never before so much silence."""
    steady_s: float = 0.2
    """Words are no longer new when they have stood so long, ..."""
    sure: float = 0.85
    """... or when they are a sentence and Smart Turn says so much; ..."""
    settled_s: float = 0.3
    """... and a sentence that has stood so long has probably ended, whatever Smart Turn will say,
    ..."""
    whole: float = 0.05
    """... all this where a thought is over so often after such words."""


class Endpointing:
    """Pure: evidence in, seconds of silence out."""

    def __init__(self, policy: EndpointingPolicy, completes: Completes = nothing_known) -> None:
        self._policy = policy
        self._completes = completes

    def wait_s(self, evidence: Evidence) -> float:
        """Silence, counted from the last sample of speech, after which the turn is over."""
        policy = self._policy
        doubt = self._doubt(evidence.score) if self.may_be_over(evidence.text) else 1.0
        patience = doubt * policy.went_on ** min(evidence.went_on, 3)
        wait_s = patience * self._base_s(evidence.text)
        return min(max(wait_s, policy.shortest_s), policy.longest_s)

    def eager(self, evidence: Evidence) -> bool:
        """True if a reply should begin already, and be held."""
        policy = self._policy
        whole = self._likely(evidence.text) >= policy.whole
        sentence = whole and self._ending(evidence.text) in (Ending.CLOSED, Ending.QUESTION)
        if evidence.score is None and sentence and evidence.stood_s >= policy.settled_s - 1e-6:
            evidence = replace(evidence, score=1.0)  # the turn model will probably agree
        sure = sentence and evidence.score is not None and evidence.score >= policy.sure
        steady = whole and evidence.stood_s >= policy.steady_s - 1e-6
        lead_s = policy.lead_s if steady or sure else policy.short_lead_s
        begin_s = self.wait_s(evidence) - lead_s
        return evidence.silence_s >= max(begin_s, policy.soonest_s) - 1e-6

    def may_be_over(self, text: str) -> bool:
        """True if the words could be all of a turn: else the turn model need not be asked."""
        return self._ending(text) not in (Ending.NOTHING, Ending.HANGING, Ending.COUNTING)

    def _ending(self, text: str) -> Ending:
        found = ending(text)
        if found in (Ending.NOTHING, Ending.COUNTING):
            return found
        return Ending.HANGING if self._likely(text) < self._policy.incomplete else found

    def _likely(self, text: str) -> float:
        """The probability that a thought is over after these words. A question is one to the ears
        alone, unless its last word speaks against it.
        """
        asked = text.rstrip().endswith("?") and HANGING.isdisjoint(words(text)[-1:])
        known = None if asked else self._completes(text)
        return 1.0 if known is None else known

    def _base_s(self, text: str) -> float:
        policy = self._policy
        match self._ending(text):
            case Ending.NOTHING:
                return policy.longest_s
            case Ending.HANGING:
                return policy.hanging_s
            case Ending.COUNTING:
                long = dictated(words(text)) >= LONG_RUN
                return policy.counted_s if long else policy.counting_s
            case Ending.COMMA:
                return policy.comma_s
            case Ending.OPEN | Ending.CLOSED | Ending.QUESTION:
                return policy.closed_s

    def _doubt(self, score: float | None) -> float:
        policy = self._policy
        if score is None:
            return policy.unscored
        if score >= 0.5:
            return 1.0
        return policy.doubtful if score >= 0.1 else policy.denied
