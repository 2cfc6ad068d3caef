"""How far a transcript is from what was said, in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WordErrors:
    errors: int
    """Words put in, left out or mistaken: the Levenshtein distance."""
    words: int
    """In the reference."""


def count_word_errors(reference: str, transcript: str) -> WordErrors:
    """Case and punctuation do not count; numbers do, as they are written."""
    said, heard = words_in(reference), words_in(transcript)
    return WordErrors(_distance(said, heard), len(said))


def words_in(text: str) -> list[str]:
    """In lower case, without punctuation."""
    return re.findall(r"[\w']+", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def _distance(said: Sequence[str], heard: Sequence[str]) -> int:
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, start=1):
        diagonal, row[0] = row[0], count
        for index, other in enumerate(heard, start=1):
            substituted = diagonal + (word != other)
            diagonal = row[index]
            row[index] = min(substituted, diagonal + 1, row[index - 1] + 1)
    return row[-1]
