"""Dates, times of day and spans of time, as people and tools write them."""

import re

from pipelines.core.speaking.speakable.figures import cardinal, count, digits, ordinal, plural, year
from pipelines.core.speaking.speakable.finding import (
    BEGIN,
    END,
    QUANTITY,
    Finder,
    after,
    before,
    finder,
)
from pipelines.core.speaking.speakable.words import DAYS, MONTH_OF, MONTHS, PERIODS, ZONES, any_of

_D, _M, _Y = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:1\d|20)\d\d"
_MONTH = rf"(?:{any_of([*MONTHS, *MONTH_OF])})"
_HALF = r"(?P<half>[AaPp])(?:\.\s?[Mm]\.?|[Mm])(?!\w)"
_ZONE = rf"(?:\s?(?P<zone>{any_of(ZONES)}|Z)\b)?"
_TO = r"\s?(?:[-–—]|to|through|until)\s?"

_DAY_CUE = re.compile(
    r"(?i)(?:\b(?:on|by|until|till|since|before|after|due|dated?|starting|starts|from|through|is"
    r"|for|of|today|tomorrow|deadline:?|born|between|shipped|delivered|arriv(?:es|ed|ing)|expires?"
    r"|ends|scheduled|updated|opened|closed|posted|received|sent|moved to|booked)(?: the)?,?\s|"
    rf"\b(?:{any_of(DAYS)}|{any_of(set(DAYS.values()))})\.?,?\s)$"
)
_TIME_FOLLOWS = re.compile(r"(?i),?\s(?:at|from|by)\s(?:\d|noon|midnight)")
_PART_CUE = re.compile(
    r"(?i)\b(?:rat(?:ed|ings?)|scor(?:ed?|es|ing)|grades?|marks?|answers?|results?|equals|probability"
    r"|chances?|odds|likelihood|fractions?|ratio|values?|stars|reviews?)(?:\s(?:is|was|are|were|of|at|about|only|an?))*:?\s$"
)
_PART_FOLLOWS = re.compile(
    r"(?i)\s(?:of|full|empty|done|complete|completed|finished|used|gone|charged|loaded|owned|cups?"
    r"|inch(?:es)?|teaspoons?|tablespoons?|tbsp|tsp|miles?|pounds?|ounces?|hours?|price|size|off|as"
    r"|more|less|larger|smaller)\b"
)
_CLOCK_CUE = re.compile(
    rf"(?i)(?:\b(?:at|by|until|till|from|since|now|around|before|after)|[{QUANTITY}],?)\s$"
)
_SCORE_CUE = re.compile(
    r"(?i)\b(?:scores?d?|won|win|wins|lost|lose|beat|lead(?:s|ing)?|led|tied?|drew|ratio|odds"
    r"|mixed|mix|scale|set|match|aspect)\b"
)


def date(month: int, day: int, written_year: str = "") -> str | None:
    """ "March fifth, twenty twenty-four"; None where the calendar has no such day."""
    if not (1 <= month <= 12 and 1 <= day <= (29 if month == 2 else 30 + (month + month // 8) % 2)):
        return None
    return f"{MONTHS[month - 1]} {ordinal(day)}{_in_year(written_year)}"


def _in_year(written: str) -> str:
    full = f"{'19' if written > '69' else '20'}{written}" if len(written) == 2 else written
    return f", {year(int(full))}" if full else ""


def clock(hour: int, minute: int, half: str = "") -> str:
    """ "five oh five P M", "seventeen hundred", "nine o'clock"."""
    if half:
        said = cardinal(hour) + (f" {_minutes(minute)}" if minute else "")
        return f"{said} {half.upper()} M"
    if not hour:
        return f"twelve {_minutes(minute)} A M" if minute else "midnight"
    if minute:
        return f"{cardinal(hour)} {_minutes(minute)}"
    return f"{cardinal(hour)} o'clock" if hour <= 12 else f"{cardinal(hour)} hundred"


def _minutes(minute: int) -> str:
    return f"oh {cardinal(minute)}" if minute < 10 else cardinal(minute)


def _iso(found: re.Match[str]) -> str | None:
    said = date(int(found["month"]), int(found["day"]), found["year"])
    if said is None or not found["hour"]:
        return said
    time = clock(int(found["hour"]), int(found["minute"]))
    return f"{said}, {time}{_offset(found['offset'] or '')}"


def _offset(written: str) -> str:
    """ "Z", "+02:00", "-0530" behind a time."""
    if not written:
        return ""
    hours, minutes = (written[1:3] or "0"), written[1:].replace(":", "")[2:]
    if not written[1:].strip("0:"):
        return " U T C"
    half = f" {cardinal(int(minutes))}" if minutes.strip("0") else ""
    return f" U T C {'plus' if written[0] == '+' else 'minus'} {cardinal(int(hours))}{half}"


def _numbered(found: re.Match[str]) -> str | None:
    """Month first, as Americans write it, unless there are dots or it can only be the day."""
    one, two = int(found["one"]), int(found["two"])
    day_first = one > 12 or (found["sep"] == "." and two <= 12)
    month, day = (two, one) if day_first else (one, two)
    said = date(month, day, found["in_year"])
    if said and found["sep"] == ".":
        return f"{_the(found)}{ordinal(day)} of {MONTHS[month - 1]}{_in_year(found['in_year'])}"
    return said


def _days(found: re.Match[str]) -> str | None:
    """ "10/15", or several, where the words before say that it is a day."""
    context, rest = before(found), after(found)
    if not (_DAY_CUE.search(context) or _TIME_FOLLOWS.match(rest)):
        return None
    if _PART_CUE.search(context) or _PART_FOLLOWS.match(rest):
        return None
    parts = re.split(r"(\d+/\d+)", found[0])
    for at in range(1, len(parts), 2):
        one, two = map(int, parts[at].split("/"))
        said = date(two, one) if one > 12 else date(one, two)
        if said is None:
            return None
        parts[at] = said
        parts[at + 1] = re.sub(r"\s?[-–—]\s?", " to ", parts[at + 1])
    return "".join(parts)


def _month_first(found: re.Match[str]) -> str:
    until = f" to {ordinal(int(found['until']))}" if found["until"] else ""
    said = f"{_name(found['name'])} {ordinal(int(found['day']))}{until}"
    return said + _in_year(found["year"] or "")


def _month_and_year(found: re.Match[str]) -> str:
    return f"{_name(found['name'])} {year(int(found['year']))}"


def _day_first(found: re.Match[str]) -> str:
    until = f" to the {ordinal(int(found['until']))}" if found["until"] else ""
    said = f"{ordinal(int(found['day']))}{until} of {_name(found['name'])}"
    return _the(found) + said + _in_year(found["year"] or "")


def _the(found: re.Match[str]) -> str:
    return "" if re.search(r"(?i)\bthe $", before(found, 5)) else "the "


def _name(month: str) -> str:
    return MONTH_OF.get(month.rstrip("."), month)


def _week(found: re.Match[str]) -> str:
    return f"{DAYS.get(found['one'], found['one'])} to {DAYS.get(found['two'], found['two'])}"


def _time(found: re.Match[str]) -> str | None:
    hour, minute, second = int(found["hour"]), int(found["minute"] or 0), found["second"]
    half, context = found["half"] or "", before(found, 40)
    if hour > 24 or (not half and _SCORE_CUE.search(context)):
        return None
    zone = found["zone"]
    zoned = f" {' '.join('UTC' if zone == 'Z' else zone)}" if zone else ""
    if second and not half and not zone and not _CLOCK_CUE.search(context):
        return _spoken_span([(hour, "hour"), (minute, "minute"), (int(second), "second")])
    said = clock(hour, minute, half)
    if second and int(second):
        said += f" and {cardinal(int(second))} seconds"
    ends = half and found[0].endswith(".") and re.match(r"\s*$|\s+[A-Z]", after(found))
    return f"{said}{zoned}" + ("." if ends else "")


def _spoken_span(parts: list[tuple[int | str, str]]) -> str:
    said = [
        f"{count(str(number))} {unit if str(number) == '1' else plural(unit)}"
        for number, unit in parts
        if str(number) != "0"
    ]
    return " ".join(said) or f"zero {plural(parts[-1][1])}"


_ISO_UNITS = {"Y": "year", "W": "week", "D": "day", "H": "hour", "S": "second"}


def _iso_span(found: re.Match[str]) -> str | None:
    days, _, hours = found[0][1:].partition("T")
    parts = [(n, _ISO_UNITS.get(u, "month")) for n, u in re.findall(r"([\d.]+)([YMWD])", days)]
    parts += [(n, _ISO_UNITS.get(u, "minute")) for n, u in re.findall(r"([\d.]+)([HMS])", hours)]
    return _spoken_span(list(parts)) if parts else None


def _span(found: re.Match[str]) -> str:
    parts = re.findall(r"(\d+(?:\.\d+)?)\s?([a-z]+)", found[0])
    return _spoken_span([(number, "minute" if u == "m" else PERIODS[u]) for number, u in parts])


def _short_span(found: re.Match[str]) -> str | None:
    """ "30s" is no decade here, "45m" no metres."""
    is_decade = re.search(
        r"(?i)(?:['’]|\b(?:the|his|her|their|my|your|mid|early|late)[\s-])$", before(found, 10)
    )
    is_minutes = re.search(
        r"(?i)\b(?:in|for|takes?|took|wait|after|another|lasts?|within|every)\s$", before(found, 10)
    )
    letter = found["letter"]
    if letter == "s" and re.fullmatch(r"(?:1\d|20)\d0", found["number"]):
        return None
    if (letter == "s" and is_decade) or (letter == "m" and not is_minutes):
        return None
    return _spoken_span([(found["number"], "minute" if letter == "m" else PERIODS[letter])])


def _decade(found: re.Match[str]) -> str:
    """ "1990s" and "'90s"; the last word takes the plural."""
    figures = int(found["decade"])
    if figures % 100 == 0:
        return "two thousands" if figures == 2000 else f"{cardinal(figures // 100)} hundreds"
    return plural(year(figures) if figures > 100 else cardinal(figures))


def _month_of_year(found: re.Match[str]) -> str:
    return f"{MONTHS[int(found['month']) - 1]} {year(int(found['year']))}"


def _weekday(found: re.Match[str]) -> str | None:
    """The short name of a day, where it can be no word: "Sat. 10", "on Fri.", "Sun. service"."""
    name, dot, rest = found["name"], found["dot"], after(found)
    if re.match(rf",?\s?[\d{QUANTITY}]|,?\s(?:{_MONTH})\b", rest):
        return DAYS[name]
    cue = re.search(
        r"(?i)\b(?:on|every|next|last|this|until|by|or|and|each|to|through)\s$", before(found, 12)
    )
    word = name in ("Sun", "Sat", "Wed", "Mon")
    if (cue and (dot or rest[:1] == "," or not word)) or (dot and re.match(r"\s[a-z]", rest)):
        return DAYS[name] + ("." if dot and not rest.strip() else "")
    return None


def _month_alone(found: re.Match[str]) -> str | None:
    """ "in Jan." but not "My colleague is called Jan. He"."""
    rest = after(found)
    cue = re.search(
        r"(?i)\b(?:in|since|until|by|from|to|or|and|of|last|next|this|early|late|mid)[\s-]$",
        before(found, 12),
    )
    if not (cue or re.match(r"\s[a-z]", rest)):
        return None
    return MONTH_OF[found["name"]] + (
        "" if rest.strip() and not re.match(r"\s[A-Z]", rest) else "."
    )


_SHORT_DAY = any_of(DAYS)
_ANY_DAY = any_of([*DAYS, *DAYS.values()])
_SPANS = r"(?:yrs?|wks?|w|days?|d|hours?|hrs?|hr|h|minutes?|mins?|min|m|seconds?|secs?|sec|s)"

CALENDAR: list[Finder] = [
    finder(
        rf"{BEGIN}(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)"
        r"(?:(?:T|,?\s)(?P<hour>[01]\d|2[0-4]):(?P<minute>[0-5]\d)(?::\d\d(?:[.,]\d{1,9})?)?"
        rf"\s?(?P<offset>Z|UTC|[+-]\d\d:?\d\d)?)?{END}",
        _iso,
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?P<year>{_Y})(?P<sep>[/.])(?P<month>{_M})(?P=sep)(?P<day>{_D})(?P<hour>){END}",
        _iso,
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?P<one>{_D})(?P<sep>[-/.])(?P<two>{_D})(?P=sep)(?P<in_year>{_Y}|\d\d){END}(?![-/]\d)",
        _numbered,
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?:24/7(?:/365)?|9/11){END}(?!/)",
        lambda found: " ".join(
            cardinal(int(n)) if n != "365" else "three sixty-five" for n in found[0].split("/")
        ),
    ),
    finder(
        rf"{BEGIN}\d{{1,2}}/\d{{1,2}}(?:(?:, |,? and |,? or |{_TO})\d{{1,2}}/\d{{1,2}})*{END}(?!/)",
        _days,
        is_quantity=True,
    ),
    finder(rf"{BEGIN}(?P<month>{_M})/(?P<year>(?:19|20)\d\d){END}(?!/)", _month_of_year),
    finder(rf"{BEGIN}(?P<year>(?:19|20)\d\d)-(?P<month>0[1-9]){END}(?!-)", _month_of_year),
    finder(
        rf"{BEGIN}(?P<day>{_D})(?:st|nd|rd|th|\.)?(?:{_TO}(?P<until>{_D})(?:st|nd|rd|th|\.)?)?"
        rf"\s(?:of\s)?(?P<name>{_MONTH}){END}\.?(?:,?\s(?P<year>{_Y}){END})?",
        _day_first,
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?P<name>{_MONTH})\.?\s(?:the\s)?(?P<day>{_D})(?:st|nd|rd|th)?{END}"
        rf"(?![:/]\d|[.,]\d|%)(?:{_TO}(?P<until>{_D})(?:st|nd|rd|th)?{END}(?!:))?"
        rf"(?:,?\s(?P<year>{_Y}){END})?",
        _month_first,
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?P<name>{_MONTH})\.?,?\s(?P<year>{_Y}){END}", _month_and_year, is_quantity=True
    ),
    finder(rf"{BEGIN}(?P<one>{_ANY_DAY})\.?\s?[-–—]\s?(?P<two>{_ANY_DAY})(?!\w)", _week),
]

CLOCK: list[Finder] = [
    finder(r"(?<!\w)P(?=T?\d)(?:\d+[YMWD]){0,4}(?:T(?:\d+(?:\.\d+)?[HMS]){1,3})?(?!\w)", _iso_span),
    finder(
        rf"{BEGIN}(?P<hour>[012]?\d):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?!\d|:\d)"
        rf"(?:\s?{_HALF})?{_ZONE}",
        _time,
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?P<hour>1?\d|2[0-3])h(?P<minute>[0-5]\d)(?!\w)",
        lambda found: clock(int(found["hour"]), int(found["minute"])),
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?P<hour>1[0-2]|0?[1-9])(?:\.(?P<minute>[0-5]\d))?(?P<second>)\s?{_HALF}{_ZONE}",
        _time,
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}\d+(?:\.\d+)?\s?{_SPANS}(?:,?\s?\d+(?:\.\d+)?\s?{_SPANS}){{1,4}}(?!\w)",
        _span,
        is_quantity=True,
    ),
    finder(
        rf"{BEGIN}(?P<number>\d+(?:\.\d+)?)(?P<letter>[dhsm])(?![\w/'’²³])",
        _short_span,
        is_quantity=True,
    ),
    finder(rf"(?<![\w{QUANTITY}])['’]?(?P<decade>(?:1\d|20)\d0|\d0)['’]?s\b", _decade),
    finder(
        r"(?<!\w)['’](?P<two>\d\d)(?!\w|['’])",
        lambda found: (
            cardinal(int(found["two"])) if found["two"][0] != "0" else digits(found["two"])
        ),
    ),
]

NAMES: list[Finder] = [
    finder(rf"(?<![\w.-])(?P<name>{_SHORT_DAY})(?P<dot>\.?)(?![\w-])", _weekday),
    finder(rf"(?<![\w.-])(?P<name>{any_of(set(MONTH_OF) - {'May'})})\.(?!\w)", _month_alone),
]
