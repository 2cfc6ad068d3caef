"""Written English as it is said aloud: the finders, in their order of priority.

A reader says "twelve dollars and fifty cents" for "$12.50" and "example dot com" for an address.
A voice is given those words, while captions and the history keep what was written. Plain text:
`core.markdown` has been there before.
"""

import re

from pipelines.core.speaking.speakable import addresses, codes, dates, measures, money, telephones
from pipelines.core.speaking.speakable.figures import (
    LONGEST_COUNT,
    NUMBER,
    amount,
    count,
    digits,
    groups,
    ordinal,
    year,
)
from pipelines.core.speaking.speakable.finding import (
    BEGIN,
    OTHER,
    QUANTITY,
    Aloud,
    Finder,
    after,
    before,
    finder,
)
from pipelines.core.speaking.speakable.finding import aloud as read_by
from pipelines.core.speaking.speakable.words import (
    ABBREVIATIONS,
    COMPARED,
    GREEK,
    IN_A_SENTENCE,
    NUMBERED,
    PARTS,
    RULERS,
    SIGNS,
    TITLES,
    any_of,
)


def aloud(text: str) -> list[Aloud]:
    """In order; what is written, joined by spaces, is `text` with single spaces."""
    return read_by(text, _FINDERS if _TELLING.search(text) else ())


def _calendar_year(found: re.Match[str]) -> str | None:
    """1905 is a year, unless things are counted by it."""
    rest = after(found, 30)
    if re.match(rf"\s?(?:{SIGNS_OF_SUMS})", rest) or re.match(_COUNTED_BY, rest):
        return None
    if re.search(
        rf"(?i)(?:{SIGNS_OF_SUMS})\s?$|\b(?:about|than|over|nearly|exactly|equals|up to)\s$",
        before(found, 14),
    ):
        return None
    return year(int(found[0]))


SIGNS_OF_SUMS = r"[=+*×÷]|[-−]\s"
_COUNTED_BY = (
    r"(?i)\s(?:people|dollars|euros|pounds|points|units|items|users|times|miles|meters|feet|copies|calories|steps|"
    r"square|cubic|hours|words|votes|tons|pieces|employees|seats|rooms|boxes)\b"
)


def _before_christ(found: re.Match[str]) -> str:
    return f"{year(int(found['year']))} {' '.join(found['era'].replace('.', ''))}"


def _number(found: re.Match[str]) -> str:
    written = found[0]
    if re.search(r"(?:,\d+){2,}", written) and not re.fullmatch(
        r"[-−+]?\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?", written
    ):
        return ", ".join(map(count, written.split(",")))
    if written.isdecimal() and len(amount(written).whole) > LONGEST_COUNT:
        return groups(written)
    return count(written)


def _scaled(found: re.Match[str]) -> str | None:
    return f"{count(found['figures'])} {_SCALES[found['scale']]}"


_SCALES = {"k": "thousand", "M": "million", "mn": "million", "bn": "billion"}


def _operator(found: re.Match[str]) -> str:
    return f" {SIGNS[found[0].strip()]} "


def _fold(found: re.Match[str]) -> str | None:
    """ "3x growth", "2x/day"; in "y = 2x + 1" it is a letter."""
    if re.match(r"\s?[-+=*^]", after(found)) or re.search(r"[-+=*]\s?$", before(found, 3)):
        return None
    return f"{count(found['fold'])} times"


def _numbered(found: re.Match[str]) -> str | None:
    if found["short"] == "no" and re.search(
        r"(?i)(?:\b(?:said|says?|told|answered|replied)|[,.!?])\s$", before(found, 12)
    ):
        return None
    return NUMBERED[found["short"]] + " "


def _hash(found: re.Match[str]) -> str:
    item = found["item"]
    return f"number {codes.chunked(item) if len(item) > 3 or not item.isdecimal() else count(item)}"


def _abbreviation(found: re.Match[str]) -> str:
    """The stop is kept where it ends the sentence too."""
    rest = after(found)
    ends = not rest.strip() or (found["short"] == "etc" and re.match(r"\s+[A-Z]", rest))
    return ABBREVIATIONS[found["short"]] + ("." if ends else "")


def _title(found: re.Match[str]) -> str | None:
    """ "Dr." before a name, or where nothing else can be meant."""
    if (
        re.match(r"\s[A-Z]", after(found))
        and not re.search(r"[a-z]\s$", before(found, 2))
        or found["short"] == "Dr"
    ):
        return TITLES[found["short"]]
    if re.search(
        r"(?i)\b(?:the|by|with|and|of|from|to|for|in|on|at|under|said|told|saw|met)\s$",
        before(found, 8),
    ):
        name = re.match(r"\s([A-Z][a-z]+)", after(found))
        return TITLES[found["short"]] if name and name[1] not in _SENTENCE_WORDS else None
    return None


_SENTENCE_WORDS = frozenset(
    "He She It They We You I The A An This That Then But And So His Her What There".split()
)


def _roman(found: re.Match[str]) -> str | None:
    name, figures = found["name"], found["roman"]
    number = _roman_value(figures)
    if number is None or (figures == "I" and name not in PARTS):
        return None
    if name in RULERS:
        return f"{name} the {ordinal(number)}"
    return f"{name} {count(str(number))}" if name in PARTS else None


def _roman_value(figures: str) -> int | None:
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    numbers = [values[figure] for figure in figures]
    total = sum(-a if a < b else a for a, b in zip(numbers, [*numbers[1:], 0], strict=True))
    return total if 0 < total < 50 else None


def _compared(found: re.Match[str]) -> str:
    return f" {COMPARED[found[0].strip()]} "


def _either(found: re.Match[str]) -> str:
    return " per " if found["each"] else " or "


_BEFORE_FIGURES = {
    "Apt": "apartment", "Hwy": "highway", "Ste": "suite", "Rte": "route", "Rm": "room",
    "Bldg": "building", "Ext": "extension",
}  # fmt: skip

_SIDE = rf"[\w)\]{QUANTITY}]"

_WORDS: list[Finder] = [
    finder(
        r"(?<![\w.-])(?P<short>Apt|Hwy|Ste|Rte|Rm|Bldg|[Ee]xt)\s(?=\d)",
        lambda found: _BEFORE_FIGURES[found["short"].title()] + " ",
    ),
    finder(rf"(?<![\w.-])(?P<short>{any_of(NUMBERED)})\.\s?(?=[\d{QUANTITY}{OTHER}])", _numbered),
    finder(r"(?<=[A-Za-z]\s)<3(?=\s[A-Za-z]|\W*$)", _operator),
    finder(r"(?:#|№\s?)(?P<item>(?:[A-Z]{1,4}-?)?\d[\dA-Za-z]*(?:-\d+)*)", _hash),
]

_NUMBERS: list[Finder] = [
    finder(
        rf"{BEGIN}(?P<rank>\d{{1,15}})(?:st|nd|rd|th)(?!\w)",
        lambda found: ordinal(int(found["rank"])),
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?P<year>\d{{1,4}})\s?(?P<era>BCE?|CE|AD|B\.C\.|A\.D\.)(?!\w)", _before_christ
    ),
    finder(
        rf"(?<![\w.,$/{QUANTITY}-])(?:1[1-9]|20)\d\d(?!,?\d|\.\d|\w|-\d)",
        _calendar_year,
        is_quantity=True,
    ),
    finder(rf"{BEGIN}(?P<figures>{NUMBER})(?P<scale>k|M|bn|mn)(?!\w)", _scaled, is_quantity=True),
    finder(rf"{BEGIN}(?P<fold>{NUMBER})[x×](?!\w|\s?\d)", _fold, is_quantity=True),
    finder(r"(?<=[Yy]ear )\d{3,4}(?!\w|[.,]\d)", lambda found: year(int(found[0]))),
    finder(
        r"(?<![\w.])\.\d{1,20}(?![\w.])",
        lambda found: f"point {digits(found[0])}",
        is_quantity=True,
    ),
    finder(rf"√\s?(?={_SIDE})", lambda found: "the square root of "),
    finder(
        rf"(?:(?<![\w.,){QUANTITY}{OTHER}])[-−+]|(?<=[=+*×÷<>]\s)[-−])?{NUMBER}",
        _number,
        is_quantity=True,
    ),
    finder(r"\d+", lambda found: groups(found[0]), is_quantity=True),
]

_SIGNS: list[Finder] = [
    finder(rf"(?<=[A-Za-z{QUANTITY}])\s?(?:[<>=!]=|[<>≤≥≠])\s?(?=[A-Za-z{QUANTITY}(])", _compared),
    finder(rf"(?<={_SIDE})\s?[+=×÷≈]\s?(?=[\w(√{QUANTITY}−-])", _compared),
    finder(
        rf"(?<=[{QUANTITY}])\s(?:[-−–*/])\s(?=[A-Za-z](?!\w)|{QUANTITY})",
        lambda f: {"*": " times ", "/": " divided by "}.get(f[0].strip(), " minus "),
    ),
    finder(rf"(?<={QUANTITY})\s?[*·]\s?(?={QUANTITY})", _operator),
    finder(
        rf"<3(?!\w)|&&|\|\||&|(?<!\S)w/o?(?=\s|\w)|[~≈<>≤≥±](?=\s?[{QUANTITY}A-Z])"
        rf"|\s?(?:->|=>|[→⇒↔])\s?|(?<!\S)[+=@±≈<>≤≥×÷©§≠∞^](?!\S)|№|°(?=\s|$)",
        _operator,
    ),
    finder(
        r"(?<=[a-zA-Z])/(?P<each>(?:hour|minute|second|day|week|month|year|night|person)\b)|(?<=[a-z])/(?P<or>or\b|(?=[a-z]))",
        _either,
    ),
    finder(rf"(?<![\w])[{''.join(GREEK)}](?=\W|$|r)", lambda found: GREEK[found[0]]),
    finder(r"(?<=\w)_+(?=\w)", lambda found: " "),
]

_NAMES: list[Finder] = [
    finder(rf"(?<![\w.])(?P<short>{any_of(ABBREVIATIONS)})\.(?!\w)", _abbreviation),
    finder(rf"(?<![\w.])(?P<short>{any_of(TITLES)})\.(?!\w)", _title),
    finder(
        rf"(?<![\w.])(?P<short>{any_of(IN_A_SENTENCE)})\.(?=\s[a-z])",
        lambda found: IN_A_SENTENCE[found["short"]],
    ),
    finder(
        rf"(?<!\w)(?P<name>{any_of(RULERS | PARTS)})\s(?P<roman>[IVXLC]{{1,7}})(?![\w'’])", _roman
    ),
]

_FINDERS: list[Finder] = [
    *codes.FORMS,
    *addresses.NETWORK[:3],
    *dates.CALENDAR[:2],
    *money.MONEY,
    *dates.CALENDAR[2:],
    *dates.CLOCK,
    *codes.LISTS,
    *telephones.TELEPHONES,
    *addresses.NETWORK[3:],
    *addresses.HOUSES,
    *_WORDS,
    *codes.CUED,
    *measures.UNITED,
    measures.BETWEEN[0],
    *measures.RATIOS,
    *codes.BARE,
    *_NUMBERS[:7],
    *codes.MIXED,
    *_NUMBERS[7:],
    *measures.BETWEEN[1:],
    *dates.NAMES,
    *_NAMES,
    *_SIGNS,
]
"""Each sees what those before it have left. Things that are told by their form come before those
that are told by the words around them, and longer ones before the numbers that they are made of."""

_TELLING = re.compile(
    r"[^\W_a-zA-Z\u00c0-\uffff]|[&@#/+=<>≤≥≠~≈±×÷→⇒↔√€£$°^§©_|½-¾⅐-⅞²³¹\d]|\.(?!\s*$)"
    r"|\b[A-Z][a-z]{1,5}\.|\b(?:St|Mon|Tues?|Wed|Thu|Thurs?|Fri|Sat|Sun|[IVXLC]+)\b"
    rf"|\b(?:{any_of([*ABBREVIATIONS, *IN_A_SENTENCE])})\.\s*$|[{''.join(GREEK)}]"
)
"""Without any of it there is nothing to replace: most clauses are plain, and the voice waits."""

_SAMPLES = (
    "Your PIN is 4821; call +1 415 555 2671 or 020 7946 0958 by 10/15 at 5 p.m., on Mar. 3, 1905.",
    "It is $12.50, CHF 50, 5 km/h, 4/5, 7-3, 2:1, the 21st, 1h30m, X7K9, i.e. Dr. Lee.",
)
for _sample in _SAMPLES:
    aloud(_sample)  # fills the caches of numbers, units and patterns before there is a call
