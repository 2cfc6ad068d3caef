"""The kind of answer that was asked for: the bot's last words tell. English."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


class Expected(enum.Enum):
    NOTHING = enum.auto()
    """Nothing is known of the answer."""
    REQUEST = enum.auto()
    """ "How can I help you?": a greeting and a name are not the whole of it."""
    CONFIRMATION = enum.auto()
    """Yes or no."""
    NAME = enum.auto()
    SPELLING = enum.auto()
    NUMBER = enum.auto()
    """Figures one by one: of a telephone, a card, an account."""
    AMOUNT = enum.auto()
    """How many, how much, how old."""
    ADDRESS = enum.auto()
    DATE = enum.auto()
    TIME = enum.auto()
    EMAIL = enum.auto()
    CHOICE = enum.auto()
    """ "Which card would you like?": a few words."""
    FAREWELL = enum.auto()
    """Thanks, or a goodbye, to which a word or two are the answer."""


@dataclass(frozen=True, slots=True)
class Expectation:
    kind: Expected = Expected.NOTHING
    figures: int | None = None
    """So many make a whole `NUMBER`; None where that is not known."""


NOTHING = Expectation()

# ---- what was asked ----

_ASKED: Sequence[tuple[Expected, str]] = (
    (Expected.EMAIL, r"\be ?-?mail\b"),
    (Expected.SPELLING, r"\bspell"),
    (
        Expected.NUMBER,
        r"\b(?:phone|telephone|mobile|cell|callback|account|card|policy|order|member(?:ship)?"
        r"|reference|confirmation|tracking|booking|case|ticket|social security|routing|serial"
        r"|customer|contact|license|licence|plate|id)(?: \w+)? (?:number|digits)\b|\bzip\b"
        r"|\bpostal code\b|\bpost ?code\b|\bpin\b|\bdigits\b|\bpasscode\b"
        r"|\b(?:reach|call) you (?:at|on)\b|\b(?:your|the|what) number\b|\bcode\b",
    ),
    (Expected.ADDRESS, r"\b(?:address|where do you live|street)\b"),
    (
        Expected.DATE,
        r"\b(?:what|which) (?:day|date)\b|\bdate\b|\bbirthday\b|\bborn\b"
        r"|\bwhat (?:month|year)\b|\bwhen\b",
    ),
    (Expected.TIME, r"\b(?:what|which) time\b|\bwhat hour\b"),
    (Expected.AMOUNT, r"\bhow (?:many|much|old|long|far)\b|\bamount\b"),
    (Expected.NAME, r"\bname\b|\bwho am i (?:speaking|talking)\b|\bwho's calling\b"),
    (
        Expected.CONFIRMATION,
        r"^(?:(?:and|so|then|or|now|okay|ok|well|but|alright|all right)\W+)*"
        r"(?:shall|should|would|could|can|may|will|do|does|did|is|are|was|were|have|has|am"
        r"|isn't|aren't|don't|doesn't|didn't|won't) "
        r"(?:i|you|we|he|she|it|they|that|this|these|those|there|the|your|my|everything)\b"
        r"|\byes or no\b|, (?:right|correct|yes|okay|ok)\W*$|\bis that (?:right|correct|okay)\b"
        r"|\bis there anything else\b|\banything else\b",
    ),
)
_CHOICE = re.compile(
    r"\b(?:which|what|what's|whose|where)\b(?! about)"
    r"(?:.* (?:would|do|did|does|is|are|was|were|will|can)"
    r" (?:you|your|the|it|that|this|we|he|she|they)|'s| is| are| kind| type| sort)\b"
)
_FAREWELL = re.compile(
    r"\b(?:(?:good|great|nice|lovely|wonderful|blessed) (?:day|one|evening|night|weekend|rest of)"
    r"|bye|goodbye|thank you for calling|thanks for calling|take care)\b"
)
_HELP = re.compile(
    r"\bhow (?:can|may|could|might) (?:i|we) (?:\w+ )?(?:help|assist|serve|be of)"
    r"|\bwhat (?:can|could|may) (?:i|we) (?:do|help|get)\b|\bwhat brings you\b"
    r"|\bhow (?:can|may) (?:i|we) direct\b|\bwhat (?:is|'s|was) the reason\b"
    r"|\breason for your call\b"
    r"|\bwhat(?:'s| is) (?:going on|the (?:problem|issue|matter|trouble))\b"
    r"|\bwhat (?:seems to be|happened)\b|\bhow'?s it going\b|\btell me (?:more|what|about)\b"
    r"|\b(?:can|could|would) you (?:please )?(?:describe|explain|tell me (?:what|more|about))\b"
)
_OWN_NAME = re.compile(r"\b(?:my|our) name(?:'s| is)?\b|\bin (?:my|our) name\b|\bthe name of\b")
_CAN_YOU = re.compile(
    r"^(?:(?:and|so|okay|ok|alright|well)\W+)*"
    r"(?:can|could|may|would|will) (?:you|i|we) (?:please )?"
    r"(?:(?:just )?(?:give|tell|have|get|confirm|verify|provide|repeat|ask|take|know|spell|read))\b"
)
_WANTS = re.compile(
    r"\b(?:what|what's|which|when|where|who|how|may i|can i|could i|please|can you|could you"
    r"|tell me|give me|need your|enter|say|spell|would you|will you|i'll need|let me have)\b"
)
_FIGURES = re.compile(
    r"\b(?P<n>\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|sixteen)[ -]"
    r"(?:digits?|figures?|numbers?|characters?)\b"
)
_COUNTS = {
    word: n
    for n, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
} | {"sixteen": 16}
_LENGTHS: Sequence[tuple[str, int]] = (
    (r"\blast four\b", 4),
    (
        r"\b(?:phone|telephone|mobile|cell|callback|contact)\b"
        r"|\breach you\b|\bcall you (?:at|on)\b",
        10,
    ),
    (r"\bzip\b", 5),
    (r"\bsocial security\b", 9),
    (r"\bpin\b", 4),
)
_SENTENCE = re.compile(r"[^.?!]+[.?!]*")
LOOKED_AT = 2
"""Sentences of the bot, the last ones: what it said before those is not what it waits for."""
LOOKED_AT_LAST = 1000
"""Characters of them."""


def expected_after(said: str) -> Expectation:
    """The kind of answer that the bot's last words ask for."""
    return _expected_after(said[-LOOKED_AT_LAST:])


@lru_cache(maxsize=64)
def _expected_after(said: str) -> Expectation:
    """It is asked every 20 ms, of the same words."""
    sentences = [one.strip().lower() for one in _SENTENCE.findall(said.replace("’", "'"))]
    for sentence in reversed([one for one in sentences if one][-LOOKED_AT:]):
        found = _expected(sentence)
        if found.kind is not Expected.NOTHING:
            return found
    return NOTHING


def _expected(sentence: str) -> Expectation:
    if _HELP.search(sentence) and "anything else" not in sentence:
        return Expectation(Expected.REQUEST)
    asked = _OWN_NAME.sub("", sentence)
    is_plain = _CAN_YOU.search(asked) is None
    for kind, pattern in _ASKED:
        if kind is Expected.CONFIRMATION and not is_plain:
            continue
        if re.search(pattern, asked) and (kind is Expected.CONFIRMATION or _asks(asked)):
            figures = _figures(asked) if kind is Expected.NUMBER else None
            return Expectation(kind, figures)
    if _CHOICE.search(asked) and is_plain:
        return Expectation(Expected.CHOICE)
    return Expectation(Expected.FAREWELL) if _FAREWELL.search(sentence) else NOTHING


def _asks(sentence: str) -> bool:
    """True if it wants something, and does not tell: "your card number is four two"."""
    return sentence.endswith("?") or _WANTS.search(sentence) is not None


def _figures(sentence: str) -> int | None:
    told = _FIGURES.search(sentence)
    if told is not None:
        return int(told["n"]) if told["n"].isdigit() else _COUNTS[told["n"]]
    return next((n for pattern, n in _LENGTHS if re.search(pattern, sentence)), None)
