"""How much of the expected answer has been given.

Silence after "seven one five" means one thing where a telephone number was asked for, and another
where it was how many people come. English.
"""

import enum
import re
from collections.abc import Sequence

from pipelines.core.turn.expectation import Expectation, Expected
from pipelines.core.turn.wording import words


class Given(enum.Enum):
    """How much of the expected answer has been given."""

    UNKNOWN = enum.auto()
    """Nothing was expected, or these words are about something else."""
    OPENING = enum.auto()
    """A greeting, a name, or a word that begins an answer: the answer itself is still to come."""
    PART = enum.auto()
    ENOUGH = enum.auto()
    """As many words as such an answer mostly has."""
    WHOLE = enum.auto()


REQUEST_WORDS = 8
"""A request, with the greeting before it, is seldom said in fewer."""

STRAY_WORDS = 2
"""Before an introduction: what the ears made of a breath or a door."""

_GREETINGS = frozenset(
    "hi hello hey hiya greetings morning afternoon evening good yo there".split()
)
_STARTERS = frozenset(
    """yes yeah yep sure okay ok alright right well so um uh er erm hmm oh ah
    please no and but actually""".split()
)
_INTRODUCES = re.compile(
    r"^(?:(?i:my (?:full |first )?name(?:'s| is| was)"
    r"|thank you for calling|thanks for calling|you've reached)(?: [\w'.-]+){0,5}"
    r"|(?i:this is|it's|i'm|i am|speaking)(?: (?:[A-Z][\w'.-]*|from|at|the|with|of))+)$"
)
"""A name, or an office, and nothing else. The ears write names with a capital."""
_PARTS = re.compile(r"[.?!,;:]+(?:\s|$)")
_YES_NO = frozenset(
    """yes yeah yep yup no nope nah correct sure absolutely definitely exactly okay ok right
    please certainly""".split()
)
_PARTING = _YES_NO | frozenset(
    """thanks thank you so much very too as well bye goodbye good great nice have a the rest of your
    day one night evening afternoon weekend see later take care that's all it cheers""".split()
)
"""Words of a goodbye."""
_UNITS = {
    word: str(n)
    for n, word in enumerate("zero one two three four five six seven eight nine".split())
} | {"oh": "0", "o": "0"}
_TEENS = frozenset(
    """ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen""".split()
)
_TENS = frozenset("twenty thirty forty fifty sixty seventy eighty ninety".split())
_DAYS = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday today tomorrow yesterday
    tonight""".split()
)
_MONTHS = frozenset(
    """january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec""".split()
)
_STREETS = frozenset(
    """street st avenue ave road rd lane ln drive dr boulevard blvd court ct place way square
    circle highway parkway terrace""".split()
)
_HOURS = frozenset("am pm a.m p.m o'clock noon midnight morning afternoon evening".split())


def given(text: str, expectation: Expectation) -> Given:
    """How much of the answer these words are."""
    said = words(text)
    kind = expectation.kind
    if not said:
        return Given.UNKNOWN
    if kind is not Expected.NAME and _is_opening(text, kind):
        return Given.OPENING
    if kind is Expected.REQUEST:
        return Given.ENOUGH if len(said) >= REQUEST_WORDS else Given.UNKNOWN
    if kind is Expected.NUMBER:
        return _number_given(said, expectation.figures)
    if kind in (Expected.ADDRESS, Expected.NOTHING):
        return _address_given(said)
    return Given.WHOLE if _is_whole(said, kind) else Given.UNKNOWN


def _is_whole(said: Sequence[str], kind: Expected) -> bool:
    match kind:
        case Expected.CONFIRMATION:
            return said[-1] in _YES_NO
        case Expected.FAREWELL:
            return _PARTING.issuperset(said)
        case Expected.DATE:
            return _is_date(said)
        case Expected.TIME:
            return said[-1] in _HOURS | _DAYS or _is_hour(said)
        case _:
            return False


def _is_opening(text: str, kind: Expected) -> bool:
    """Greetings, introductions, "yes": all that goes before what is to be said."""
    answers = kind not in (Expected.REQUEST, Expected.ADDRESS)
    greeted = False
    others = 0
    for part in _PARTS.split(text.replace("’", "'")):
        said = part.split()
        while said and said[0].lower() in _GREETINGS | _STARTERS:
            if answers and said[0].lower() in _YES_NO:
                return False
            greeted = greeted or said[0].lower() in _GREETINGS
            said = said[1:]
        is_name = greeted and all(word[0].isupper() for word in said)
        if said and not is_name and _INTRODUCES.match(" ".join(said)) is None:
            others += len(said)
        elif said and others <= STRAY_WORDS:
            others = 0
    return others == 0


def _number_given(said: Sequence[str], wanted: int | None) -> Given:
    count = figures_in(said)
    if not count:
        return Given.UNKNOWN
    if wanted is None:
        return Given.UNKNOWN
    if count < wanted:
        return Given.PART
    return Given.WHOLE


def figures_in(said: Sequence[str]) -> int:
    """How many figures have been read out: "twenty four" are two, "four hundred" three."""
    count = 0
    tens = False
    for word in said:
        if any(c.isdigit() for c in word):
            count += sum(c.isdigit() for c in word)
        elif word in _UNITS:
            count += 0 if tens and word not in ("oh", "o", "zero") else 1
        elif word in _TEENS or word in _TENS:
            count += 2
        elif word in ("hundred", "double"):
            count += 2 if word == "hundred" else 1
        elif word in ("thousand", "triple"):
            count += 3 if word == "thousand" else 2
        tens = word in _TENS
    return count


def _address_given(said: Sequence[str]) -> Given:
    street = next((n for n, word in reversed([*enumerate(said)]) if word in _STREETS), None)
    if street is None:
        return Given.UNKNOWN
    after = len(said) - street - 1
    return Given.PART if after < 2 else Given.UNKNOWN


def _is_date(said: Sequence[str]) -> bool:
    return (
        said[-1] in _DAYS
        or bool(_MONTHS.intersection(said[:-1]))
        and (said[-1][0].isdigit() or said[-1].endswith(("th", "st", "nd", "rd")))
    )


def _is_hour(said: Sequence[str]) -> bool:
    return said[-1][0].isdigit() and said[-1].endswith(("am", "pm"))
