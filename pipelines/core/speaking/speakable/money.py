"""Money as the world writes it: "$12.50", "€1.234,56", "₹1,50,000", "£5.5m", "CHF 50"."""

import re
from functools import lru_cache

from babel.numbers import get_currency_name

from pipelines.core.speaking.speakable.figures import NUMBER, amount, cardinal, count, digits
from pipelines.core.speaking.speakable.finding import QUANTITY, Finder, finder
from pipelines.core.speaking.speakable.words import any_of

SIGNS = {
    "US$": "USD", "USD$": "USD", "$": "", "€": "EUR", "£": "GBP", "¥": "JPY", "JP¥": "JPY",
    "CN¥": "CNY", "￥": "JPY",
    "₹": "INR", "Rs.": "INR", "Rs": "INR", "₨": "INR", "₩": "KRW", "₽": "RUB", "₴": "UAH",
    "₦": "NGN",
    "₫": "VND", "฿": "THB", "₪": "ILS", "₱": "PHP", "₡": "CRC", "₲": "PYG", "₵": "GHS", "₸": "KZT",
    "₺": "TRY", "₼": "AZN", "₾": "GEL", "₿": "BTC", "A$": "AUD", "AU$": "AUD", "C$": "CAD",
    "CA$": "CAD",
    "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "SG$": "SGD", "NT$": "TWD", "R$": "BRL", "MX$": "MXN",
    "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "kr": "kr", "kr.": "kr", "Fr.": "CHF", "SFr.": "CHF",
    "元": "CNY",
    "円": "JPY", "원": "KRW",
}  # fmt: skip
"""ISO 4217 codes of the signs; the Unicode CLDR has the names for them."""

CODES = (
    "USD EUR GBP JPY CNY INR CHF CAD AUD NZD SGD HKD SEK NOK DKK ISK PLN CZK HUF RON BGN TRY BRL "
    "MXN ARS CLP "
    "COP PEN ZAR KRW TWD THB IDR MYR PHP VND ILS AED SAR QAR KWD EGP MAD NGN KES GHS UAH RUB KZT "
    "PKR BDT LKR "
    "BTC ETH"
).split()

_SHORT = {
    "": ("dollar", "dollars"), "USD": ("dollar", "dollars"), "GBP": ("pound", "pounds"),
    "JPY": ("yen", "yen"),
    "INR": ("rupee", "rupees"), "BTC": ("bitcoin", "bitcoins"), "ETH": ("ether", "ether"),
    "kr": ("krone", "kroner"),
    "TRY": ("lira", "lira"),
}  # fmt: skip
"""Names that people say shorter than the CLDR has them."""

_CENTS = {
    "GBP": ("penny", "pence"), "INR": ("paisa", "paise"), "PLN": ("grosz", "groszy"),
    "CHF": ("rappen", "rappen"),
    "SEK": ("öre", "öre"), "NOK": ("øre", "øre"), "DKK": ("øre", "øre"), "kr": ("øre", "øre"),
    "BRL": ("centavo", "centavos"), "MXN": ("centavo", "centavos"), "ARS": ("centavo", "centavos"),
    "RUB": ("kopeck", "kopecks"), "TRY": ("kurus", "kurus"), "CZK": ("haler", "halers"),
    "ILS": ("agora", "agorot"),
} | dict.fromkeys(("", *"USD EUR CAD AUD NZD SGD HKD ZAR".split()), ("cent", "cents"))  # fmt: skip
"""The hundredth part, where there is one in use."""

_DOT_IS_POINT = frozenset(
    ("", "USD", "GBP", "CAD", "AUD", "NZD", "BTC", "ETH", "INR", "MXN", "CHF", "ILS")
)
"""In others three figures behind a lone dot are thousands: "1.999 EUR"."""

_SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "mm": "million", "mio": "million",
    "mil": "million",
    "b": "billion", "bn": "billion", "t": "trillion", "tn": "trillion", "trn": "trillion",
    "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
    "lakh": "lakh", "lakhs": "lakh", "crore": "crore", "crores": "crore", "cr": "crore",
}  # fmt: skip

_SCALE = (
    rf"(?:\s?(?:thousand|million|billion|trillion|lakhs?|crores?|mio|bn|mn|tn)(?!\w)"
    rf"|(?:{any_of(set(_SCALES) | {'K', 'M', 'B', 'T'})})(?!\w))"
)


@lru_cache(maxsize=256)
def currency(code: str, *, one: bool) -> str:
    if code in _SHORT:
        return _SHORT[code][0 if one else 1]
    return get_currency_name(code, count=1 if one else 2, locale="en")


def price(figures: str, code: str, scale: str = "") -> str:
    """ "2.50" of dollars is "two dollars and fifty cents"; "3.5" with "m" is millions of them."""
    if scale:
        return f"{count(figures)} {_SCALES[scale.lower()]} {currency(code, one=False)}"
    number = amount(figures)
    if re.fullmatch(r"\d{1,3}\.\d{3}", figures) and code not in _DOT_IS_POINT:
        number = amount(figures.replace(".", ""))
    whole, part = number
    name = currency(code, one=number.is_one)
    if len(part) > 2 or (part.strip("0") and code not in _CENTS):
        return f"{cardinal(int(whole))} point {digits(part)} {currency(code, one=False)}"
    if not part.strip("0"):
        name = currency(code, one=int(whole) == 1)
        grouped = "," in figures and "." not in figures and not part
        return f"{count(figures if grouped else whole)} {name}"
    rest = int(part.ljust(2, "0"))
    cents = f"{cardinal(rest)} {_CENTS[code][0 if rest == 1 else 1]}"
    if not int(whole):
        return cents
    return f"{cardinal(int(whole))} {currency(code, one=int(whole) == 1)} and {cents}"


def _price(found: re.Match[str]) -> str:
    code = SIGNS.get(found["sign"], found["sign"])
    minus = "minus " if found["minus"] else ""
    figures, scale = found["figures"], (found["scale"] or "").strip()
    if not found["until"]:
        return minus + price(figures, code, scale)
    until = price(found["until"], code, (found["until_scale"] or "").strip())
    if amount(figures).part and not scale and not found["until_scale"]:
        return f"{minus}{price(figures, code)} to {until}"
    return f"{minus}{count(figures)}{f' {_SCALES[scale.lower()]}' if scale else ''} to {until}"


def _cents(found: re.Match[str]) -> str:
    number = int(found["figures"])
    one, many = ("cent", "cents") if found["sign"] == "¢" else ("penny", "pence")
    return f"{cardinal(number)} {one if number == 1 else many}"


_FIGURES = rf"(?:{NUMBER}|\.\d{{1,2}})"
_SIGN = rf"(?:{any_of(SIGNS)}|(?:{any_of(CODES)})\s?)"
_NO_MORE = r"(?![\d]|[.,]\d)"

_SIGNS_BEHIND = set(SIGNS) - {"Rs", "Rs.", "Ft", "Fr."}

MONEY: list[Finder] = [
    finder(
        rf"(?<![\w{QUANTITY}])(?P<minus>[-−]\s?)?(?P<sign>{any_of([*SIGNS, *CODES])})\s?[-−]?"
        rf"(?P<figures>{_FIGURES}){_NO_MORE}(?P<scale>{_SCALE})?"
        rf"(?:\s?(?:[-–—]|to)\s?{_SIGN}?(?P<until>{NUMBER}){_NO_MORE}(?P<until_scale>{_SCALE})?(?![\w%]))?",
        _price,
        is_quantity=True,
    ),
    finder(
        rf"(?<![\w.,{QUANTITY}])(?P<minus>[-−])?(?P<figures>{NUMBER})(?P<scale>{_SCALE})?"
        rf"(?:\s?[-–]\s?(?P<until>{NUMBER})(?P<until_scale>{_SCALE})?)?\s?"
        rf"(?:(?P<sign>{any_of(_SIGNS_BEHIND)}|{any_of(CODES)}))(?!\w)",
        _price,
        is_quantity=True,
    ),
    finder(
        r"(?<![\w.,])(?P<figures>\d{1,3}(?=\s?¢)|\d\d?(?=p))\s?(?P<sign>¢|p(?!\w))",
        _cents,
        is_quantity=True,
    ),
]
