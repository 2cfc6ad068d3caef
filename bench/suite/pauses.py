"""The kind of pause between two words, read off the transcript before anything is fitted.

- *sentence*: the word before closes a sentence (. ? !); a person might answer there.
- *hanging*: the thought cannot end here. In dictation (a numeral, a letter or a spelling word
  before and after, whatever the comma) or after a word of `hanging_words.txt`.
- *clause*: at a comma, and at every other boundary inside a sentence: what was said so far may be
  a whole thought.
"""

import re
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal["hanging", "clause", "sentence"]

LEAST_S = 0.200  # a shorter gap is articulation, not a pause

DICTATED = frozenset(
    "oh zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand b c d f g j k l n p q w x y z niner charlie delta foxtrot india "
    "juliet lima quebec tango uniform victor zulu".split()
)


@cache
def hanging_words() -> frozenset[str]:
    """The committed list."""
    lines = (Path(__file__).parent / "hanging_words.txt").read_text().splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def kind_of_pause(before: str, after: str) -> Kind:
    """The kind of a pause between two words as written, punctuation included."""
    if before[-1] in ".?!":
        return "sentence"
    bare, following = _bare(before), _bare(after)
    if bare in DICTATED and following in DICTATED:
        return "hanging"
    if before[-1] == ",":
        return "clause"
    return "hanging" if bare in hanging_words() else "clause"


def _bare(word: str) -> str:
    return re.sub(r"[^a-z']", "", word.lower())
