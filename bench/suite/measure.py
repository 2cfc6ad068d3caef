"""The labels of one recording: word times, bounds, and its pauses, from sound and text."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from bench.suite.alignment import AlignedWord, align
from bench.suite.edges import Samples, SoundStretch, silences, speech_bounds
from bench.suite.pauses import LEAST_S, Kind, kind_of_pause

SLACK_S = 0.015


@dataclass(frozen=True, slots=True)
class MeasuredPause:
    """Silence inside a turn: between word `after` (its number) and the next."""

    start_s: float
    duration_s: float
    kind: Kind
    after: int
    origin: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one recording of one turn."""

    bounds: SoundStretch
    words: list[AlignedWord]
    pauses: list[MeasuredPause]

    def as_json(self) -> dict[str, Any]:
        return {
            "start_s": self.bounds.start_s,
            "end_s": self.bounds.end_s,
            "words": [{"word": w.text, "start_s": w.start_s, "end_s": w.end_s} for w in self.words],
            "pauses": [asdict(pause) for pause in self.pauses],
        }


def measure(samples: Samples, rate_hz: int, transcript: str) -> Labels:
    """Align, then find the silences. Raises ValueError where the text does not fit the sound."""
    words = align(samples, rate_hz, transcript)
    bounds = speech_bounds(samples, rate_hz)
    bounds = SoundStretch(round(bounds.start_s, 2), round(bounds.end_s, 2))
    return Labels(bounds, words, natural_pauses(samples, rate_hz, words))


def natural_pauses(samples: Samples, rate_hz: int, words: list[AlignedWord]) -> list[MeasuredPause]:
    """Every silence of 200 ms or more that lies between two words; one inside a word is none."""
    found = []
    for gap in silences(samples, rate_hz, LEAST_S):
        for after, (word, following) in enumerate(pairwise(words)):
            if word.end_s <= gap.start_s + SLACK_S and gap.end_s - SLACK_S <= following.start_s:
                kind = kind_of_pause(word.text, following.text)
                start_s, duration_s = round(gap.start_s, 2), round(gap.duration_s, 2)
                found.append(MeasuredPause(start_s, duration_s, kind, after, "natural"))
    return found
