"""Spoken numbers as figures, so that the rules for dates need to know one spelling only."""

import re
from collections.abc import Callable

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
).split()

_FIGURES = {word: str(number) for number, word in enumerate(_UNITS)}
_FIGURES |= {word: str(10 * number) for number, word in enumerate(_TENS, 2)}
_FIGURES |= {
    f"{tens} {unit}": str(10 * number + digit)
    for number, tens in enumerate(_TENS, 2)
    for digit, unit in enumerate(_UNITS[1:10], 1)
}
_FIGURES |= {word: f"{number}th" for number, word in enumerate(_ORDINALS, 1)}
_FIGURES |= {"twentieth": "20th", "thirtieth": "30th", "thirty first": "31th"}
_FIGURES |= {f"twenty {word}": f"{number}th" for number, word in enumerate(_ORDINALS[:9], 21)}
_NUMBER = re.compile(r"\b(" + "|".join(sorted(_FIGURES, key=len, reverse=True)) + r")\b(?!\s*hand)")

_SHORT = {word[:3]: word for word in (*WEEKDAYS, *MONTHS)}
_SHORT |= {"tues": "tuesday", "thur": "thursday", "thurs": "thursday", "sept": "september"}
_SHORT["weds"] = "wednesday"
_ABBREVIATED = re.compile(rf"\b({'|'.join(sorted(_SHORT, key=len, reverse=True))})\b\.?")

_LONG = {"min": "minute", "hr": "hour", "wk": "week", "yr": "year"}
_SPELLINGS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"[’']s\b|[’']", ""),  # a week's time, o'clock, Tuesday's
    (r"\b([ap])\.?\s?m\b\.?", r"\1m"),
    (r"(\d)([ap]m)\b", r"\1 \2"),
    (r"(?<=[a-z])-(?=[a-z])|(?<=[a-z]),|,(?=\s|$)|[.!?](?=\s|$)", " "),
    (r"\b(min|hr|wk|yr)(s?)\b", lambda found: _LONG[found[1]] + found[2]),
    (r"\b(?:please|exactly|about|around|roughly|by)\b", " "),
    (r"\ba couple of\b|\ba couple\b", "2"),
    (r"\bhalf an? hour\b|\ba half hour\b", "30 minutes"),
    (r"\b(?:a )?quarter of an hour\b", "15 minutes"),
    (r"\bthree quarters of an hour\b", "45 minutes"),
    (r"\ban? (day|week|month|year|hour|minute|fortnight)\b", r"1 \1"),
)
_FINALLY: tuple[tuple[str, str], ...] = (
    (r"\b(\d+) hours? and a half\b|\b(\d+) and a half hours?\b", r"\1\2 hours 30 minutes"),
    (r"\b1 fortnight\b|\bfortnight\b", "2 weeks"),
    (r"\b(\d+)(?:st|nd|rd)\b", r"\1th"),
    (r"\bpenultimate\b|\b(?:next|2th) to last\b", "penultimate"),
    (r"\bmidday\b|\b12 noon\b", "noon"),
    (r"\b12 midnight\b", "midnight"),
    (r"\bo ?clock\b", "oclock"),
)


class UnclearDateError(ValueError):
    """A phrase that names no date which can be told for sure; the message says what would."""


def plain(phrase: str) -> str:
    """In lower case, numbers as figures (ordinals all in -th), names of days and months whole."""
    text = phrase.lower()
    for pattern, spelling in _SPELLINGS:
        text = re.sub(pattern, spelling, text)
    text = re.sub(r"\s+", " ", text).strip()
    text = _NUMBER.sub(lambda found: _FIGURES[found[1]], text)
    for pattern, spelling in _FINALLY:
        text = re.sub(pattern, spelling, text)
    text = _ABBREVIATED.sub(lambda found: _SHORT[found[1]], text)
    return re.sub(r"\s+", " ", text).strip()
