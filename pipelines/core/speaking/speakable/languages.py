"""Other languages than English: numbers, money, dates and units in the words of their own.

num2words and the Unicode CLDR (babel) have them. Of the context nothing is known, so a number is a
quantity, unless a zero leads it or it is as long as a telephone number's.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_name
from babel.units import format_unit
from num2words import CONVERTER_CLASSES, num2words

from pipelines.core.speaking.speakable.english import aloud
from pipelines.core.speaking.speakable.figures import LONGEST_COUNT, NUMBER
from pipelines.core.speaking.speakable.finding import BEGIN, END, Aloud, Finder, as_written, finder
from pipelines.core.speaking.speakable.finding import aloud as read_by
from pipelines.core.speaking.speakable.money import CODES, SIGNS
from pipelines.core.speaking.speakable.words import UNITS, any_of

Read = Callable[[str], list[Aloud]]

_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}")
_SHORTEST_CODE = 7
"""Figures without marks between them, from which on they are read one by one."""


def reader(language: str) -> Read:
    """For a voice of `language`, as IETF's BCP 47 names it ("de", "pt-BR").

    A voice of a language that is not known is given what is written.
    """
    if language.split("-")[0] == "en":
        return aloud
    name = language.replace("-", "_")
    known = next((each for each in (name, name.split("_")[0]) if each in CONVERTER_CLASSES), None)
    try:
        locale = Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return as_written
    if known is None:
        return as_written
    finders = _Language(known, locale).finders
    return lambda text: read_by(text, finders)


class _Language:
    def __init__(self, name: str, locale: Locale) -> None:
        self._name, self._locale = name, locale
        self._decimal = locale.number_symbols.get("latn", {}).get("decimal", ".")
        self._in_words = lru_cache(maxsize=2048)(self._words)
        self.finders: list[Finder] = [
            finder(
                rf"{BEGIN}(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d){END}(?!T\d)", self._date
            ),
            finder(
                rf"{BEGIN}(?P<day>\d\d?)(?P<sep>[./-])(?P<month>\d\d?)(?P=sep)(?P<year>\d{{4}}){END}",
                self._date,
            ),
            finder(
                rf"(?<!\w)(?P<sign>{any_of([*SIGNS, *CODES])})\s?(?P<figures>{NUMBER})(?![\w%])",
                self._money,
            ),
            finder(
                rf"{BEGIN}(?P<figures>{NUMBER})\s?(?P<sign>{any_of([*SIGNS, *CODES])})(?!\w)",
                self._money,
            ),
            finder(
                rf"{BEGIN}(?P<figures>[-−]?{NUMBER})\s?(?P<unit>{any_of(UNITS)})(?![\w/²³])",
                self._measure,
            ),
            finder(
                r"(?<!\w)(?:\+\d{1,15}(?:[ -]\d{1,14}){0,7}|0\d{1,14}(?:[ -]\d{1,14}){1,7})"
                r"(?!\w|[.,/:]\d)",
                self._figures,
            ),
            finder(rf"(?<![\w.,:/])[-−]?{NUMBER}(?![\w:/]|[-.]\d|\.(?=\s\w))", self._number),
        ]

    def _words(self, number: Decimal, to: str = "cardinal", currency: str = "") -> str | None:
        """None where this language has no words for it."""
        value = int(number) if number == number.to_integral_value() else float(number)
        try:
            if currency:
                return str(num2words(value, lang=self._name, to=to, currency=currency))
            return str(num2words(value, lang=self._name, to=to))
        except (NotImplementedError, KeyError, IndexError, TypeError, ValueError, OverflowError):
            return None

    def _value(self, written: str) -> Decimal:
        """Read with this language's point; two kinds of marks tell theirs by their order."""
        plain = re.sub(r"[\s'’\u00a0\u202f]", "", written).replace("−", "-")
        point = self._decimal
        marks = re.findall("[.,]", plain)
        if len(set(marks)) == 2:
            point = marks[-1]
        elif len(marks) == 1 and not re.search(r"[.,]\d{3}$", plain):
            point = marks[0]
        elif len(marks) > 1:
            point = ""
        other = "".join({".", ","} - {point})
        return Decimal(re.sub(f"[{other}]", "", plain).replace(point or " ", "."))

    def _number(self, found: re.Match[str]) -> str | None:
        written = found[0]
        figures = written.lstrip("-−")
        if re.fullmatch(r"\d+(?:([.,])\d+)(?:\1\d+)+", figures) and not _THOUSANDS.fullmatch(
            figures
        ):
            return None  # a version, a list
        is_code = figures.isdecimal() and (
            len(figures) >= _SHORTEST_CODE or (figures[0] == "0" and len(figures) > 1)
        )
        if is_code:
            return self._figures(found)
        if len(figures) > LONGEST_COUNT:
            return None
        return self._in_words(self._value(written))

    def _figures(self, found: re.Match[str]) -> str | None:
        groups = [
            [self._in_words(Decimal(figure)) for figure in group]
            for group in re.findall(r"\d+", found[0])
        ]
        if any(word is None for group in groups for word in group):
            return None
        plus = "+ " if found[0].startswith("+") else ""
        return plus + ", ".join(" ".join(filter(None, group)) for group in groups)

    def _money(self, found: re.Match[str]) -> str | None:
        code = SIGNS.get(found["sign"], found["sign"]) or "USD"
        value = self._value(found["figures"])
        is_whole = value == value.to_integral_value()
        said = None if is_whole else self._in_words(value, "currency", code)
        number = self._in_words(value)
        if said is None and number is not None:
            name = get_currency_name(code, count=float(value), locale=self._locale)
            whole, cents = divmod(value, 1)
            said = f"{self._in_words(whole)} {name}"
            if cents and value.as_tuple().exponent == -2:
                said += f", {self._in_words(cents * 100)}"
            elif cents:
                said = f"{number} {name}"
        return said

    def _measure(self, found: re.Match[str]) -> str | None:
        value = self._value(found["figures"])
        number = self._in_words(value)
        pattern = format_unit(float(value), UNITS[found["unit"]], "long", locale=self._locale)
        name = re.sub(r"[-−]?\d[\d.,\s\u00a0\u202f]*", "\ue002", pattern, count=1)
        return None if number is None else " ".join(name.replace("\ue002", f" {number} ").split())

    def _date(self, found: re.Match[str]) -> str | None:
        day, month = int(found["day"]), int(found["month"])
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        pattern = self._locale.date_formats["long"].pattern
        words = {
            "d": f"{day}" if "d." in pattern else self._in_words(Decimal(day)),
            "y": self._in_words(Decimal(found["year"]), "year")
            or self._in_words(Decimal(found["year"])),
            "M": self._locale.months["format"]["wide"][month],
        }
        parts = re.findall(r"'([^']*)'|(d+|M+|y+)|(.)", pattern)
        if any(other.isalpha() and other.isascii() for _, _, other in parts):
            return None
        said = [quoted or (words[field[0]] if field else other) for quoted, field, other in parts]
        return None if None in said else " ".join("".join(filter(None, said)).split()).rstrip(" .")
