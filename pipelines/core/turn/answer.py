"""How much of the expected answer has been given.

Silence after "seven one five" means one thing where a telephone number was asked for, and another
where it was how many people come. English.
"""

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from pipelines.core.turn.expectation import Expectation, Expected, announced
from pipelines.core.turn.wording import words


class Given(enum.Enum):
    """How much of the expected answer has been given."""

    UNKNOWN = enum.auto()
    """Nothing was expected, or these words are about something else."""
    OPENING = enum.auto()
    """A greeting, a name, or a word that begins an answer: the answer itself is still to come."""
    ACKNOWLEDGED = enum.auto()
    """ "Okay", to something that was no question: mostly there is more to come."""
    HOLDING = enum.auto()
    """ "One moment": the person asks for time."""
    PART = enum.auto()
    SOME = enum.auto()
    """A part, or all: nobody knows how much there is."""
    ENOUGH = enum.auto()
    """As many words as such an answer mostly has."""
    WHOLE = enum.auto()


REMEMBERED = 1024
"""Texts, of all calls: each is asked about again and again while a silence grows."""
REQUEST_WORDS = 8
"""A request, with the greeting before it, is seldom said in fewer."""

STRAY_WORDS = 2
"""Before an introduction: what the ears made of a breath or a door."""

SHORT_WORDS = 4
"""A plain yes has no more, nor has the name of a town."""

HOLD_WORDS = 12
"""No longer asking for a moment is looked at."""
NAME_WORDS = 6
"""An introduction, as the ears may mishear it, has no more."""

SHORT_NAME, LONG_NAME = 3, 6
"""Letters: few names have no more than the first, and most have no more than the second."""

NUMBER_WORDS = 5
"""A house's number stands so close before its street."""
TOWN_WORDS = 2
"""Fewer behind a street are a part of a town, or what the ears made of a breath."""
FEW_FIGURES = 7
"""Numbers that are asked for mostly have as many at least."""
ZIP_FIGURES = 5
YEAR_FIGURES = 4
"""A date that has a year has so many figures at least."""

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
_PLAIN = frozenset("yes yeah yep yup no nope nah correct exactly please right".split())
"""Yes and no: words that may be an answer wherever something was said."""
_ACKNOWLEDGES = _YES_NO | frozenset(
    """alright all uh um oh ah mhm hm hmm great perfect wonderful good nice fine cool got it gotcha
    well awesome of course understood i can could do will""".split()
)
"""Words of "okay", "got it", "sure, I can"."""
_HOLDS = re.compile(
    r"\b(?:(?:one|a|just a|just one) (?:moment|second|sec|minute)(?: please)?|hold on|hang on"
    r"|bear with me|(?:let me|lemme|let's) (?:just )?(?:see|check|look|think|find|get|grab)"
    r"(?: (?:that|it|here|up|now|my|the|a|card|wallet|number|paper|pen|phone|for|you))*"
    r"|give me (?:just )?(?:one|a) (?:moment|second|sec|minute)(?: here| please)?)$"
)
"""The person asks for time, and will go on."""
_REQUESTS = frozenset(
    """i i'd i'm i've we we'd my our me you your can could need want would like lost help please
    what when where how is are do does card account""".split()
)
"""Words without which hardly anybody asks for anything."""
_NO_NAMES = frozenset(
    """my full first last name is name's was it's it this i'm i am yes sure okay hi hello and um uh
    the so oh speaking here""".split()
)
_DOMAINS = frozenset("com org net edu gov io de uk co fr es it nl ch eu info".split())
_AMOUNTS = frozenset(
    """dollars dollar euros euro pounds cents cent percent people persons years months weeks days
    hours minutes miles times one two three four five six seven eight nine ten eleven
    twelve""".split()
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


@lru_cache(REMEMBERED)
def given(text: str, expectation: Expectation) -> Given:
    """How much of the answer these words are: of the one that was asked for, or of the one that
    they themselves lead up to ("my number is").
    """
    told = _told(*announced(text))
    if told is not Given.UNKNOWN:
        return told
    said = words(text)
    if not said:
        return Given.UNKNOWN
    if _holds(said):
        return Given.HOLDING
    kind = expectation.kind
    if _ACKNOWLEDGES.issuperset(said):
        return _acknowledged(said, kind)
    if kind not in (Expected.NAME, Expected.FAREWELL) and _is_opening(text, kind):
        return Given.OPENING
    return _numbered_street_given(said) if kind is Expected.NOTHING else _told(expectation, text)


def _acknowledged(said: Sequence[str], kind: Expected) -> Given:
    """Yes, okay, and nothing else: an answer where yes or no was asked for."""
    match kind:
        case Expected.CONFIRMATION:
            return Given.WHOLE if said[-1] in _YES_NO else Given.OPENING
        case Expected.FAREWELL:
            return Given.WHOLE if _PARTING.issuperset(said) else Given.UNKNOWN
        case Expected.NOTHING | Expected.CHOICE | Expected.TIME | Expected.AMOUNT | Expected.DATE:
            return Given.UNKNOWN if said[-1] in _PLAIN else Given.ACKNOWLEDGED
        case _:
            return Given.UNKNOWN if said[-1] == "no" else Given.OPENING


def _holds(said: Sequence[str]) -> bool:
    """The last words ask for time; "okay", said to oneself, may follow."""
    last = next((n for n, w in enumerate(reversed(said)) if w not in _ACKNOWLEDGES), len(said))
    asking = said[: len(said) - last][-HOLD_WORDS:]
    return _HOLDS.search(" ".join(asking)) is not None


def _told(expectation: Expectation, text: str) -> Given:
    """The words are the answer, and nothing goes before it."""
    said, kind = words(text), expectation.kind
    if not said or kind is Expected.NOTHING:
        return Given.UNKNOWN
    if measure := _MEASURES.get(kind):
        return measure(said, expectation.size)
    return Given.WHOLE if _is_whole(said, kind) else Given.UNKNOWN


def _request_given(said: Sequence[str], wanted: int | None) -> Given:
    return Given.ENOUGH if len(said) >= (wanted or REQUEST_WORDS) else Given.UNKNOWN


def _is_whole(said: Sequence[str], kind: Expected) -> bool:
    match kind:
        case Expected.CONFIRMATION:
            return said[-1] in _YES_NO and len(said) <= SHORT_WORDS
        case Expected.FAREWELL:
            return _PARTING.issuperset(said)
        case Expected.TIME:
            return said[-1] in _HOURS | _DAYS or _is_hour(said)
        case Expected.AMOUNT:
            return said[-1] in _AMOUNTS and bool(figures_in(said))
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
        is_misheard = greeted and kind is Expected.REQUEST and _asks_nothing(said)
        if said and not is_name and not is_misheard and _INTRODUCES.match(" ".join(said)) is None:
            others += len(said)
        elif said and others <= STRAY_WORDS:
            others = 0
    return others == 0


def _asks_nothing(said: Sequence[str]) -> bool:
    """A few words after a greeting of which none belongs to a request: a name, misheard."""
    return len(said) <= NAME_WORDS and _REQUESTS.isdisjoint(words(" ".join(said)))


def _number_given(said: Sequence[str], wanted: int | None) -> Given:
    count = figures_in(said)
    if not count or (count == 1 and said[-1] == "one" and len(said) > 2):
        return Given.UNKNOWN  # "I do not have one"
    if wanted is not None and count >= wanted:
        return Given.WHOLE
    if not figures_in(said[-1:]):  # it is about something else by now
        return Given.UNKNOWN
    if wanted is not None:
        return Given.PART
    return Given.SOME if count < FEW_FIGURES else Given.UNKNOWN


def _spelling_given(said: Sequence[str], wanted: int | None) -> Given:
    run = next((n for n, word in enumerate(reversed(said)) if len(word) > 1), len(said))
    if not run:
        return Given.UNKNOWN
    if wanted is not None and run >= wanted:
        return Given.WHOLE
    if wanted is not None or run <= SHORT_NAME:
        return Given.PART
    return Given.SOME if run <= LONG_NAME else Given.UNKNOWN


def _name_given(said: Sequence[str], wanted: int | None) -> Given:
    names = [word for word in said if word not in _NO_NAMES]
    is_part = wanted is not None and 0 < len(names) < wanted
    return Given.PART if is_part else Given.UNKNOWN


def _email_given(said: Sequence[str], wanted: int | None) -> Given:
    last = said[-1].rpartition(".")[2]
    if last in _DOMAINS:
        return Given.WHOLE
    return Given.PART if {"at", "dot"}.intersection(said) else Given.UNKNOWN


def _date_given(said: Sequence[str], wanted: int | None) -> Given:
    if wanted is None:
        return Given.WHOLE if _is_date(said) else Given.UNKNOWN
    if not _MONTHS.intersection(said):
        return Given.UNKNOWN
    return Given.WHOLE if figures_in(said) >= YEAR_FIGURES else Given.PART


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


def _address_given(said: Sequence[str], wanted: int | None = None) -> Given:
    """A street wants its town, and a town mostly its state."""
    place = _street(said)
    if place is None:
        return Given.UNKNOWN
    after = said[place + 1 :]
    if figures_in(after) >= ZIP_FIGURES:
        return Given.WHOLE
    if len(after) < TOWN_WORDS:
        return Given.PART
    return Given.SOME if len(after) <= SHORT_WORDS else Given.UNKNOWN


def _numbered_street_given(said: Sequence[str]) -> Given:
    """Nobody has asked for an address: it is one if the street has a number."""
    place = _street(said)
    if place is None or not figures_in(said[max(0, place - NUMBER_WORDS) : place]):
        return Given.UNKNOWN
    return Given.PART if len(said) - place <= TOWN_WORDS else Given.UNKNOWN


def _street(said: Sequence[str]) -> int | None:
    """The place of the last word for a street."""
    return next((n for n, word in reversed([*enumerate(said)]) if word in _STREETS), None)


def _is_date(said: Sequence[str]) -> bool:
    return (
        said[-1] in _DAYS
        or bool(_MONTHS.intersection(said[:-1]))
        and (said[-1][0].isdigit() or said[-1].endswith(("th", "st", "nd", "rd")))
    )


def _is_hour(said: Sequence[str]) -> bool:
    return said[-1][0].isdigit() and said[-1].endswith(("am", "pm"))


_MEASURES: Mapping[Expected, Callable[[Sequence[str], int | None], Given]] = {
    Expected.REQUEST: _request_given,
    Expected.NUMBER: _number_given,
    Expected.SPELLING: _spelling_given,
    Expected.ADDRESS: _address_given,
    Expected.EMAIL: _email_given,
    Expected.NAME: _name_given,
    Expected.DATE: _date_given,
}
"""The kinds that can be given in part."""
