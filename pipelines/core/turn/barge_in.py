"""The person makes a sound while the bot speaks: is it an interruption?

The words alone do not tell. "Yes" in a story is a listener's; at the end of a question it answers.
"""

import enum
import re
from collections.abc import Iterable

from pipelines.core.turn.wording import words


class Judgement(enum.Enum):
    WAIT = enum.auto()
    """Not enough has been heard to tell."""
    GO_ON = enum.auto()
    """A cough, or a listener's "mhm": the bot goes on."""
    STOP = enum.auto()
    """The person wants the floor."""


class BargeInMoment(enum.Enum):
    """The place of the bot's speech at which the person began."""

    MIDDLE = enum.auto()
    """A story, an explanation, a question of which the point is not known yet."""
    QUESTION_ENDS = enum.auto()
    """A question has just been asked, or is all but asked."""
    REPLY_ENDS = enum.auto()
    """The bot has next to nothing left to say, and has asked nothing."""


# ---- the moment ----

ENDS_S = 1.0
"""People answer a question up to this long before its end, the silence that a voice leaves after it
included."""
ASKED_S = 1.0
"""An answer may come this long after a question's end, if the bot goes on after it."""

_QUESTION_MARKS = re.compile(r"[?？؟⁇‽\u037E]|(?<=[\u0370-\u03FF\u1F00-\u1FFF]);")
"""Behind a Greek word a semicolon is one."""
_CLOSING = re.compile(r"[\W_]+$")
"""Marks, quotes, brackets, emoji: all that a sentence ends with after its last word."""
_ASKS = re.compile(
    r"^(?:(?:and|so|then|or|now|okay|well|but)\W+)?"
    r"(?:shall|should|would|could|can|may|will|do|does|did|is|are|was|were|have|has)\s"
    r"(?:i|you|we|he|she|it|they|that|this|these|those|there|the|your|my)\b"
    r"|\byes or no\b|\bsay yes\b|\bplease confirm\b|\blet me know\b"
    r"|\btell me (?:if|whether|when|where|which|what|who|how)\b"
    r"|, (?:right|okay|ok|correct|yes|alright|agreed)\W*$"
)


def moment_of(sentences: Iterable[tuple[str, float]], left_s: float | None) -> BargeInMoment:
    """`sentences`: those of the bot around the place that was heard when the person began, and in
    how many seconds each ends, less than 0 where it had ended. `left_s`: in how many seconds the
    reply does; None where more is to come.
    """
    about_then = (text for text, ends_s in sentences if -ASKED_S <= ends_s <= ENDS_S)
    if any(asks(text) for text in about_then):
        return BargeInMoment.QUESTION_ENDS
    return BargeInMoment.MIDDLE if left_s is None or left_s > ENDS_S else BargeInMoment.REPLY_ENDS


def asks(sentence: str) -> bool:
    """True if a sentence wants an answer; English where it has no question mark."""
    said = _CLOSING.sub("", sentence)
    if _QUESTION_MARKS.search(sentence, len(said)) is not None:
        return True
    return _ASKS.search(said.lower()) is not None


# ---- the words ----


def _phrases(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(phrase.split()) for phrase in text.split("\n") if phrase.strip())


_PRAISE = """good great nice cool lovely wonderful perfect amazing awesome fantastic brilliant
    excellent interesting funny fine super sweet beautiful right true crazy incredible""".split()

BACK_CHANNELS = (
    frozenset(
        (word,)
        for word in """mhm mm mmm hm hmm uh-huh uh huh mm-hmm yeah yes yep yup ya ok okay right sure
        aha ah oh ooh exactly indeed wow really true alright absolutely definitely totally
        certainly understood precisely gotcha gosh ha haha""".split()
    )
    | frozenset((word,) for word in _PRAISE)
    | frozenset(
        (*lead.split(), word)
        for lead in (
            "how",
            "very",
            "so",
            "that's",
            "that's so",
            "that is",
            "it's",
            "that sounds",
            "sounds",
        )
        for word in _PRAISE
    )
    | _phrases(
        """i see
        of course
        got it
        go on
        please go on
        carry on
        keep going
        please continue
        tell me more
        i know
        i understand
        i get it
        makes sense
        that makes sense
        for sure
        fair enough
        good to know
        no way
        oh no
        my god
        my goodness
        oh dear
        love it
        i love it
        i like it
        i like that
        good idea
        all right
        sure thing
        you bet
        not bad
        uh oh
        ha ha
        no problem
        no worries
        bless you"""
    )
)
"""Words that a listener says without wanting the floor."""

COURTESIES = _phrases(
    """thank you
    thank you so much
    thank you very much
    thanks
    thanks a lot
    thanks so much
    thanks very much
    many thanks
    cheers
    please
    you're welcome
    much appreciated
    appreciate it
    i appreciate it"""
)
"""Said in passing while the bot goes on; at the end of what it says they are a turn."""

_LISTENING = BACK_CHANNELS | COURTESIES
_BEGINNINGS = frozenset(phrase[:n] for phrase in _LISTENING for n in range(1, len(phrase)))
_LONGEST_PHRASE = max(map(len, _LISTENING))

HESITATIONS = frozenset({"hm", "hmm", "mm", "mmm", "oh", "ooh", "ah", "aha", "uh"})
"""No answer, if nothing follows."""

HUMMED = frozenset({("mm", "hm"), ("mm", "hmm"), ("uh", "huh"), ("uh", "uh")})
"""Yes and no, hummed: answers, though each half alone is none."""

STOPS = frozenset({"stop", "wait", "hold", "pause", "quiet", "silence", "enough", "shush", "hang"})
"""Words that end an answer at once, wherever they stand."""

LONGEST_BACK_CHANNEL = 7
"""Words: a listener says no more at a time."""


def judge(
    text: str, *, final: bool, passed: bool = True, moment: BargeInMoment = BargeInMoment.MIDDLE
) -> Judgement:
    """`final`: the person is silent again, and this is all that was said. `passed`: that silence is
    no gap between two words.
    """
    said = words(text)
    if not said:
        return Judgement.GO_ON if final else Judgement.WAIT
    if len(said) <= LONGEST_BACK_CHANNEL and _listens(said, final=final and passed):
        if not final or not _listens(said, final=True):
            return Judgement.WAIT
        return Judgement.STOP if _answers(said, moment) else Judgement.GO_ON
    if any(word in STOPS for word in said) or len(said) >= 2 or final:
        return Judgement.STOP
    return Judgement.WAIT


def _answers(said: tuple[str, ...], moment: BargeInMoment) -> bool:
    """True if a listener's words are more than that at this moment."""
    match moment:
        case BargeInMoment.QUESTION_ENDS:
            return said in HUMMED or any(word not in HESITATIONS for word in said)
        case BargeInMoment.REPLY_ENDS:
            return any(_stands_in(phrase, said) for phrase in COURTESIES)
        case BargeInMoment.MIDDLE:
            return False


def _stands_in(phrase: tuple[str, ...], said: tuple[str, ...]) -> bool:
    return any(said[at : at + len(phrase)] == phrase for at in range(len(said)))


def _listens(said: tuple[str, ...], *, final: bool) -> bool:
    """True if it is a row of a listener's phrases, the last of which may still be on its way."""
    if not said or (not final and said in _BEGINNINGS):
        return True
    return any(
        said[:length] in _LISTENING and _listens(said[length:], final=final)
        for length in range(1, _LONGEST_PHRASE + 1)
        if length <= len(said)
    )
