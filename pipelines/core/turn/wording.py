"""Words of a transcript, compared as a listener would: without case, marks and spacing."""

import re

LONGEST_GIST = 2000
"""Characters: some four minutes of speech without an answer."""
_BEGINNING = 100

_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*", re.UNICODE)


def words(text: str) -> tuple[str, ...]:
    """Its words in lower case, apostrophes straight and no other marks."""
    return tuple(word.replace("’", "'") for word in _WORD.findall(text.lower()))


def gist(text: str) -> str:
    """Its beginning and its end, where it is long: by these it is told whether a turn is over.

    That is asked every 20 ms, and must not take the longer the more was said before.
    """
    if len(text) <= LONGEST_GIST:
        return text
    return f"{text[:_BEGINNING]} {text[_BEGINNING - LONGEST_GIST :]}"


def same_words(one: str, other: str) -> bool:
    """True if two transcripts differ in formatting at most."""
    return words(one) == words(other)
