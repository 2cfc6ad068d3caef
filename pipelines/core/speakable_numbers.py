"""Figures as they are said in English: counts, years, digits one by one, prices."""

import re
from decimal import Decimal

from num2words import num2words

LONGEST_COUNT = 15
"""Digits. A longer one is no count: it is read digit by digit."""

_DIGITS = "zero one two three four five six seven eight nine".split()

CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
CURRENCY_OF_CODE = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}

SCALES = {
    "k": "thousand", "thousand": "thousand", "m": "million", "mn": "million", "million": "million",
    "b": "billion", "bn": "billion", "billion": "billion", "t": "trillion", "trillion": "trillion",
}  # fmt: skip


def count(figures: str) -> str:
    """ "1,250", "-3", "3.14", "007" in words. A figure with a leading zero is read by digits."""
    whole, _, part = figures.replace(",", "").lstrip("+-−").partition(".")
    sign = {"-": "minus ", "−": "minus ", "+": "plus "}.get(figures[:1], "")
    if len(whole) > LONGEST_COUNT or (len(whole) > 1 and whole[0] == "0"):
        said = digits(whole)
    else:
        said = _plain(num2words(int(whole or "0")))
    return f"{sign}{said}" + (f" point {digits(part)}" if part else "")


def ordinal(figures: str) -> str:
    return _plain(num2words(int(figures), to="ordinal"))


def year(figures: str) -> str:
    """As years and house numbers are said: "nineteen oh five", "twenty twenty-four"."""
    return _plain(num2words(int(figures), to="year")).replace("oh-", "oh ")


def house(figures: str) -> str:
    """A house's number: "one twenty-three", "twelve oh five"."""
    if len(figures) == 3 and not figures.endswith("00"):
        oh = "oh " if figures[1] == "0" else ""
        return f"{digits(figures[0])} {oh}{count(str(int(figures[1:])))}"
    return year(figures) if len(figures) == 4 else count(figures)


def digits(figures: str) -> str:
    return " ".join(_DIGITS[int(figure)] for figure in figures if figure.isdigit())


def groups(figures: str) -> str:
    """A telephone number: digit by digit, with a breath between the groups it is written in."""
    found = re.findall(r"\d+", figures)
    if len(found) == 1 and len(found[0]) > 4:
        found = [found[0][at : at + 3] for at in range(0, len(found[0]) - 4, 3)]
        found.append(re.sub(r"\D", "", figures)[3 * len(found) :])
    plus = "plus " if figures.lstrip("( ").startswith("+") else ""
    return plus + ", ".join(_group(group) for group in found)


def price(figures: str, sign: str, scale: str = "") -> str:
    """ "2.50", "$" is "two dollars and fifty cents"; "3.5", "€", "m" is millions of euros."""
    one, many, cent, cents = CURRENCIES[sign]
    if scale:
        return f"{count(figures)} {SCALES[scale.lower()]} {many}"
    whole, _, part = figures.replace(",", "").partition(".")
    if not part or not cent or len(part) > 2 or not int(part):
        exact = figures if part and int(part) else whole
        return f"{count(exact)} {one if exact == '1' else many}"
    rest = int(part.ljust(2, "0"))
    small = f"{count(str(rest))} {cent if rest == 1 else cents}"
    if not int(whole or "0"):
        return small
    return f"{count(whole)} {one if int(whole) == 1 else many} and {small}"


def fraction(over: int, under: int) -> str:
    """ "one half", "two thirds", "seven over twelve"."""
    if under in (2, 4) and 0 < over < under:
        name = "half" if under == 2 else "quarter"
        return count(str(over)) + f" {name}" + ("s" if over > 1 else "")
    if 0 < over < under <= 10:
        return f"{count(str(over))} {ordinal(str(under))}" + ("s" if over > 1 else "")
    return f"{count(str(over))} over {count(str(under))}"


def is_one(figures: str) -> bool:
    return Decimal(figures.replace(",", "").lstrip("+-−~")) == 1


def _group(figures: str) -> str:
    round_number = len(figures) == 3 and figures.endswith("00") and figures[0] != "0"
    return count(figures) if round_number else digits(figures)


def _plain(words: str) -> str:
    """As Americans say it, without the commas that would make a voice pause."""
    return words.replace(",", "").replace(" and ", " ")
