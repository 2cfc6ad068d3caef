"""Codes: PINs, tickets, postcodes, flights, plates; said figure by figure, letter by letter.

The words around a number say that it is one ("Your PIN is 4821"), or its own form does ("X7K9Q2").
"""

import re

from pipelines.core.speaking.speakable.figures import cardinal, count, digits, groups, spelled
from pipelines.core.speaking.speakable.finding import (
    BEGIN,
    END,
    OTHER,
    QUANTITY,
    Finder,
    after,
    before,
    finder,
)
from pipelines.core.speaking.speakable.words import STATES

CUES = frozenset(
    "pin pins otp totp 2fa code codes passcode passcodes password passphrase token zip "
    "zipcode postcode postal ssn account acct iban bic swift routing tracking parcel shipment "
    "ticket order reservation booking confirmation reference ref case incident complaint "
    "claim policy invoice receipt serial imei vin isbn ean upc sku flight licence license "
    "plate registration id ids identifier uid card cvv cvc member membership customer client "
    "patient employee student passport badge locker extension ext room suite error status "
    "port box frequency tax vat ein mrn prescription voucher coupon promo access security "
    "verification authorisation authorization activation unlock entry key lot batch phone "
    "telephone tel mobile cell fax rfc bug issue conference".split()
)
"""Words beside which a number is a name and no quantity."""
_PAIRS = frozenset(
    "part model train bus meter contract file docket record job vehicle bank gate plate catalog "
    "catalogue product item request transaction queue my your".split()
)
"""Words that are as good where "number" follows them."""

_GLUE = frozenset(
    "number numbers no num nr is was are be the of end ends ended ending in with read reads "
    "as to your my our new old following digits digit last first four it its it's now called "
    "this here still also just only not and or : #".split()
)
"""Words that may stand between such a word and the number."""
_COPULAS = frozenset("is was are be reads now still : also".split())
_AMOUNTS = frozenset(
    "total totals totalled totaled price cost costs balance limit amount fee value worth "
    "capacity volume sum hold holds contain contains last lasts weigh weighs take takes has "
    "have had over under than about around nearly almost roughly approximately at least most "
    "every per sold processed use uses used size length count population answer result "
    "product".split()
)
"""Words behind which a number is a quantity all the same: "the order total is 4821"."""
_VERBS = frozenset("enter type dial texting".split())
_SENDING = frozenset("text send sms".split())
_NUMBER_IS = re.compile(
    r"(?i)\b(?:number(?: on file)? (?:is|reads)|digits (?:are|were)"
    r"|(?:ends|ending|starts|beginning|begins) (?:in|with))\s:?$"
)
_WORD = re.compile(r"[\w']+|[:#.!?;]")

_NOUN_AFTER = re.compile(
    r"(?i)\s(?:dollars?|euros?|pounds?|cents?|rupees|yen|percent|people|persons?|points?|units?|items?|"
    r"users?|times|miles|thousand|million|billion|copies|pieces|boxes|tickets|orders|seats|calls|"
    r"pages|words|employees|customers|members|rooms|years?|months?|weeks?|days?|hours?|minutes?|"
    r"seconds?|or more|or so)\b"
)


def is_cued(text_before: str, text_after: str) -> bool:
    """True if the words around a number say that it is a code."""
    if _NOUN_AFTER.match(text_after):
        return False
    words = _sentence(text_before)
    return (
        _follows_cue(words)
        or _NUMBER_IS.search(text_before) is not None
        or _precedes_cue(text_after)
    )


def _sentence(text_before: str) -> list[str]:
    """Its last words, in small letters."""
    words = _WORD.findall(text_before.lower())
    ends = [
        at
        for at, word in enumerate(words)
        if word in ".!?;" and words[at - 1] not in ("no", "ext", "tel")
    ]
    return [word for word in words[ends[-1] + 1 if ends else 0 :] if word != "."]


def _follows_cue(words: list[str]) -> bool:
    last = len(words) - 1
    while last >= 0 and words[last] in _GLUE:
        last -= 1
    if last < 0:
        return False
    if words[last] in CUES or (words[last] in _PAIRS and "number" in words[last + 1 : last + 2]):
        return True
    if words[-1] in _VERBS or (words[-1] == "to" and not _SENDING.isdisjoint(words[-5:-1])):
        return True
    cue = max((at for at, word in enumerate(words) if word in CUES), default=None)
    return words[-1] in _COPULAS and cue is not None and _AMOUNTS.isdisjoint(words[cue + 1 :])


def _precedes_cue(text_after: str) -> bool:
    words = _WORD.findall(text_after.lower())[:6]
    return words[:1] in (["is"], ["was"], ["as"]) and not CUES.isdisjoint(words[1:])


def may_be_followed_by_code(text: str) -> bool:
    """True if `text` ends where a code may come next: "Your code is:"."""
    words = _sentence(text[-100:].rstrip(" :,"))
    return _follows_cue([*words, ":"])


def _cued(found: re.Match[str]) -> str | None:
    token = found[0]
    figures = sum(map(str.isdecimal, token))
    if figures < 2 or _SHORT_NAME.fullmatch(token) or not is_cued(before(found), after(found)):
        return None
    return chunked(token)


_SHORT_NAME = re.compile(r"[1-9]\d|[1-9]00[A-Z]?|[A-Z]-?\d\d|\d\d[A-Z]")
"""A code that people say as a number: "gate 12", "room 400", "seat 12B"."""


def chunked(code: str) -> str:
    """With a breath where it is written apart."""
    return ", ".join(spelled(part) for part in re.split(r"[\s-]+", code) if part)


def _hyphens(found: re.Match[str]) -> str:
    return chunked(found[0])


def _list(found: re.Match[str]) -> str | None:
    is_american = re.fullmatch(r"(?:1-)?[2-9]\d\d-[2-9]\d\d-\d{4}", found[0])
    if is_american or re.search(r"\+\d{1,4}\s$", before(found, 8)):
        return None  # a telephone number
    return chunked(found[0])


def _slashes(found: re.Match[str]) -> str:
    return ", ".join(count(part) for part in found[0].split("/"))


def _mixed(found: re.Match[str]) -> str | None:
    """Letters and figures in one word: "A4" and "mp3" keep their letters, "X7K9Q2" is spelled."""
    token = found[0]
    if re.fullmatch(r"\d+[x×]\d+", token):
        return None
    runs = re.findall(r"\d+|[^\W\d_]+", token)
    numbers = [run for run in runs if run.isdecimal()]
    is_code = max(map(len, numbers)) > 2 or any(n[0] == "0" and len(n) > 1 for n in numbers)
    if "-" in token and not is_code:
        return None
    if is_code or (len(runs) > 3 and len(token) > 3) or (len(runs) > 2 and len(token) > 4):
        return chunked(token)
    return " ".join(cardinal(int(run)) if run.isdecimal() else run for run in runs)


def _zip_code(found: re.Match[str]) -> str:
    more = f", {digits(found['more'])}" if found["more"] else ""
    return f"{STATES[found['state']]} {digits(found['zip'])}{more}"


def _digits_alone(found: re.Match[str]) -> str | None:
    """Nothing but a number: it answers a question for a code, for quantities are written apart."""
    text = found.string
    is_alone = not re.search(r"[^\W\d_]", text[: found.start()][-60:] + text[found.end() :][:60])
    return groups(found[0]) if is_alone else None


def _unmarked(found: re.Match[str]) -> str | None:
    """A long number without marks is a code, unless something is counted by it."""
    figures, right = found[0], after(found, 25)
    words = _sentence(before(found, 50))
    if (words and words[-1] in _AMOUNTS) or re.search(r"[=×+*/]\s?$|\bequals\s$", before(found, 8)):
        return None
    is_counted = (
        figures.endswith("000")
        or not _AMOUNTS.isdisjoint(words[-4:])
        or re.match(rf"\s?[=×+*/{QUANTITY}]|\s(?!(?:{_NO_NOUNS})\b)[a-z]", right)
    )
    is_long = len(figures) > 6 and not figures.endswith("000")
    return groups(figures) if is_long or not is_counted else None


_NO_NOUNS = (
    "is|was|and|or|to|for|in|on|at|now|by|as|if|with|from|then|again|please|when|will|which|that"
    "|before|after"
)
_TOKEN = r"(?=[A-Za-z-]{0,6}\d)[A-Za-z\d]+(?:-[A-Za-z\d]{1,20}){0,5}"

FORMS: list[Finder] = [
    finder(r"(?<![\w-])[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}(?![\w-])", _hyphens),
    finder(
        rf"\b(?P<state>{'|'.join(STATES)})\s(?P<zip>\d{{5}})(?:-(?P<more>\d{{4}}))?{END}", _zip_code
    ),
    finder(
        rf"{BEGIN}(?:[A-Z]{{1,2}}\d[A-Z\d]?\s\d[A-Z]{{2}}|[A-Z]\d[A-Z]\s\d[A-Z]\d){END}", _hyphens
    ),
    finder(
        rf"{BEGIN}[A-Z]{{2}}\d{{2}}(?:\s[A-Z\d]{{4}}){{2,7}}(?:\s[A-Z\d]{{1,3}})?{END}", _hyphens
    ),
]
"""Codes that are told by their form."""

LISTS: list[Finder] = [
    finder(
        rf"(?<![\w.,/{QUANTITY}{OTHER}-])\d{{1,9}}(?:-\d{{1,9}}){{2,7}}(?:-[\dXx])?(?![\w/-]|[.,]\d)",
        _list,
    ),
    finder(rf"(?<![\w.,/{QUANTITY}{OTHER}-])\d{{1,9}}(?:/\d{{1,9}}){{2,7}}(?![\w/])", _slashes),
    finder(rf"(?<![\w.,/{QUANTITY}{OTHER}-])\d{{4}}(?:[ -]\d{{4}}){{2,4}}(?![\w-])", _hyphens),
    finder(rf"(?<![\w.,/{QUANTITY}{OTHER}-])\d{{5}}-\d{{4}}(?![\w-])", _hyphens),
]
"""Groups of figures with hyphens: "123-45-6789"."""

_SHORT_CUES = "|".join(sorted(cue.upper() for cue in CUES if len(cue) < 4))

CUED: list[Finder] = [
    finder(
        rf"(?<![\w./@{QUANTITY}{OTHER}-])(?:(?!(?:{_SHORT_CUES})\s)[A-Z]{{1,3}}\s|[A-Z]{{1,3}}-[A-Z]{{1,2}}\s)?{_TOKEN}"
        rf"(?:\s(?=[A-Z]{{0,4}}\d{{2}})[A-Z\d]{{2,12}}(?![\w,]))*(?![\w/]|[.,]\d|:\d)",
        _cued,
    ),
]

MIXED: list[Finder] = [
    finder(
        rf"(?<![\w.@#'{QUANTITY}{OTHER}-])(?:(?=[A-Za-z]{{1,20}}-?\d)|(?=\d{{1,20}}[A-Za-z]))[A-Za-z\d]{{1,40}}"
        r"(?:-[A-Za-z\d]*\d[A-Za-z\d]*){0,3}(?!\w|[.,]\d)",
        _mixed,
    ),
]

BARE: list[Finder] = [
    finder(rf"(?<![\w.,{QUANTITY}{OTHER}-])\d{{4,}}(?![\w,-]|\.\d)", _digits_alone),
    finder(rf"(?<![\w.,{QUANTITY}{OTHER}-])\d{{5,}}(?![\w-]|[.,]\d)", _unmarked),
]
"""Numbers of which nothing is known but themselves."""
