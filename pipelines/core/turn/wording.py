"""Words of a transcript, compared as a listener would: without case, marks and spacing."""

import re

_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*", re.UNICODE)


def words(text: str) -> tuple[str, ...]:
    """Its words in lower case, apostrophes straight and no other marks."""
    return tuple(word.replace("’", "'") for word in _WORD.findall(text.lower()))


def same_words(one: str, other: str) -> bool:
    """True if two transcripts differ in formatting at most."""
    return words(one) == words(other)
