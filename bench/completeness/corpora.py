"""Turns of public dialogues, each as its words with what comes after each word."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from pipelines.core.turn.completeness import LONGEST
from pipelines.core.turn.wording import words

CORPORA = {
    "dstc8-schema-guided-dialogue": (
        "Google, CC BY-SA 4.0",
        ("dstc8-*/train/dialogues_*.json", "dstc8-*/dev/dialogues_*.json"),
    ),
    "Taskmaster": ("Google, CC BY 4.0", ("Taskmaster/TM-4-2024/data/*.json",)),
    "multi-domain-goal-oriented-dialogues-dataset": (
        "Amazon, CDLA-Permissive-1.0",
        ("multi-domain-*/data/paper_splits/splits_annotated_at_turn_level/*/*.tsv",),
    ),
    "Topical-Chat": ("Amazon, CDLA-Sharing-1.0", ("Topical-Chat/conversations/*.json",)),
    "tatoeba": ("tatoeba.org, CC BY 2.0 FR", ("tatoeba/deu.txt",)),
}
"""The folders that are looked for, whose they are, under which licence, and what of them is read.

The first four are the publishers' repositories under these names (google-research-datasets,
awslabs, alexa); the last is the English-German pairs of manythings.org/anki. None has to be there.
The weights that are shipped come from 113 of the first one's 147 files, four of Topical-Chat's
five, and 50,000 pairs.
"""

_PIECE = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*|[.!?]+|[,;:—]| - ", re.UNICODE)


class Follows(IntEnum):
    """The kinds of what may come after a word, in the order of the model's outputs."""

    MORE = 0
    COMMA = 1
    SENTENCE = 2
    """One ends; the turn goes on."""
    TURN = 3
    """It ends."""


@dataclass(frozen=True, slots=True)
class CorpusTurn:
    words: tuple[str, ...]
    follows: tuple[Follows, ...]


def read(root: Path) -> dict[str, list[CorpusTurn]]:
    """Each corpus's turns, as often as they were said: "yes" is mostly all that is.

    Raises FileNotFoundError where `root` has no corpus.
    """
    found = {name: _turns(root, paths) for name, (_, paths) in CORPORA.items()}
    if not any(found.values()):
        raise FileNotFoundError(f"{root} has none of the folders {', '.join(CORPORA)}")
    return found


def parse(text: str) -> CorpusTurn:
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
    return CorpusTurn(tuple(said), tuple(follows))


def _turns(root: Path, paths: tuple[str, ...]) -> list[CorpusTurn]:
    files = sorted(file for path in paths for file in root.glob(path))
    parsed = (parse(text) for file in files for text in _texts(file))
    return [turn for turn in parsed if 1 <= len(turn.words) <= LONGEST]


def _texts(file: Path) -> Iterator[str]:
    match file.suffix:
        case ".json":
            yield from _said(json.loads(file.read_text(encoding="utf-8")))
        case ".tsv":
            with file.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                    yield row.get("utterance") or ""
        case _:
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
