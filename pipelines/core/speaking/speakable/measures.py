"""Amounts with a unit, and what stands between two figures: "5 mg/kg", "120/80", "2:1", "7-3"."""

import re
from functools import lru_cache

from babel.units import format_unit

from pipelines.core.speaking.speakable.figures import (
    NUMBER,
    amount,
    cardinal,
    count,
    digits,
    fraction,
    groups,
    plural,
    year,
)
from pipelines.core.speaking.speakable.finding import OTHER, QUANTITY, Finder, after, before, finder
from pipelines.core.speaking.speakable.words import (
    FRACTIONS,
    OTHER_UNITS,
    PERIODS,
    SUPERSCRIPTS,
    UNITS,
    any_of,
)

_VULGAR = "[" + "".join(FRACTIONS) + "]"
_PER_WORDS = PERIODS | {
    word: word
    for word in "person day week kilo kilogram liter litre gallon mile kilometer meter cup serving "
    "room capita user head piece item share unit pound call game class lesson ticket".split()
}
_EACH = any_of({**UNITS, **_PER_WORDS})

_RATED = re.compile(
    r"(?i)\b(?:rat(?:ed|ing|e|es)|scor(?:e|ed|es|ing)|gave|give|gives|gets?|got|stars?|review(?:s|ed)?|marks?"
    r"|grade|passed|answered|correct|solved|finished|done|completed|voted|earned|apgar)\b"
)
_COUNTED = re.compile(
    r"(?i)\b(?:step|page|part|chapter|slide|question|try|attempt|level|lesson|episode"
    r"|day|week|phase|lap|round|item|file|quiz)\s$"
)
_PRESSURE = re.compile(r"(?i)\b(?:bp|pressure|systolic|reading)\b[^,;.\d]*$")
_SCORED = re.compile(
    r"(?i)\b(?:won|win|wins|lost|lose|beat|beaten|lead(?:s|ing)?|led|score[ds]?|scoring|defeated|final|result|tied?|drew|draw)\b"
)
_OPEN = re.compile(r"(?i)\b(?:open|from|hours|between)\b")
_CALCULATED = re.compile(r"^\s?(?:=|is\b|equals\b|makes\b|gives\b|leaves\b)")


_WORDLIKE = frozenset("m h d s g l N V W J L ct ha bar MP kt".split())
"""Symbols that may be an initial or a word: "He got 5 V. Miller"."""


@lru_cache(maxsize=1024)
def unit(symbol: str, *, one: bool) -> str:
    """ "kilometers per hour" for "km/h". Raises KeyError."""
    if symbol in OTHER_UNITS:
        name, per, rest = OTHER_UNITS[symbol].partition(" per ")
        head, of, tail = name.partition(" of ")
        said = head if one or head.isupper() else plural(head)
        return said + of + tail + per + rest
    name = UNITS[symbol]
    if name == "millimole":
        return name if one else "millimoles"
    said = format_unit(1 if one else 2, name, length="long", locale="en")
    return said.lstrip("12 \u00a0").strip()


def _measure(found: re.Match[str]) -> str | None:
    figures, symbol, each = found["figures"], found["unit"], found["each"]
    if symbol in _WORDLIKE and found["blank"] and re.match(r"\.\s[A-Z]|['’]", after(found, 4)):
        return None
    said = _figures(figures)
    rest = f" per {_each(each)}" if each else ""
    return f"{said} {unit(symbol, one=_is_one(figures))}{rest}"


def _figures(written: str) -> str:
    """The figures of an amount, a fraction or a range of them."""
    low, to, high = _split_range(written)
    if to:
        return f"{_figures(low)} to {_figures(high)}"
    if "/" in written or re.search(_VULGAR, written):
        return _fraction_words(written)
    return count(written)


def _split_range(written: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"(.*\S)\s?([-–—])\s?(\d.*)", written)
    return (match[1], match[2], match[3]) if match else (written, "", "")


def _is_one(written: str) -> bool:
    if "/" in written or re.search(_VULGAR, written):
        return re.match(r"\d+\s|\d" + _VULGAR, written) is None
    return not _split_range(written)[1] and amount(written).is_one


def _each(symbol: str) -> str:
    symbol = symbol.strip()
    if symbol in ("m", "l", "g") or (symbol in UNITS and symbol not in _PER_WORDS):
        return unit(symbol, one=True)
    return _PER_WORDS.get(symbol, symbol)


def _fraction_words(written: str) -> str:
    match = re.fullmatch(rf"(?:(\d+)[\s-]?)?(?:({_VULGAR})|(\d+)[/⁄](\d+))", written)
    if match is None:
        return count(written)
    over, under = FRACTIONS.get(match[2] or "", (0, 0))
    if not under:
        over, under = int(match[3]), int(match[4])
    said = fraction(over, under)
    return f"{count(match[1])} and {said}" if match[1] else said


def _of_two(found: re.Match[str]) -> str | None:
    """ "120/80", "50/50", "4/5": by what the words around and the figures themselves say."""
    over, under, left = found["over"], found["under"], before(found, 50)
    if re.search(r"\d\s$", left):
        return None  # the fraction of a mixed number
    if found["blank"]:
        return f"{count(over)} divided by {count(under)}"
    one, two = int(amount(over).whole), int(under)
    if _is_pressure(one, two, left, after(found, 10)):
        return f"{_pressure(over)} over {_pressure(under)}"
    if one + two == 100 or (one, two) == (20, 20):
        return f"{cardinal(one)} {cardinal(two)}"
    between = _between(found, one, two)
    return f"{count(over)} {between} {count(under)}" if between else fraction(one, two)


def _is_pressure(one: int, two: int, left: str, right: str) -> bool:
    said = _PRESSURE.search(left) or re.match(r"\s?mmHg", right)
    return said is not None or (90 <= one <= 220 and 40 <= two < min(one, 130))


def _between(found: re.Match[str], one: int, two: int) -> str:
    """The words between the two; empty for a fraction."""
    left, right, is_decimal = before(found, 50), after(found, 30), "." in found["over"]
    if _COUNTED.search(left):
        return "of"
    rated = _RATED.search(left) or re.match(r"\s(?:stars?|on|from)\b", right)
    if one <= two and (rated or two in (10, 100) or (is_decimal and two in (5, 20))):
        return "out of"
    is_sum = re.match(r"\s?[+=*×]", right)
    return "over" if is_sum or is_decimal or not two or max(one, two) > 999 else ""


def _pressure(figures: str) -> str:
    if len(figures) == 3 and figures[1] != "0":
        return f"{cardinal(int(figures[0]))} {cardinal(int(figures[1:]))}"
    return count(figures)


def _to(found: re.Match[str]) -> str | None:
    """ "2:1" that is no time of day."""
    one, two = found["one"], found["two"]
    return f"{count(one)} to {count(two)}"


def _hyphened(found: re.Match[str]) -> str | None:
    """ "7-3" is a difference, a range, a score or a code."""
    one, two = found["one"], found["two"]
    is_coded = any(figures[0] == "0" and len(figures) > 1 for figures in (one, two))
    if is_coded and "." not in one + two:
        return None if "," in one + two else f"{digits(one)}, {digits(two)}"
    if _is_difference(found):
        return f"{count(one)} minus {count(two)}"
    if (one, two) == ("50", "50"):
        return "fifty fifty"
    if _is_year(one) and (_is_year(two) or (len(two) == 2 and int(two) > int(one[2:]))):
        return f"{year(int(one))} to {year(int(two)) if len(two) == 4 else cardinal(int(two))}"
    if max(len(one), len(two)) > 4 and int(amount(one).whole) >= int(amount(two).whole):
        return f"{groups(one)}, {groups(two)}"
    return f"{count(one)} to {count(two)}"


def _is_difference(found: re.Match[str]) -> bool:
    left = before(found, 60)
    if _CALCULATED.match(after(found, 20)) or re.search(r"[=+]\s?$", left):
        return not _SCORED.search(left)
    falls = int(amount(found["one"]).whole) >= int(amount(found["two"]).whole)
    is_spaced = found["blank"] and found["dash"] == "-"
    return found["dash"] == "−" or bool(is_spaced and falls and not _OPEN.search(left))


def _is_year(figures: str) -> bool:
    return re.fullmatch(r"1[1-9]\d\d|20\d\d", figures) is not None


def _power(found: re.Match[str]) -> str:
    power = "".join(SUPERSCRIPTS.get(char, char) for char in found["power"]).strip("^{}() ")
    if power in ("2", "3"):
        return " squared" if power == "2" else " cubed"
    said = re.sub(r"\d+", lambda number: f" {count(number[0])} ", power.replace("⁻", "-"))
    return f" to the power of {' '.join(said.replace('-', 'minus ').split())}"


def _tall(found: re.Match[str]) -> str:
    inches = " inches" if "in" in found[0] else ""
    feet = f"{count(found['feet'])} {unit('ft', one=found['feet'] == '1')}"
    return f"{feet} {count(found['inches'])}{inches}"


def _inches(found: re.Match[str]) -> str | None:
    if len(re.findall(r'(?<!\d)"', before(found))) % 2:
        return None  # it ends a quotation
    return f"{_figures(found['figures'])} inch" + (
        "" if "in" not in found[0] and re.match(r"\s[a-z]", after(found)) else "es"
    )


_AMOUNT = (
    rf"(?:\d{{1,3}}[\s-]\d{{1,2}}/\d{{1,2}}|\d{{1,3}}/\d{{1,2}}|(?:\d{{1,15}}\s?)?{_VULGAR}"
    rf"|{NUMBER})"
)
_SIGNED = rf"(?:(?<![\w.,)%°{QUANTITY}{OTHER}])[-−+])?{_AMOUNT}"
_EDGE = rf"(?<![\w.,/{QUANTITY}{OTHER}])"

unit("km", one=True)  # the CLDR's English is read from its file now, not within a call

UNITED: list[Finder] = [
    finder(
        r"(?<![\w.])(?P<feet>\d)\s?(?:['′’]|ft\.?|feet)\s?(?P<inches>\d{1,2})\s?(?:[\"″”]|''|’’|in\b\.?(?=\s[a-z]|$)|inches\b)?(?<!\d)(?<!\s)",
        _tall,
        is_quantity=True,
    ),
    finder(
        rf"{_EDGE}(?P<figures>{_AMOUNT})\s?(?:[\"″](?=[\s.,;)]|$)|in\.(?=\s[a-z]))",
        _inches,
        is_quantity=True,
    ),
    finder(
        rf"{_EDGE}(?P<figures>{_SIGNED}(?:\s?[-–—]\s?[-−]?{NUMBER})?)(?P<blank>[ -]?)"
        rf"(?P<unit>{any_of({**UNITS, **OTHER_UNITS})})(?![\w²³'’&])"
        rf"(?:\s?/\s?(?P<each>{_EACH})(?!\w))?(?:\.(?=\s[a-z]))?",
        _measure,
        is_quantity=True,
    ),
]

RATIOS: list[Finder] = [
    finder(
        rf"{_EDGE}(?P<over>\d+(?:\.\d+)?)(?P<blank>\s?)/\s?(?P<under>\d+)(?![\w/]|\.\d)",
        _of_two,
        is_quantity=True,
    ),
    finder(
        rf"{_EDGE}(?:\d{{1,3}}[\s-])?\d{{1,2}}/\d{{1,3}}(?![\w/])|(?:(?<!\d)\d{{1,15}}\s?)?{_VULGAR}",
        lambda found: _fraction_words(found[0].strip()),
        is_quantity=True,
    ),
    finder(
        rf"{_EDGE}(?P<one>\d+(?:\.\d+)?)\s?:\s?(?P<two>\d+(?:\.\d+)?)(?![\w:])",
        _to,
        is_quantity=True,
    ),
    finder(
        rf"{_EDGE}(?P<one>{NUMBER})(?P<blank>\s?)(?P<dash>[-–—−])\s?(?P<two>{NUMBER})(?![\w/]|-\d)",
        _hyphened,
        is_quantity=True,
    ),
]

_LONG_SYMBOLS = [each for each in {**UNITS, **OTHER_UNITS} if len(each) > 1 and each.isalpha()]

BETWEEN: list[Finder] = [
    finder(
        rf"(?<=[\d{QUANTITY}A-Za-z)])\s?(?P<power>\^\s?(?:\{{[^{{}}]{{1,10}}\}}|\(?-?\w{{1,4}}\)?)|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)",
        _power,
    ),
    finder(rf"(?<=[{QUANTITY}\d%])\s?[-–—]\s?(?=[{QUANTITY}\d])", lambda found: " to "),
    finder(
        rf"(?<=[{QUANTITY}])\s?[x×]\s?(?=[{QUANTITY}])",
        lambda found: " by " if "x" in found[0] or " " not in found[0] else " times ",
    ),
    finder(
        rf"(?<=[{QUANTITY}])\s?/\s?(?P<each>{_EACH}|[a-z]{{3,}})(?!\w)",
        lambda found: f" per {_each(found['each'])}",
    ),
    finder(
        rf"(?<=\bper\s)(?P<unit>{any_of(_LONG_SYMBOLS)})(?!\w)",
        lambda found: unit(found["unit"], one=True),
    ),
    finder(
        rf"(?<=[{QUANTITY}])(?P<noun>\s[a-z]{{3,}}s)/(?P<each>{any_of(_PER_WORDS)})(?!\w)",
        lambda found: f"{found['noun']} per {_PER_WORDS[found['each']]}",
    ),
]
