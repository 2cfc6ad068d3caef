"""What is read: turns of public dialogues, each as its words with what comes after each word."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from pipelines.core.completeness import LONGEST
from pipelines.core.wording import words

CORPORA = {
    "dstc8-schema-guided-dialogue": "CC BY-SA 4.0, Google: github google-research-datasets/…",
    "Taskmaster": "CC BY 4.0, Google: github google-research-datasets/…",
    "multi-domain-goal-oriented-dialogues-dataset": "CDLA-Permissive-1.0, Amazon: github awslabs/…",
    "Topical-Chat": "CDLA-Sharing-1.0, Amazon: github alexa/…",
    "tatoeba": "CC BY 2.0 FR, tatoeba.org: deu.txt of the English-German pairs of manythings.org",
}
"""The folders that are looked for, and whose they are. What is missing is passed over."""

_PIECE = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*|[.!?]+|[,;:—]| - ", re.UNICODE)


class Follows(IntEnum):
    """What comes after a word. The order is that of the model's outputs."""

    MORE = 0
    COMMA = 1
    SENTENCE = 2
    """One ends; the turn goes on."""
    TURN = 3
    """It ends."""


@dataclass(frozen=True, slots=True)
class Turn:
    words: tuple[str, ...]
    follows: tuple[Follows, ...]


def read(root: Path) -> dict[str, list[Turn]]:
    """Of each corpus, every turn once. Raises FileNotFoundError where `root` has none of them."""
    seen: set[str] = set()
    found = {name: _once(_texts(root / name), seen) for name in CORPORA}
    if not any(found.values()):
        raise FileNotFoundError(f"{root} has none of the folders {', '.join(CORPORA)}")
    return found


def parse(text: str) -> Turn:
    """The marks are taken away: what the ears write is not always there, or right."""
    said: list[str] = []
    follows: list[Follows] = []
    for piece in _PIECE.findall(text):
        if found := words(piece):
            said.append(found[0])
            follows.append(Follows.MORE)
        elif follows and piece[0] in ".!?":
            follows[-1] = Follows.SENTENCE
        elif follows and follows[-1] is Follows.MORE:
            follows[-1] = Follows.COMMA
    if follows:
        follows[-1] = Follows.TURN
    return Turn(tuple(said), tuple(follows))


def _once(texts: Iterable[str], seen: set[str]) -> list[Turn]:
    turns = []
    for text in texts:
        plain = " ".join(text.split())
        if plain and plain not in seen:
            seen.add(plain)
            turn = parse(plain)
            if 1 <= len(turn.words) <= LONGEST:
                turns.append(turn)
    return turns


def _texts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*.json")):
        yield from _said(json.loads(file.read_text(encoding="utf-8")))
    for file in sorted(folder.rglob("*.tsv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield row.get("utterance") or ""
    for file in sorted(folder.rglob("*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield line.split("\t", 1)[0]


def _said(told: object) -> Iterator[str]:
    """The dialogues of a file, in the three ways in which these corpora write them."""
    dialogues = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    for dialogue in dialogues:
        for key, text in (("turns", "utterance"), ("utterances", "text"), ("content", "message")):
            turns = dialogue.get(key) if isinstance(dialogue, dict) else None
            for turn in turns if isinstance(turns, list) else ():
                if isinstance(turn, dict) and isinstance(turn.get(text), str):
                    yield turn[text]
