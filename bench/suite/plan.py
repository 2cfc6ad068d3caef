"""Which turns the suite has: every whole utterance, and turns with pauses put into them.

All is settled by the transcripts, the committed lists and a seed, before anything is fitted.
"""

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from bench.suite.compose import Piece, dips, source
from bench.suite.halves import Half, halves
from bench.suite.pauses import Kind, kind_of_pause
from bench.suite.sources import origin, transcripts

HERE = Path(__file__).parent
LONGEST_S = 20.0
SHORTEST_S = 1.0
LEAST_DIP_DB = -3.0  # a cut may be no louder than this above the threshold of speech
APART = 4  # words between two pauses put into one sentence
GAPS_S = (0.22, 1.0)
WITHIN_S = 0.10  # between two dictated words of one group
MADE: dict[Half, dict[Kind, int]] = {
    "held": {"hanging": 44, "clause": 6},
    "fit": {"hanging": 42, "clause": 9},
}

# Recordings too long for one turn, cut at the natural silences between these words.
EXCERPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "moonshine/two_cities": ((0, 42), (42, 85), (85, 119)),
    "asterisk/priv-callee-options": ((0, 30), (30, 58), (58, 81)),
    "asterisk/basic-pbx-ivr-main": ((0, 26), (26, 59)),
    "asterisk/demo-echotest": ((0, 27), (27, 68)),
    "asterisk/conf-adminmenu-162": ((0, 45),),
    "asterisk/conf-adminmenu-18": ((0, 45),),
}

# The same recording in short turns: some as they are, some with a pause put in.
SHORT = ((0, 12), (12, 24), (24, 36), (36, 48), (48, 60), (60, 70), (70, 85), (85, 96), (96, 119))
SHORT_OF = "moonshine/two_cities"
LONG_S = 8.0  # Asterisk's longer prompts are all telephone: the suite stays small


@dataclass(frozen=True, slots=True)
class Planned:
    """One turn to make."""

    name: str
    half: Half
    band: str
    what: str
    pieces: tuple[Piece, ...]


def planned(root: Path) -> Iterator[Planned]:
    """Every turn without noise, in a fixed order."""
    for half in ("held", "fit"):
        gaps = _gaps(half)
        yield from _plain(half, root)
        yield from _made(half, "hanging", gaps, root)
        yield from _made(half, "clause", gaps, root)
        yield from _dictated(half, gaps)
        yield from _pairs(half, gaps)


def _gaps(half: Half) -> Iterator[float]:
    """Lengths of pauses, evenly over their range in every twenty, shuffled."""
    draw = random.Random(f"gaps {half}")
    low, high = GAPS_S
    while True:
        steps = [low + (high - low) * (step + draw.random()) / 20 for step in range(20)]
        draw.shuffle(steps)
        yield from (round(step, 2) for step in steps)


def _band(name: str, root: Path) -> str:
    """Asterisk's prompts half and half, the long ones narrow; of the others, every third narrow."""
    number = int(hashlib.sha1(f"band {name}".encode()).hexdigest(), 16)
    if origin(name).speaker != "allison-smith":
        return "telephone" if number % 3 == 0 else "wide"
    words = source(name, "wide", root).labels.words
    return "telephone" if words[-1].end_s > LONG_S or number % 2 == 0 else "wide"


def _other(band: str) -> str:
    return "wide" if band == "telephone" else "telephone"


def _wholes(half: Half) -> list[str]:
    """The sources that are whole utterances."""
    return [
        name
        for name, text in transcripts().items()
        if halves()[name] == half and text[0].isupper() and text[-1] in ".,?!" and " " in text
    ]


def _lasts_s(name: str, band: str, root: Path, first: int, after: int) -> float:
    words = source(name, band, root).labels.words
    return words[after - 1].end_s - words[first].start_s


def _plain(half: Half, root: Path) -> Iterator[Planned]:
    for name in _wholes(half):
        band, count = _band(name, root), len(transcripts()[name].split())
        shorter = SHORT if name == SHORT_OF else ()
        for first, after in EXCERPTS.get(name, ((0, count),)) + shorter:
            if SHORTEST_S <= _lasts_s(name, band, root, first, after) <= LONGEST_S:
                text = " ".join(transcripts()[name].split()[first:after])
                pieces = (Piece(name, first, after),)
                title, what = _name("plain", name, first, after), _what(text)
                yield Planned(title, half, band, what, pieces)
                if what == "question":  # there are few
                    yield Planned(f"{title}-{_other(band)}", half, _other(band), what, pieces)


def _what(text: str) -> str:
    if text.endswith("?"):
        return "question"
    return "sentences" if re.search(r"[.?!] ", text) else "sentence"


def _made(half: Half, kind: Kind, gaps: Iterator[float], root: Path) -> Iterator[Planned]:
    """Pauses put into sentences at the quietest places of this kind, one or two in each."""
    places = []
    for name in _wholes(half):
        # The band that the plain turn does not have, so that both are heard.
        band = _other(_band(name, root))
        whole = (0, len(transcripts()[name].split()))
        for within in SHORT if name == SHORT_OF else () if name in EXCERPTS else (whole,):
            cuts = _places(name, band, kind, root, within)
            if cuts and _lasts_s(name, band, root, *within) <= LONGEST_S / 2:
                places.append((name, band, within, cuts))
    random.Random(f"{half} {kind}").shuffle(places)
    places.sort(key=lambda place: _is_common(place[0]))
    left = MADE[half][kind]
    for name, band, (begin, end), cuts in places:
        if left <= 0:
            return
        chosen = cuts[:left]
        left -= len(chosen)
        edges = [begin, *chosen, end]
        pieces = [
            Piece(name, first, after, next(gaps) if after != end else 0.0)
            for first, after in pairwise(edges)
        ]
        title = _name(kind, name, chosen[0], end)
        yield Planned(title, half, band, kind, tuple(pieces))


def _is_common(name: str) -> bool:
    """Not a question, and of the voice of which there is most."""
    return origin(name).speaker == "allison-smith" and not transcripts()[name].endswith("?")


def _places(name: str, band: str, kind: Kind, root: Path, within: tuple[int, int]) -> list[int]:
    """Word numbers before which this sentence can be cut, in order: at most two."""
    found = source(name, band, root).labels
    taken = {pause.after for pause in found.pauses}
    deep = sorted(
        (
            (depth, at + 1)
            for at, depth in enumerate(dips(name, band, root))
            if at not in taken
            and within[0] <= at < within[1] - 1
            and depth >= LEAST_DIP_DB
            and kind_of_pause(found.words[at].text, found.words[at + 1].text) == kind
            and (kind != "clause" or found.words[at].text.endswith(","))
        ),
        reverse=True,
    )
    chosen: list[int] = []
    for _, at in deep:
        if all(abs(at - other) >= APART for other in chosen) and len(chosen) < 2:
            chosen.append(at)
    return sorted(chosen)


def _lines(file: str, half: Half) -> list[str]:
    """The lines of a committed list under the heading of this half."""
    part, found = "", []
    for line in (HERE / file).read_text().splitlines():
        if line in ("# held", "# fit"):
            part = line[2:]
        elif part == half and line:
            found.append(line)
    return found


def _dictated(half: Half, gaps: Iterator[float]) -> Iterator[Planned]:
    for number, line in enumerate(_lines("spoken_numbers.txt", half)):
        carrier, groups = line.split(": ")
        pieces = [
            replace(piece(f"asterisk/{part}"), gap_s=0.06, mark="") for part in carrier.split()
        ]
        pieces[-1] = replace(pieces[-1], gap_s=0.14)
        for part in groups.split():
            if part == "|":
                pieces[-1] = replace(pieces[-1], gap_s=next(gaps))
            else:
                pieces.append(Piece(f"asterisk/{part}", gap_s=WITHIN_S, mark=""))
        pieces[-1] = replace(pieces[-1], gap_s=0.0, mark=".")
        band = ("telephone", "wide")[number % 2]
        yield Planned(f"{half}-numbers-{number + 1}", half, band, "numbers", tuple(pieces))


def piece(part: str) -> Piece:
    """`source`, or `source[first:after]` by word number."""
    found = re.fullmatch(r"([\w/-]+?)(?:\[(\d+):(\d+)\])?", part)
    if found is None:
        raise ValueError(f"not a piece: {part}")
    name, first, after = found.groups()
    return Piece(name, int(first or 0), int(after) if after else None)


def _pairs(half: Half, gaps: Iterator[float]) -> Iterator[Planned]:
    for number, line in enumerate(_lines("sentence_pairs.txt", half)):
        first, second = (Piece(f"asterisk/{part}") for part in line.split())
        band = ("wide", "telephone")[number % 2]
        pieces = (replace(first, gap_s=next(gaps)), second)
        yield Planned(f"{half}-pair-{number + 1}", half, band, "sentences", pieces)


def _name(what: str, name: str, first: int, after: int) -> str:
    stem = name.replace("asterisk/", "").replace("/", "-").replace("_", "-").lower()
    part = (first, after) != (0, len(transcripts()[name].split()))
    return f"{halves()[name]}-{what}-{stem}" + (f"-{first}-{after}" if part else "")


def sources_of(pieces: Sequence[Piece]) -> list[str]:
    """The names of the sources in a turn, each once, in order."""
    return list(dict.fromkeys(piece.source for piece in pieces))
