"""The fixed split: which half of the suite a source recording belongs to, with all made of it."""

import hashlib
import re
from functools import cache
from typing import Literal

from bench.suite.sources import transcripts

Half = Literal["fit", "held"]

ALIKE = 7  # as many words in a row said in two sources: they stay together

# Whole recordings of which the sources are parts, one family of long menus that balances the
# natural pauses, and one of the two questions. No speaker but Asterisk's is in both halves.
BY_HAND: dict[str, Half] = {
    "librivox": "held",
    "moonshine": "held",
    "cards": "fit",
    "sphinx": "fit",
    "asterisk/conf-adminmenu": "fit",
    "asterisk/vm-changeto": "fit",
}


@cache
def halves() -> dict[str, Half]:
    """Every source's half: by hand, or else by a hash of the first name of its family."""
    family = _families()
    return {
        source: BY_HAND.get(source.split("/")[0]) or BY_HAND.get(eldest) or _drawn(eldest)
        for source, eldest in family.items()
    }


def _drawn(name: str) -> Half:
    digest = hashlib.sha1(f"half {name}".encode()).hexdigest()
    return "held" if int(digest, 16) & 1 else "fit"


def _families() -> dict[str, str]:
    """The name of each source's family, its first by the alphabet: families share their words."""
    eldest = {source: source for source in transcripts()}
    first_with: dict[str, str] = {}
    for source, text in transcripts().items():
        words = re.sub(r"[^a-z' ]", "", text.lower()).split()
        runs = [words[at : at + ALIKE] for at in range(len(words) - ALIKE + 1)]
        for said in (" ".join(run) for run in [words, *runs]):
            one, other = eldest[source], eldest[first_with.setdefault(said, source)]
            for member in [member for member, old in eldest.items() if old == max(one, other)]:
                eldest[member] = min(one, other)
    return eldest
