"""Things between two marks, of which it is known at the second one only whether they are said.

Sources and stage directions are not; formulas and entities are said as what they stand for.
"""

import html
import json
import re
from typing import NamedTuple

from pipelines.core.speaking.latex import is_formula, plain_formula

PAIRS = {
    "[": "]", "(": ")", "*": "*", "【": "】", "&": ";",
    "$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]",
}  # fmt: skip
"""The second mark of each."""
_LIMITS = {"[": 60, "(": 40, "*": 40, "【": 60, "&": 10, "$": 150}
_FORMULA_LIMIT = 400
"""Characters after which no second mark is waited for."""


class Aside(NamedTuple):
    lead: str = ""
    """Said as it is."""
    again: str = ""
    """Read on after that, as if it had just come."""


_SOURCE = re.compile(
    r"\[?\s?[\^†]?\s?\d{1,4}(?:\s?[-–,;:]\s?\^?\d{1,4})*\s?(?:†[^\]]*)?\]?"
    r"|\^[\w-]+|citation needed|source"
)
_COUNTED = re.compile(
    r"(?i)(?:\b(?:lists?|arrays?|vectors?|intervals?|ranges?|tuples?|between|in)|[=(,\[])\s*$"
)

_STAGE = re.compile(
    r"(?:(?:soft|gentl|loud|quiet|slight|brief|warm|deep|nervous|light)(?:ly|y|e)?\s)?"
    r"(?:laugh|chuckl|giggl|sigh|gasp|cough|snort|groan|moan|yawn|sniff|sob|whisper|paus|smil|grin|"
    r"smirk|wink|nod|shrug|frown|blush|bow|wav|clap|clear|exhal|inhal|breath|hum|sing|whistl|gulp|"
    r"cri|cry|think|beat|silence|applause|music|roll|rais|tilt|lean|look|scratch|hug)"
    r"(?:e?s|e|ing|ed|ling|ning|ping|ging)?(?:\s[a-z]+){0,4}"
)

_SPOKEN_KEYS = "answer response reply message text content speech say output result".split()


def is_source(inside: str, before: str) -> bool:
    """True if brackets hold the number of a source: "[1]", "[2, 3]", "【4:0†source】"."""
    return _SOURCE.fullmatch(inside.strip()) is not None and not _COUNTED.search(before)


def is_stage_direction(inside: str) -> bool:
    """ "laughs", "sighs deeply": done, and not said."""
    return _STAGE.fullmatch(inside.strip(" .!…").lower()) is not None


def spoken_of_json(written: str) -> str | None:
    """The answer in an object that a model wraps it in; None if it is none."""
    try:
        value = json.loads(written, strict=False)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    strings = {str(key).lower(): each for key, each in value.items() if isinstance(each, str)}
    named = [strings[key] for key in _SPOKEN_KEYS if key in strings]
    return next(iter([*named, *(each for each in strings.values() if " " in each)]), None)


def goes_on(opener: str, inside: str) -> bool:
    """True if the second mark may still come, now that `inside` has."""
    char = inside[-1]
    if opener in ("(", "*") and not (char.isalpha() or char in " '…"):
        return False
    if opener == "&" and not (char.isalnum() or char == "#"):
        return False
    return char != "\n" and len(inside) < _LIMITS.get(opener, _FORMULA_LIMIT)


def closes(opener: str, inside: str) -> bool:
    nested = opener == "[" and inside.count("[") >= inside.count("]")
    return inside.endswith(PAIRS[opener]) and not nested


def closed(opener: str, inside: str, before: str) -> Aside:
    """Says what `inside` is, without its marks; `before` are the last characters said."""
    match opener:
        case "&":
            known = html.unescape(f"&{inside};")
            return (
                Aside("&", f"{inside};") if known.startswith("&") and known != "&" else Aside(known)
            )
        case "$" if not is_formula(inside):
            return Aside("$", f"{inside}$")
        case "$" | "$$" | "\\(" | "\\[":
            return Aside(plain_formula(inside))
        case "[" | "【" if is_source(inside, before):
            return Aside()
        case _:
            if is_stage_direction(inside):
                return Aside()
    return Aside(lead_of(opener, before), inside + (PAIRS[opener] if opener in "[(" else ""))


def lead_of(opener: str, before: str) -> str:
    """Said for a mark that had no second one."""
    if opener == "[":
        return " " if before[-1:].isalnum() else ""
    return opener if opener in "(&$" else ""
