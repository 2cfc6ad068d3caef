"""Figures in English words: counts, ordinals, years, figure by figure."""

import re
from functools import lru_cache
from typing import NamedTuple

from num2words import num2words

LONGEST_COUNT = 15
"""Figures. A longer number is no count: it is read figure by figure."""

THIN = " '’\u00a0\u2009\u202f"
"""Between thousands, where other countries write neither a comma nor a dot."""

NUMBER = (
    rf"(?:\d{{1,3}}(?:[{THIN}]\d{{3}}){{1,6}}(?!\d|[{THIN}]\d)(?:[.,]\d{{1,20}})?"
    r"|\d{1,40}(?:[.,]\d{1,20}){0,8})"
)
"""An amount as any country writes it."""

_DIGITS = "zero one two three four five six seven eight nine".split()
_GROUPS = re.compile(r"\d{1,3}(?:,\d{3})+")
_INDIAN = re.compile(r"\d{1,2}(?:,\d\d)+,\d{3}")
_SIGNS = {"-": "minus ", "−": "minus ", "+": "plus "}


class Amount(NamedTuple):
    whole: str
    part: str
    """The figures behind the point."""

    @property
    def is_one(self) -> bool:
        return self.whole.lstrip("0") == "1" and not self.part


def amount(written: str) -> Amount:
    """1,250.5 and 1.250,5 and 1'250.5 and 1 250,5 are the same.

    A lone comma before three figures parts thousands, a lone dot is a point.
    """
    plain = written.lstrip("+-−").translate({ord(mark): None for mark in THIN})
    dots, commas = plain.count("."), plain.count(",")
    point = "."
    if dots and commas:
        point = max(".,", key=plain.rfind)
    elif (commas == 1 and not _GROUPS.fullmatch(plain)) or dots > 1:
        point = ","
    whole, _, part = plain.rpartition(point) if point in plain else (plain, "", "")
    return Amount(re.sub("[.,]", "", whole) or "0", re.sub("[.,]", "", part))


def count(written: str) -> str:
    """ "1,250", "-3", "3.14", "007" in words. A number with a leading zero is read by figures."""
    number = amount(written)
    sign = _SIGNS.get(written[:1], "")
    if _INDIAN.fullmatch(written):
        return _plain(_in_india(int(number.whole)))
    if len(number.whole) > LONGEST_COUNT or (len(number.whole) > 1 and number.whole[0] == "0"):
        said = digits(number.whole)
    else:
        said = cardinal(int(number.whole))
    return f"{sign}{said}" + (f" point {digits(number.part)}" if number.part else "")


def digits(figures: str) -> str:
    return " ".join(_DIGITS[int(figure)] for figure in figures if figure.isdecimal())


def groups(figures: str) -> str:
    """Figure by figure, with a breath between the groups that they are written in.

    A long number without groups gets some of three figures, the last of up to five.
    """
    found = re.findall(r"\d+", figures)
    if len(found) == 1 and len(found[0]) > 4:
        found = [found[0][at : at + 3] for at in range(0, len(found[0]) - 4, 3)]
        found.append(re.sub(r"\D", "", figures)[3 * len(found) :])
    return ", ".join(map(digits, found))


def spelled(token: str) -> str:
    """A code: figure by figure, letter by letter; a run of small letters may be a word."""
    said: list[str] = []
    for run in re.findall(r"\d+|[^\W\d_]+", token):
        is_word = len(run) > 2 and run.islower() and set(run) - set("abcdef")
        is_word = is_word or (len(run) > 3 and run.isupper() and re.search("[AEIOU]", run))
        said.append(run if is_word else groups(run) if run.isdecimal() else " ".join(run))
    return " ".join(said)


@lru_cache(maxsize=4096)
def cardinal(number: int) -> str:
    return _plain(num2words(number))


@lru_cache(maxsize=512)
def ordinal(number: int) -> str:
    return _plain(num2words(number, to="ordinal"))


@lru_cache(maxsize=512)
def year(number: int) -> str:
    """As years and house numbers are said: "nineteen oh five", "twenty twenty-four"."""
    return _plain(num2words(number, to="year")).replace("oh-", "oh ")


@lru_cache(maxsize=128)
def _in_india(number: int) -> str:
    return str(num2words(number, lang="en_IN"))


def house(figures: str) -> str:
    """A house's number: "one twenty-three", "twelve oh five"."""
    if len(figures) == 3 and figures[1:] != "00":
        oh = "oh " if figures[1] == "0" else ""
        return f"{digits(figures[0])} {oh}{cardinal(int(figures[1:]))}"
    return year(int(figures)) if len(figures) == 4 else count(figures)


def fraction(over: int, under: int) -> str:
    """ "one half", "two thirds", "seven over twelve"."""
    if under in (2, 4) and 0 < over < under:
        name = "half" if under == 2 else "quarter"
    elif 0 < over < under and (under <= 10 or under in (12, 16, 32, 64)):
        name = ordinal(under)
    else:
        return f"{cardinal(over)} over {cardinal(under)}"
    return f"{cardinal(over)} {name}" + ("s" if over > 1 else "")


def plural(words: str) -> str:
    if words.endswith("y") and words[-2] not in "aeo":
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith(("x", "ch")) else f"{words}s"


def _plain(words: str) -> str:
    """As Americans say it, without the commas that would make a voice pause."""
    return words.replace(",", "").replace(" and ", " ")
