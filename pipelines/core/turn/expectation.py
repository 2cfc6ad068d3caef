"""The kind of answer that was asked for: the bot's last words tell. English."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


class Expected(enum.StrEnum):
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
    TELLING = enum.auto()
    """ "Could you repeat that?": "yes" is not the whole of it."""
    FAREWELL = enum.auto()
    """Thanks, or a goodbye, to which a word or two are the answer."""


@dataclass(frozen=True, slots=True)
class Expectation:
    kind: Expected = Expected.NOTHING
    size: int | None = None
    """So many make a whole: figures of a `NUMBER`, letters of a `SPELLING`, words of a `NAME`,
    parts (day, month, year) of a `DATE`, words of a `REQUEST`; None where that is not known."""


NOTHING = Expectation()
SHORT_ANSWERS = frozenset(
    {
        Expected.NAME,
        Expected.SPELLING,
        Expected.NUMBER,
        Expected.AMOUNT,
        Expected.DATE,
        Expected.TIME,
        Expected.CHOICE,
    }
)
"""Kinds that a word or two may be the whole of."""

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
        r"|\b(?:reach|call) you (?:at|on)\b|\bcode\b"
        r"|\b(?:your|the|what|their|his|her) number\b(?! of)",
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
)
_SO = r"^(?:(?:and|so|then|or|now|okay|ok|well|but|alright|all right|um|uh|great)\W+)*"
_THEY = (
    r" (?:i|you|we|he|she|it|they|that|this|these|those|there|the|your|my|everything|anything)\b"
)
_IS_IT = re.compile(
    _SO + r"(?:(?:shall|should|do|does|did|is|are|was|were|have|has|am|isn't|aren't|don't|doesn't"
    r"|didn't)" + _THEY + r"(?! (?:have|know|remember)\b)|would you like\b|will (?:that|this|it)\b)"
    r"|\byes or no\b|\w \w+, (?:right|correct|yes|okay|ok)\?$|\bis that (?:right|correct|okay)\b"
    r"|\banything else\b"
)
"""Yes or no, whatever it is about; "do you have your card number?" is not only that."""
_WILL_YOU = re.compile(_SO + r"(?:would|could|can|may|will|won't|do|have)" + _THEY)
"""Yes or no, where nothing else is asked for."""
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
    r"|^(?:can|may|could) (?:i|we) help\b"
    r"|\bhow (?:can|may) (?:i|we) direct\b|\bwhat (?:is|'s|was) the reason\b"
    r"|\breason for your call\b"
    r"|\bwhat(?:'s| is) (?:going on|the (?:problem|issue|matter|trouble))\b"
    r"|\bwhat (?:seems to be|happened)\b|\bhow'?s it going\b|\btell me (?:more|what|about)\b"
    r"|\b(?:can|could|would) you (?:please )?(?:describe|explain|tell me (?:what|more|about))\b"
)
_OWN_NAME = re.compile(r"\b(?:my|our) name(?:'s| is)?\b|\bin (?:my|our) name\b|\bthe name of\b")
_CAN_YOU = re.compile(
    _SO + r"(?:can|could|may|would|will) (?:you|i|we) (?:please )?"
    r"(?:(?:just )?(?:give|tell|have|get|confirm|verify|provide|repeat|ask|take|know|spell|read"
    r"|state|say|share|describe|explain)) (?!you\b)|\bplease (?:repeat|tell me|describe|explain)\b"
)
_FORMS = (
    (Expected.TELLING, _CAN_YOU),
    (Expected.CONFIRMATION, _WILL_YOU),
    (Expected.CHOICE, _CHOICE),
    (Expected.FAREWELL, _FAREWELL),
)
"""By its form alone, where it does not say what it is about."""
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
_FULL_NAME = re.compile(r"\bfull name\b|\bfirst and (?:your )?last\b|\blast and first\b")
_BIRTH = re.compile(r"\bbirth\b|\bborn\b|\bbirthday\b")
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
    if _IS_IT.search(sentence):
        return Expectation(Expected.CONFIRMATION)
    asked = _OWN_NAME.sub("", sentence)
    for kind, pattern in _ASKED:
        if re.search(pattern, asked) and _asks(asked):
            return Expectation(kind, _size(kind, asked))
    forms = (kind for kind, pattern in _FORMS if pattern.search(asked))
    return Expectation(next(forms, Expected.NOTHING))


def _asks(sentence: str) -> bool:
    """True if it wants something, and does not tell: "your card number is four two"."""
    return sentence.endswith("?") or _WANTS.search(sentence) is not None


def _size(kind: Expected, sentence: str) -> int | None:
    if kind is Expected.NAME:
        return 2 if _FULL_NAME.search(sentence) else None
    if kind is Expected.DATE:
        return 3 if _BIRTH.search(sentence) else None
    if kind is not Expected.NUMBER:
        return None
    told = _FIGURES.search(sentence)
    if told is not None:
        return int(told["n"]) if told["n"].isdigit() else _COUNTS[told["n"]]
    return next((n for pattern, n in _LENGTHS if re.search(pattern, sentence)), None)


# ---- announced ----

ANNOUNCED_WITHIN = 300
"""Characters: no answer is longer that matters."""
_ANNOUNCED: Sequence[tuple[Expectation, re.Pattern[str]]] = [
    (expectation, re.compile(rf"\b{pattern}(?: is|'s| was)\b[\s,:.]*", re.IGNORECASE))
    for expectation, pattern in (
        (Expectation(Expected.NUMBER, 10), r"(?:phone|telephone|mobile|cell) number"),
        (Expectation(Expected.NUMBER, 5), r"zip(?: code)?"),
        (Expectation(Expected.NUMBER), r"(?<!phone )(?<!cell )(?:number|code|pin)"),
        (Expectation(Expected.ADDRESS), r"(?<!mail )address"),
        (Expectation(Expected.EMAIL), r"\be ?-?mail(?: address)?"),
    )
]


def announced(said: str) -> tuple[Expectation, str]:
    """The answer that the person's own words lead up to ("my number is"), and what follows them;
    NOTHING, and all of it, where they lead up to none.
    """
    plain = said[-ANNOUNCED_WITHIN:].replace("’", "'")
    found = [
        (match.end(), expectation)
        for expectation, pattern in _ANNOUNCED
        for match in pattern.finditer(plain)
    ]
    if not found:
        return NOTHING, said
    end, expectation = max(found, key=lambda one: one[0])
    return expectation, plain[end:]
