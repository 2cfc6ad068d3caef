"""How long to wait from the last sample of speech before the turn is over.

As long as costs least. Waiting costs a person who has finished the time; answering costs one who
has not a cut-in, worth so many seconds as the patience says. The words, the voice and what was
asked give the log-odds that the turn is over; every reading of the words that the ears thought
possible counts as much as it is probable. Each piece of news (a better transcript, another
opinion) gives a new wait, counted from the same last sample.

Of people who go on, ever fewer are still silent: after t seconds e^(-t / pause_s). Then the wait of
least expected cost is pause_s * (log-odds of going on + log(patience_s / pause_s)).
"""

import enum
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from pipelines.core.turn.answer import Given, given
from pipelines.core.turn.expectation import NOTHING, SHORT_ANSWERS, Expectation, Expected
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
    run = dictated(said)
    if run > 1 or run == len(said):  # "a table for two" is no beginning of a number
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
    alternatives: tuple[tuple[str, float], ...] = ()
    """Other texts that it may have been, with their probabilities."""
    expected: Expectation = NOTHING
    incomplete: bool = False
    """The language model has answered these words with the mark that more is to come."""

    def readings(self) -> Iterator[tuple[str, float]]:
        """Every text that it may have been, with its probability."""
        yield self.text, 1.0 - math.fsum(share for _, share in self.alternatives)
        yield from self.alternatives


@dataclass(frozen=True, slots=True, kw_only=True)
class OverWeights:
    """Log-odds that the turn is over; `python -m bench.fit` fits them."""

    bias: float = 0.68
    hanging: float = -1.48
    """After a function word or a filler, or where a thought is hardly ever over."""
    counting: float = -1.77
    """In a run of fewer than `LONG_RUN` figures or letters, ..."""
    counted: float = -0.55
    """... or of more: where it is not known how many were asked for, most pauses are long."""
    comma: float = -1.17
    open: float = 0.15
    """No mark."""
    question: float = 1.98
    thought: float = 0.61
    """Times the log-odds, over 3, that a thought ends after these words."""
    went_on: float = -0.09
    """For every time, up to three, that the person has gone on in this turn."""
    told: float = -0.48
    """For every sentence, up to four, before the last one: a person who tells something goes on."""
    second: float = 0.9
    """If there is one, and not in a number or an answer that is still to come: many who say one
    sentence say another, and fewer a third."""
    short: float = -1.23
    """Up to three words, where no such answer was asked for."""
    opening: float = -4.09
    """A greeting and a name, where they are no answer."""
    acknowledged: float = -1.25
    """ "Okay" to something that was no question."""
    holding: float = -4.01
    """The person asks for a moment."""
    part: float = -4.41
    """A part of what was asked for."""
    some: float = -1.01
    """A part of it, or all."""
    enough: float = 1.4
    """As many words as such an answer mostly has."""
    whole: float = 2.05
    """All of what was asked for."""
    voice: float = 0.61
    """Times Smart Turn's log-odds, over 2. Not in a number: its parts sound like its end."""
    clear: float = 0.95
    """Times the share of the likeliest reading: half a word is read in many ways."""


TurnPatience: TypeAlias = Literal["quick", "normal", "patient"]
PATIENCES_S: Mapping[TurnPatience, float] = {"quick": 1.2, "normal": 5.0, "patient": 12.0}
"""The price of a cut-in, in seconds' delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingPolicy:
    weights: OverWeights = field(default_factory=OverWeights)
    patience_s: float = PATIENCES_S["normal"]
    """So many seconds' delay are as bad as a cut-in."""
    pause_s: float = 0.4
    """The silence, beyond 0.2 s, of those who go on: 0.42 s at the mean in natural speech,
    whatever the words."""
    shortest_s: float = 0.16
    """To the decision; the way adds 30 to 50 ms. A person's own pace is about 200 ms, and less
    reads as interrupting."""
    longest_s: float = 3.0
    incomplete: float = -3.5
    """Log-odds that the turn is over, where the language model says that it is not: as of a model
    that says so thirty times as often where it is right. No part of the fit: models differ."""
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

    @property
    def held_s(self) -> float:
        """Nobody is waited for longer than that, in seconds, because of the language model."""
        return min(self.patience_s, self.longest_s)


class Endpointing:
    """Pure: evidence in, seconds of silence out."""

    def __init__(self, policy: EndpointingPolicy, completes: Completes = nothing_known) -> None:
        self._policy = policy
        self._completes = completes

    def wait_s(self, evidence: Evidence) -> float:
        """Silence, counted from the last sample of speech, after which the turn is over."""
        policy = self._policy
        if evidence.incomplete:
            without_s = self.wait_s(replace(evidence, incomplete=False))
            return max(without_s, min(self._least_cost_s(evidence), policy.held_s))
        return min(max(self._least_cost_s(evidence), policy.shortest_s), policy.longest_s)

    def _least_cost_s(self, evidence: Evidence) -> float:
        policy = self._policy
        over = self.over(evidence)
        goes_on = math.log((1.0 - over) / over)
        return policy.pause_s * (goes_on + math.log(policy.patience_s / policy.pause_s))

    def over(self, evidence: Evidence) -> float:
        """The probability that the turn is over: the sum over what may have been said."""
        total = math.fsum(
            share / (1.0 + math.exp(-self._log_odds(text, evidence)))
            for text, share in evidence.readings()
        )
        return min(max(total, LEAST), 1.0 - LEAST)

    def _log_odds(self, text: str, evidence: Evidence) -> float:
        weights = self._policy.weights
        found = features(text, evidence, self._completes)
        known = math.fsum(getattr(weights, name) * value for name, value in found.items())
        return known + (self._policy.incomplete if evidence.incomplete else 0.0)

    def eager(self, evidence: Evidence) -> bool:
        """True if a reply should begin already, and be held."""
        policy = self._policy
        thought = _thought(evidence.text, self._completes)
        whole = thought is None or thought >= policy.whole
        sentence = whole and ending(evidence.text) in (Ending.CLOSED, Ending.QUESTION)
        if evidence.score is None and sentence and evidence.stood_s >= policy.settled_s - 1e-6:
            evidence = replace(evidence, score=1.0)  # the turn model will probably agree
        sure = sentence and evidence.score is not None and evidence.score >= policy.sure
        steady = whole and evidence.stood_s >= policy.steady_s - 1e-6
        lead_s = policy.lead_s if steady or sure else policy.short_lead_s
        begin_s = self.wait_s(evidence) - lead_s
        return evidence.silence_s >= max(begin_s, policy.soonest_s) - 1e-6

    def is_part(self, evidence: Evidence) -> bool:
        """True if an answer was asked for, and its words are plainly not all of it."""
        if given(evidence.text, evidence.expected) is Given.PART:
            return True
        is_asked = evidence.expected.kind is not Expected.NOTHING
        return is_asked and ending(evidence.text) is Ending.HANGING

    def may_be_over(self, evidence: Evidence) -> bool:
        """True if the words could be all of a turn: else the turn model need not be asked."""
        nothing = (Ending.NOTHING, Ending.HANGING)
        return any(ending(text) not in nothing for text, _ in evidence.readings())


UNSCORED = 0.1
"""Stands for Smart Turn's opinion until it is there: not every gap between words begins a reply."""
INCOMPLETE = 0.01
"""A thought that is so seldom over after these words hangs as well."""
LEAST = 1e-4
"""Nothing is more certain than this."""


SHORT, MOST_SENTENCES = 3, 4
_SENTENCES = re.compile(r"\w\w[.?!…]+\s")
"""Ends of sentences that others follow; "a.m." is none."""


def log_odds(probability: float, least: float) -> float:
    """A probability's log-odds, held `least` away from 0 and 1."""
    held = min(max(probability, least), 1.0 - least)
    return math.log(held / (1.0 - held))


def features(text: str, evidence: Evidence, completes: Completes) -> dict[str, float]:
    """The evidence if `text` was said, by the names of `OverWeights`; what is absent is 0."""
    found = {"bias": 1.0, "went_on": float(min(evidence.went_on, 3))}
    found["clear"] = next(share for _, share in evidence.readings())
    score = UNSCORED if evidence.score is None else evidence.score
    found["voice"] = log_odds(score, 0.005) / 2
    answer = given(text, evidence.expected)
    if answer in _ANSWERED:
        found[_ANSWERED[answer]] = 1.0
    if answer is Given.WHOLE:  # however it ends: "no", "please", a figure
        return found
    before = len(_SENTENCES.findall(text))
    found["told"] = float(min(before, MOST_SENTENCES))
    found["second"] = float(before > 0 and answer not in _UNANSWERED)
    thought = _thought(text, completes)
    if thought is not None:
        found["thought"] = log_odds(thought, 0.002) / 3
    kind = ending(text)
    is_short = len(words(text)) <= SHORT and evidence.expected.kind not in SHORT_ANSWERS
    if is_short and not text.rstrip().endswith("?"):
        found["short"] = 1.0
    if kind is Ending.COUNTING:
        found["voice"] = found["second"] = 0.0
        found["counting" if dictated(words(text)) < LONG_RUN else "counted"] = 1.0
    elif kind is Ending.HANGING or (thought is not None and thought < INCOMPLETE):
        found["hanging"] = 1.0
    elif kind in _WEIGHED:
        found[_WEIGHED[kind]] = 1.0
    return found


def _thought(text: str, completes: Completes) -> float | None:
    """The probability that a thought is over after these words. A question is one to the ears
    alone, unless its last word speaks against it.
    """
    asked = text.rstrip().endswith("?") and HANGING.isdisjoint(words(text)[-1:])
    return None if asked else completes(text)


_WEIGHED = {
    Ending.COMMA: "comma",
    Ending.OPEN: "open",
    Ending.QUESTION: "question",
}
_UNANSWERED = (Given.OPENING, Given.HOLDING, Given.PART, Given.SOME)
"""The answer, or more of it, is still to come, in however many sentences."""
_ANSWERED = {
    Given.OPENING: "opening",
    Given.ACKNOWLEDGED: "acknowledged",
    Given.HOLDING: "holding",
    Given.PART: "part",
    Given.SOME: "some",
    Given.ENOUGH: "enough",
    Given.WHOLE: "whole",
}
