"""Written English as it is said aloud: figures, prices, dates, times, addresses, abbreviations.

A reader says "twelve dollars and fifty cents" for "$12.50" and "example dot com" for an address.
A voice is given those words, while captions and the history keep what was written. Plain text:
`core.markdown` has been there before.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.core.speakable_numbers import (
    CURRENCIES,
    CURRENCY_OF_CODE,
    count,
    digits,
    fraction,
    groups,
    house,
    is_one,
    ordinal,
    price,
    year,
)
from pipelines.core.speakable_words import (
    ABBREVIATIONS,
    DAY_OF,
    FRACTIONS,
    MONTH_OF,
    MONTHS,
    PERIODS,
    POINTS,
    SIGNS,
    SPOKEN_LABELS,
    STATES,
    STREETS,
    TLDS,
    UNITS,
    unit,
)


@dataclass(frozen=True, slots=True)
class Aloud:
    """Words of the text that belong together, and what is said for them."""

    written: str
    said: str
    """Empty where there is nothing to say."""


def aloud(text: str) -> list[Aloud]:
    """In order; what is written, joined by spaces, is `text` with single spaces."""
    spans = [_span(found) for found in _ANY.finditer(text)] if _TELLING.search(text) else []
    return [_piece(text, start, end, spans) for start, end in _together(text, spans)]


def as_written(text: str) -> list[Aloud]:
    """For a voice of another language: it is given what is written."""
    return [Aloud(word, word) for word in text.split()]


_Span = tuple[int, int, str]
"""From, to, and what is said for it."""


def _span(found: re.Match[str]) -> _Span:
    """Without the blanks around it: they part words."""
    lead = len(found[0]) - len(found[0].lstrip())
    return found.start() + lead, found.start() + len(found[0].rstrip()), _say(found)


def _together(text: str, spans: list[_Span]) -> Iterator[tuple[int, int]]:
    """From and to, of words; those that one thing is said for are not parted."""
    joined = [(start, end) for start, end, _ in spans]
    begin, until = None, 0
    for word in re.finditer(r"\S+", text):
        if begin is not None and word.start() >= until:
            yield begin, until
            begin = None
        begin = word.start() if begin is None else begin
        ends = (end for start, end in joined if start < word.end() and end > word.start())
        until = max(until, word.end(), *ends)
    if begin is not None:
        yield begin, len(text.rstrip())


def _piece(text: str, start: int, end: int, spans: list[_Span]) -> Aloud:
    said, at = "", start
    for from_, to, words in spans:
        if start <= from_ < end:
            said = _beside(_beside(said, text[at:from_]), words)
            at = to
    said = re.sub(r"\s+(?=[,.;:!?]|$)|\s+(?=\s)", "", _beside(said, text[at:end])).lstrip()
    if not any(map(str.isalnum, said)):
        said = "—" if re.fullmatch("[-–—…]+", said) else ""
    return Aloud(" ".join(text[start:end].split()), said)


def _beside(before: str, after: str) -> str:
    """A letter and a figure's words do not run into one."""
    apart = before[-1:].isalnum() and after[:1].isalnum()
    return f"{before} {after}" if apart else before + after


def _say(found: re.Match[str]) -> str:
    assert found.lastgroup is not None
    return _RULES[found.lastgroup][1](found)


# ---- what is said for each kind of match ----


def _address(found: re.Match[str]) -> str:
    """An e-mail's or a page's: what a person reads out of it. A query is not read."""
    plain = re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", found[0], flags=re.IGNORECASE)
    plain = re.split(r"[?#]", plain)[0].rstrip("/")
    signs = {".": "dot", "@": "at", "/": "slash", "-": "dash", "_": "underscore", "+": "plus"}
    parts = re.findall(r"[^\W\d_]+|\d+|[.@/_+-]|[:~=&%]", plain)
    host = plain.split("/")[0].rpartition(".")[2]
    return " ".join(signs.get(part) or _label(part, part == host) for part in parts)


def _label(part: str, is_tld: bool) -> str:
    if part.isdigit():
        return count(part) if len(part) < 3 else digits(part)
    if is_tld and part.lower() not in SPOKEN_LABELS and len(part) < 4:
        return " ".join(part.upper())
    return part if part.isalpha() else ""


def _dotted(found: re.Match[str]) -> str:
    """A version, or the address of a machine."""
    numbers = found["dotted"].lstrip("v").split(".")
    v = "version " if found[0].startswith("v") else ""
    return v + (" dot " if len(numbers) == 4 else " point ").join(map(count, numbers))


def _date(month: int, day: int, written_year: str | None) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return " ".join(
            map(count, (str(month), str(day), *([written_year] if written_year else [])))
        )
    tail = f", {year(written_year)}" if written_year else ""
    return f"{MONTHS[month - 1]} {ordinal(str(day))}{tail}"


def _iso_date(found: re.Match[str]) -> str:
    return _date(int(found["iso_month"]), int(found["iso_day"]), found["iso_year"])


def _slash_date(found: re.Match[str]) -> str:
    """Month first, as Americans write it, unless it can only be the day."""
    one, two, written = int(found["slash_1"]), int(found["slash_2"]), found["slash_year"]
    month, day = (two, one) if one > 12 else (one, two)
    full = written if len(written) == 4 else f"20{written}"
    return _date(month, day, full)


def _month_day(found: re.Match[str]) -> str:
    day, until, written = found["month_day"], found["month_until"], found["month_year"]
    days = ordinal(day) + (f" to {ordinal(until)}" if until else "")
    return f"{_month(found['month_name'])} {days}" + (f", {year(written)}" if written else "")


def _day_month(found: re.Match[str]) -> str:
    written = found["day_year"]
    said = f"{ordinal(found['day_day'])} of {_month(found['day_name'])}"
    the = "" if re.search(r"(?i)\bthe $", found.string[: found.start()]) else "the "
    return the + said + (f", {year(written)}" if written else "")


def _month(name: str) -> str:
    return MONTH_OF.get(name, name)


def _time(found: re.Match[str]) -> str:
    hour, minute = found["hour"] or found["bare_hour"], found["minute"]
    half = (found["half"] or found["bare_half"] or "").upper()
    if not minute or (minute == "00" and (half or not 0 < int(hour) <= 12)):
        said = count(str(int(hour))) + ("" if half or not minute else " hundred")
    elif minute == "00":
        said = f"{count(str(int(hour)))} o'clock"
    else:
        oh = "oh " if minute[0] == "0" else ""
        said = f"{count(str(int(hour)))} {oh}{count(str(int(minute)))}"
    ends = found[0].endswith(".") and _ends_sentence(found)
    return f"{said} {half} M" + ("." if ends else "") if half else said


def _street(found: re.Match[str]) -> str:
    words = [POINTS.get(word.rstrip("."), word) for word in found["street_name"].split()]
    name = " ".join(piece.said for piece in aloud(" ".join(words)))
    kind = found["street_kind"]
    return f"{house(found['house'])} {name} {STREETS.get(kind, kind)}"


def _saint(found: re.Match[str]) -> str:
    """A street, after a name or before nothing that could be a saint's."""
    before, after = found.string[: found.start()], found.string[found.end() :]
    street = re.search(r"[A-Z]\w+ $", before) or not re.match(r"\s[A-Z]", after)
    return ("Street" if street else "Saint") + ("" if after.strip() else ".")


def _zip(found: re.Match[str]) -> str:
    more = found["zip_more"]
    return f"{STATES[found['state']]} {digits(found['zip_code'])}" + (
        f", {digits(more)}" if more else ""
    )


def _price(found: re.Match[str]) -> str:
    sign = found["sign"] or found["sign_behind"] or CURRENCY_OF_CODE[found["code"]]
    figures = found["figures"] or found["figures_before"]
    minus = "minus " if found[0][0] in "-−" else ""
    return minus + price(figures, sign, (found["scale"] or "").strip())


def _unit(found: re.Match[str]) -> str:
    figures = found["measure"]
    return f"{count(figures)} {unit(found['unit_name'], one=is_one(figures))}"


def _per(found: re.Match[str]) -> str:
    each = found["each"]
    return f" per {PERIODS.get(each) or unit(each, one=True)}" if each else " per "


def _inches(found: re.Match[str]) -> str:
    return f"{count(found['feet'])} {unit('ft', one=found['feet'] == '1')} {count(found['inches'])}"


def _scaled(found: re.Match[str]) -> str:
    return f"{count(found['thousands'])} {'thousand' if found[0][-1] == 'k' else 'million'}"


def _decade(found: re.Match[str]) -> str:
    """ "1990s" and "'90s"; the last word takes the plural."""
    figures = found["decade"]
    said = year(figures) if len(figures) == 4 else count(figures)
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def _fraction(found: re.Match[str]) -> str:
    whole = found["whole"] or found["mixed"]
    over, under = FRACTIONS.get(found["vulgar"] or "", (0, 0))
    if not under:
        over, under = int(found["over"]), int(found["under"])
    said = fraction(over, under)
    return f"{count(whole)} and {said}" if whole else said


def _number(found: re.Match[str]) -> str:
    return groups(found[0]) if len(found[0]) > 6 and found[0].isdigit() else count(found[0])


def _abbreviation(found: re.Match[str]) -> str:
    """The stop is kept where it ends the sentence too."""
    name = found["short"]
    said = ABBREVIATIONS.get(name) or MONTH_OF.get(name) or DAY_OF[name]
    last = not found.string[found.end() :].strip()
    return said + ("." if last or (name == "etc" and _ends_sentence(found)) else "")


def _ends_sentence(found: re.Match[str]) -> bool:
    return re.match(r"\s*$|\s+[A-Z]", found.string[found.end() :]) is not None


# ---- the rules, tried in this order at each place ----

_N = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_MONTH = "|".join([*MONTHS, *sorted((m for m in MONTH_OF if m != "May"), key=len, reverse=True)])
_YEAR = r"1\d{3}|20\d{2}"
_CURRENCY = "[" + "".join(CURRENCIES) + "]"


def _any_of(words: object) -> str:
    assert isinstance(words, dict)
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_RULES: dict[str, tuple[str, Callable[[re.Match[str]], str]]] = {
    "email": (r"(?<![\w.+-])[\w.+-]*\w@[\w-]+(?:\.[\w-]+)+", _address),
    "url": (
        r"(?:https?://|www\.)[^\s<>()\"']*[\w/]"
        rf"|(?<![\w@.-])(?:[A-Za-z0-9-]+\.)+(?:{TLDS})\b(?:/[^\s<>()\"',]*[\w/])?",
        _address,
    ),
    "dotted": (r"\bv\d+(?:\.\d+)+|\b\d+(?:\.\d+){2,}", _dotted),
    "iso": (r"\b(?P<iso_year>\d{4})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)\b", _iso_date),
    "slashed": (
        r"\b(?P<slash_1>\d{1,2})/(?P<slash_2>\d{1,2})/(?P<slash_year>\d{4}|\d\d)\b",
        _slash_date,
    ),
    "month_first": (
        rf"\b(?P<month_name>{_MONTH})\b\.?\s+(?P<month_day>[0-3]?\d)(?:st|nd|rd|th)?\b(?![:/.]\d)"
        r"(?:\s?[-–]\s?(?P<month_until>[0-3]?\d)(?:st|nd|rd|th)?\b)?"
        rf"(?:,?\s+(?P<month_year>{_YEAR})\b)?",
        _month_day,
    ),
    "day_first": (
        r"\b(?P<day_day>[0-3]?\d)(?:st|nd|rd|th)?\s+(?:of\s+)?"
        rf"(?P<day_name>{_MONTH})\b(?:,?\s+(?P<day_year>{_YEAR})\b)?",
        _day_month,
    ),
    "time": (
        r"\b(?P<hour>[012]?\d):(?P<minute>[0-5]\d)(?::[0-5]\d)?(?:\s?(?P<half>[AaPp])\.?[Mm]\b\.?)?"
        r"|\b(?P<bare_hour>1?\d)\s?(?P<bare_half>[AaPp])(?:\.[Mm]\b\.?|[Mm]\b)",
        _time,
    ),
    "telephone": (
        r"(?<![\w.])(?:\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}"
        r"|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"
        r"|\d{3}-\d{4}|\d{4}(?:[ -]\d{4}){2,3})(?!\w)",
        lambda found: groups(found[0]),
    ),
    "emergency": (
        r"(?:(?<=[Cc]all )|(?<=[Dd]ial ))\d{3}\b(?=$|[.,;!?]| (?:for|if|and|or|now|right|at)\b)",
        lambda found: digits(found[0]),
    ),
    "place": (
        rf"\b(?P<state>{'|'.join(STATES)})\s(?P<zip_code>\d{{5}})(?:-(?P<zip_more>\d{{4}}))?\b",
        _zip,
    ),
    "street": (
        r"(?<![\w.,$])(?P<house>\d{1,5})\s+"
        r"(?P<street_name>(?:[NSEW]\.?\s)?(?:[A-Z0-9][\w']*\s){1,3})"
        rf"(?P<street_kind>{'|'.join((*STREETS, *STREETS.values(), 'Way'))})\b(?:\.(?!$))?",
        _street,
    ),
    "numbered": (
        r"(?:#|(?<=\w )No\.\s?)(?P<item>\d+)",
        lambda found: f"number {count(found['item'])}",
    ),
    "price": (
        rf"(?:(?<!\w)[-−])?(?P<sign>{_CURRENCY})\s?(?P<figures>{_N})"
        r"(?P<scale>(?:[kKMB]|bn|mn)\b|\s(?:thousand|million|billion|trillion)\b)?"
        rf"|(?<![\w.])(?P<figures_before>{_N})\s?"
        rf"(?:(?P<sign_behind>[€£])|(?P<code>{'|'.join(CURRENCY_OF_CODE)})\b)",
        _price,
    ),
    "since": (r"(?<!\w)['’]?(?P<decade>(?:1\d|20)\d0|\d0)['’]?s\b", _decade),
    "tall": (r"\b(?P<feet>\d)['′]\s?(?P<inches>\d{1,2})(?:[\"″]|'')", _inches),
    "unit": (
        rf"(?P<measure>(?:(?<![\w.,)])[-−+])?{_N})[ -]?"
        rf"(?P<unit_name>{_any_of(UNITS)})(?![\w²³/'-])(?:\.(?=\s[a-z]))?",
        _unit,
    ),
    "scaled": (rf"(?P<thousands>{_N})[kM]\b", _scaled),
    "multiple": (rf"(?P<fold>{_N})x\b", lambda found: f"{count(found['fold'])} times"),
    "by": (r"(?<=\d)\s?[x×]\s?(?=\d)", lambda found: " by "),
    "nth": (r"(?P<rank>\d+)(?:st|nd|rd|th)\b", lambda found: ordinal(found["rank"])),
    "always": (
        r"\b(?:24/7|9/11)\b",
        lambda found: " ".join(map(count, found[0].split("/"))),
    ),
    "part": (
        r"(?<![\d/.])(?:(?P<whole>\d+)\s?)?(?P<vulgar>[" + "".join(FRACTIONS) + "])"
        r"|(?<![\d/.])(?:(?P<mixed>\d+) )?(?P<over>\d{1,2})/(?P<under>\d{1,3})(?![\d/])",
        _fraction,
    ),
    "range": (
        rf"(?:(?<=[\d%])|(?<=\d[ap]m)|(?<=\d [ap]m))\s?[-–—]\s?(?={_CURRENCY}?\d)",
        lambda found: " to ",
    ),
    "per": (
        rf"(?<=[\d²³])\s?/\s?(?=[a-zL])(?:(?P<each>{_any_of(UNITS | PERIODS)})\b)?",
        _per,
    ),
    "either": (r"(?<=[a-z])/(?:or\b|(?=[a-z]))", lambda found: " or "),
    "calendar": (r"(?<![\w.,$-])(?:1[1-9]|20)\d\d(?!,?\d|\.\d|\w)", lambda found: year(found[0])),
    "number": (rf"(?:(?<![\w.,)])[-−+])?{_N}", _number),
    "saint": (r"\bSt(?:\.(?=\s|[,;]|$)|(?=\s[A-Z]))", _saint),
    "abbreviation": (
        rf"(?<![\w.])(?P<short>{_any_of(ABBREVIATIONS | DAY_OF | MONTH_OF)})\.(?![\w])",
        _abbreviation,
    ),
    "operator": (
        r"&|(?<!\S)w/o?(?=\s|\w)|[~≈<>≤≥±](?=\s?[\d$€£])|(?<=\d)\s?[+=÷]\s?(?=\d)"
        r"|(?<!\S)[+=@±≈<>≤≥×÷→©§](?!\S)",
        lambda found: f" {SIGNS[found[0].strip()]} ",
    ),
    "tag": (r"(?<!\S)#(?=[A-Za-z])", lambda found: "hashtag "),
}
"""A name for each, what it matches, and what is said for it."""

_TELLING = re.compile(
    r"[\d&@#/+=<>≤≥~≈±×÷→©§]|\.(?!\s*$)|\bSt\s"
    rf"|(?:{_any_of(ABBREVIATIONS | DAY_OF | MONTH_OF)})\.\s*$"
)
"""Without any of it there is nothing to replace: most clauses are plain, and the voice waits."""

_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, (pattern, _) in _RULES.items()))
