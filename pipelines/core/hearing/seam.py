"""Joins the words of two stretches of sound that overlap, where the same words stand in both."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.core.turn.wording import words

_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
"""Thai, kana and Chinese characters: scripts without blanks between words."""
_PIECE = re.compile(rf"\s*(?:[\d{_UNSPACED}]|[^\s\d{_UNSPACED}]+)")
"""A word with the blank before it; figures and characters of unspaced scripts one by one."""
MISPLACED = 0.3
"""A word of the overlap too many or too few weighs so much against words that match."""
SPARE_PIECES = 3


@dataclass(frozen=True, slots=True)
class _Match:
    """`length` pieces are the same, from `before` and from `after` on."""

    before: int
    after: int
    length: int


def joined(before: str, after: str, shared: float) -> str:
    """Both texts, with what they share once.

    `shared`: how many words (figures, characters) the sound has room for that is in both. It tells
    which of several equal words are the same ones; where none is in both texts, each gives up its
    half of it.
    """
    first, second = _PIECE.findall(before), _PIECE.findall(after)
    if not first or not second:
        return before or after
    if not re.match(rf"[\s{_UNSPACED}]", second[0]):
        second[0] = " " + second[0]
    reach = round(2 * shared) + SPARE_PIECES
    start = max(0, len(first) - reach)
    match = _best_match(_plain(first[start:]), _plain(second[:reach]), shared)
    if match is None:
        left, right = len(first) - round(shared / 2), round(shared / 2)
    else:
        middle = match.length // 2
        left, right = start + match.before + middle, match.after + middle
    return "".join(first[: max(0, left)] + second[right:]).strip()


def pieces_in(text: str) -> int:
    """How many words, figures and characters of unspaced scripts it has."""
    return len(_PIECE.findall(text))


def _plain(pieces: Sequence[str]) -> list[str]:
    return ["".join(words(piece)) for piece in pieces]


def _best_match(before: Sequence[str], after: Sequence[str], shared: float) -> _Match | None:
    best, best_worth = None, -1.0
    for i in range(len(before)):
        for j in range(len(after)):
            length = _same_from(before[i:], after[j:])
            # A word that is repeated fits at several places: it tells no more than once.
            different = len(set(before[i : i + length]))
            worth = different - MISPLACED * abs(len(before) - i + j - shared)
            if length and worth > best_worth:
                best, best_worth = _Match(i, j, length), worth
    return best


def _same_from(before: Sequence[str], after: Sequence[str]) -> int:
    length = 0
    for one, other in zip(before, after, strict=False):
        if one != other or not one:
            break
        length += 1
    return length
