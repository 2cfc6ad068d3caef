"""Finders, in their order of priority, claim parts of a text and say how these are read."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

QUANTITY, OTHER = "\ue001", "\ue000"
"""Stand in a text for the characters that a finder before has claimed."""

BEGIN = rf"(?<![\w{QUANTITY}{OTHER}])"
END = rf"(?![\w{QUANTITY}{OTHER}])"
"""Edges of a word, which `\\b` finds beside what has been claimed too."""

_CLAIMED = {ord(QUANTITY): "\ufffd", ord(OTHER): "\ufffd"}


@dataclass(frozen=True, slots=True)
class Aloud:
    """Words of the text that belong together, and what is said for them."""

    written: str
    said: str
    """Empty where there is nothing to say."""


class Finder(NamedTuple):
    """A kind of thing that is not read as it is written."""

    pattern: re.Pattern[str]
    """Matches in time that is linear in the text: every repetition is bounded or unambiguous."""
    read: Callable[[re.Match[str]], str | None]
    """The words for a match; None where the context says that it is something else.

    The match's `string` is the text, with `QUANTITY` and `OTHER` where others have been.
    """
    is_quantity: bool = False
    """True if "to", "minus" and "by" may stand between two of these."""


def finder(
    pattern: str, read: Callable[[re.Match[str]], str | None], *, is_quantity: bool = False
) -> Finder:
    return Finder(re.compile(pattern), read, is_quantity)


class _Span(NamedTuple):
    start: int
    end: int
    said: str


def aloud(text: str, finders: Sequence[Finder]) -> list[Aloud]:
    """In order; what is written, joined by spaces, is `text` with single spaces."""
    spans = _found(text.translate(_CLAIMED), finders)
    return _pieces(text, spans)


def as_written(text: str) -> list[Aloud]:
    """For a voice of a language whose figures are not known: it is given what is written."""
    return [Aloud(word, word) for word in text.split()]


def before(match: re.Match[str], limit: int = 100) -> str:
    """The text before a match, for a look at its context."""
    return match.string[max(0, match.start() - limit) : match.start()]


def after(match: re.Match[str], limit: int = 60) -> str:
    return match.string[match.end() : match.end() + limit]


def _found(text: str, finders: Sequence[Finder]) -> list[_Span]:
    spans: list[_Span] = []
    for each in finders:
        kept, at = [], 0
        for match in each.pattern.finditer(text):
            said = each.read(match) if match[0] else None
            if said is None:
                continue
            start, end = _stripped(match)
            spans.append(_Span(start, end, said))
            mark = QUANTITY if each.is_quantity else OTHER
            kept += [text[at:start], mark * (end - start)]
            at = end
        if kept:
            text = "".join([*kept, text[at:]])
    return sorted(spans)


def _stripped(match: re.Match[str]) -> tuple[int, int]:
    """Without the blanks around it: they part words."""
    lead = len(match[0]) - len(match[0].lstrip())
    return match.start() + lead, match.start() + len(match[0].rstrip())


def _pieces(text: str, spans: list[_Span]) -> list[Aloud]:
    """Words that one thing is said for are not parted."""
    pieces: list[Aloud] = []
    begin, until, first, last = 0, 0, 0, 0
    for word in re.finditer(r"\S+", text):
        if word.start() >= until:
            if until:
                pieces.append(_piece(text, begin, until, spans[first:last]))
            begin, first = word.start(), last
        until = max(until, word.end())
        while last < len(spans) and spans[last].start < until:
            until = max(until, spans[last].end)
            last += 1
    if until:
        pieces.append(_piece(text, begin, until, spans[first:last]))
    return pieces


def _piece(text: str, start: int, end: int, spans: list[_Span]) -> Aloud:
    said, at = [""], start
    for span in spans:
        _beside(said, text[at : span.start])
        _beside(said, span.said)
        at = span.end
    _beside(said, text[at:end])
    words = re.sub(r"\s+(?=[,.;:!?])|\s+(?=\s)", "", "".join(said)).strip()
    if not any(map(str.isalnum, words)):
        words = "—" if re.fullmatch("[-–—…]+", words) else ""
    return Aloud(" ".join(text[start:end].split()), words)


def _beside(said: list[str], more: str) -> None:
    """A letter and a figure's words do not run into one."""
    if said[-1][-1:].isalnum() and more[:1].isalnum():
        said.append(" ")
    if more:
        said.append(more)
