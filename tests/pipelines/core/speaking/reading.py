"""A text as a voice is given it: it comes token by token, and is said clause by clause."""

import re
import tomllib
import unicodedata
from pathlib import Path

from pipelines.core.speaking.phrasing import Phraser
from pipelines.core.speaking.speakable import aloud

Case = tuple[str, str, str]
"""Its kind, the text, and a regular expression for how it may be read."""

_FIGURES = dict(
    zip("0123456789", "zero one two three four five six seven eight nine".split(), strict=True)
)


def cases(name: str) -> list[Case]:
    kinds = tomllib.loads((Path(__file__).parent / name).read_text())
    return [(kind, written, read) for kind, texts in kinds.items() for written, read in texts]


def spoken(text: str) -> str:
    phraser = Phraser()
    tokens = re.findall(r"\s?[^\s]{1,4}|\s", text)
    clauses = [clause for token in tokens for clause in phraser.feed(token)] + phraser.finish()
    return " ".join(piece.said for clause in clauses for piece in aloud(clause) if piece.said)


def is_read_as(said: str, wanted: str) -> bool:
    return re.fullmatch(wanted, plain(said)) is not None


def plain(text: str) -> str:
    """Lower-case words; the "oh" beside a figure is a zero."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"(?<=\w)['’](?=\w)", "", text)
    words = [
        _FIGURES.get(word, word)
        for word in re.findall(r"[^\W_]+|[^\w\s.,;:!?\"'()“”‘’…—–-]|_", text)
    ]
    for at, word in enumerate(words):
        beside = words[max(0, at - 1) : at] + words[at + 1 : at + 2]
        if word in ("oh", "o") and any(one in _FIGURES.values() for one in beside):
            words[at] = "zero"
    return " ".join(words)
