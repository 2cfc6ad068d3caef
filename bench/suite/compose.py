"""One turn from pieces of recordings of one speaker, and where everything is in it."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.suite.alignment import AlignedWord, refined
from bench.suite.edges import (
    WINDOW_S,
    Samples,
    SoundStretch,
    above_rumble,
    has_silence,
    levels_db,
    silences,
    speech_bounds,
    threshold_db,
)
from bench.suite.measure import Labels, MeasuredPause, measure
from bench.suite.pauses import LEAST_S, kind_of_pause
from bench.suite.room import join, padded, room_tone
from bench.suite.sources import load, transcripts

AROUND_S = 0.42
MARGIN_S = 0.03
FADE_S = 0.008
NEAREST_S = 0.03  # how near a word and a silence must agree

# Whose room stands in for a recording of the same publisher that has no silence of its own.
WITH_SILENCE = {"asterisk": "asterisk/vm-toenternumber", "librivox": "librivox/0870"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Words `first` to `after` of a source (None: to its end), then `gap_s` of room tone.

    `mark` is the punctuation after its last word where that is not the source's own.
    """

    source: str
    first: int = 0
    after: int | None = None
    gap_s: float = 0.0
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """A turn as it is sent, its labels, and for each word the source and its number there."""

    pcm: NDArray[np.int16]
    rate_hz: int
    labels: Labels
    taken_from: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SourceRecording:
    """A source recording with room around it, measured."""

    samples: Samples
    rate_hz: int
    labels: Labels


@cache
def source(name: str, band: str, root: Path) -> SourceRecording:
    """The source `name` in a band, padded with its own room and measured."""
    samples, rate_hz = load(name, band, root)
    room = samples
    if not has_silence(levels_db(samples, rate_hz)):
        room, _ = load(WITH_SILENCE[name.split("/")[0]], band, root)
    samples = padded(samples, rate_hz, AROUND_S, zlib.crc32(name.encode()), room)
    return SourceRecording(samples, rate_hz, measure(samples, rate_hz, transcripts()[name]))


def compose(pieces: Sequence[Piece], band: str, root: Path, seed: int) -> Composed:
    """Pieces with their gaps, room tone around them; labels are measured on the result.

    A gap is what is silent from the last sound of a piece to the first of the next, as near as
    room tone can make it: what silence the pieces bring themselves counts towards it.
    """
    first, last = source(pieces[0].source, band, root), source(pieces[-1].source, band, root)
    rate_hz = first.rate_hz
    around = round(AROUND_S * rate_hz)
    turn = room_tone(first.samples, rate_hz, around, seed)
    words: list[AlignedWord] = []
    taken: list[tuple[str, int]] = []
    joins: dict[int, float] = {}
    for number, piece in enumerate(pieces):
        sound, inside = _cut(piece, source(piece.source, band, root))
        offset_s = len(join(turn, sound, rate_hz)) / rate_hz - len(sound) / rate_hz
        words += [AlignedWord(w.text, w.start_s + offset_s, w.end_s + offset_s) for w in inside]
        taken += [(piece.source, piece.first + at) for at in range(len(inside))]
        turn = join(turn, sound, rate_hz)
        if number + 1 < len(pieces):
            bare = piece.gap_s - (len(sound) / rate_hz - inside[-1].end_s)
            _, coming = _cut(pieces[number + 1], source(pieces[number + 1].source, band, root))
            length = max(0, round((bare - coming[0].start_s + 2 * FADE_S) * rate_hz))
            tone = room_tone(source(piece.source, band, root).samples, rate_hz, length, seed + 1)
            joins[len(words) - 1] = (len(turn) + length / 2) / rate_hz
            turn = join(turn, tone, rate_hz)
    turn = join(turn, room_tone(last.samples, rate_hz, around, seed + 2), rate_hz)
    pcm = np.clip(np.round(turn * 32768), -32768, 32767).astype("<i2")
    labels = _labels(above_rumble(pcm / 32768, rate_hz), rate_hz, words, joins)
    return Composed(pcm, rate_hz, labels, tuple(taken))


def dips(name: str, band: str, root: Path) -> list[float]:
    """For each boundary between words, how far below the threshold of speech its quietest is (dB).

    A cut there is heard the less the deeper the dip.
    """
    found = source(name, band, root)
    levels = levels_db(found.samples, found.rate_hz)
    limit = threshold_db(levels)
    return [
        limit - float(levels[_quietest(levels, one, other)])
        for one, other in pairwise(found.labels.words)
    ]


def _quietest(levels: Samples, before: AlignedWord, after: AlignedWord) -> int:
    """The number of the quietest window within 40 ms of the boundary of two words."""
    reach = round(0.04 / WINDOW_S)
    first = max(0, round(before.end_s / WINDOW_S) - reach)
    return first + int(np.argmin(levels[first : round(after.start_s / WINDOW_S) + reach]))


def _cut(piece: Piece, found: SourceRecording) -> tuple[Samples, list[AlignedWord]]:
    """The piece's sound with faded edges, and its words from its own first sample on."""
    words = found.labels.words
    after = len(words) if piece.after is None else piece.after
    start_s = _edge_s(found, piece.first, opening=True)
    end_s = _edge_s(found, after, opening=False)
    rate_hz = found.rate_hz
    sound = found.samples[round(start_s * rate_hz) : round(end_s * rate_hz)].copy()
    fade = round(FADE_S * rate_hz)
    ramp = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / fade) ** 2
    sound[:fade] *= ramp
    sound[-fade:] *= ramp[::-1]
    span = len(sound) / rate_hz
    inside = [
        AlignedWord(w.text, max(0.0, w.start_s - start_s), min(span, w.end_s - start_s))
        for w in words[piece.first : after]
    ]
    if piece.mark is not None:
        inside[-1] = replace(inside[-1], text=inside[-1].text.rstrip(".,?!") + piece.mark)
    return sound, inside


def _edge_s(found: SourceRecording, boundary: int, *, opening: bool) -> float:
    """The place to cut before word `boundary`: the deepest point, or just clear of the sound."""
    words = found.labels.words
    if boundary == 0:
        return words[0].start_s - MARGIN_S
    if boundary == len(words):
        return words[-1].end_s + MARGIN_S
    before, after = words[boundary - 1], words[boundary]
    gap_s = after.start_s - before.end_s
    if gap_s >= 2 * WINDOW_S:
        margin_s = min(gap_s / 2, MARGIN_S)
        return after.start_s - margin_s if opening else before.end_s + margin_s
    levels = levels_db(found.samples, found.rate_hz)
    return (_quietest(levels, before, after) + 0.5) * WINDOW_S


def _labels(
    samples: Samples, rate_hz: int, words: list[AlignedWord], joins: dict[int, float]
) -> Labels:
    """Measured on the turn `above_rumble`; `joins`: after which word, and where, room was put."""
    bounds = speech_bounds(samples, rate_hz)
    bounds = SoundStretch(round(bounds.start_s, 2), round(bounds.end_s, 2))
    words, pauses = list(words), []
    words[0] = replace(words[0], start_s=bounds.start_s)
    words[-1] = replace(words[-1], end_s=bounds.end_s)
    heard = refined(words, samples, rate_hz)  # as cut, they bring their rumble with them
    for gap in silences(samples, rate_hz, LEAST_S):
        after, origin = _placed(gap, heard, joins)
        if after is None:
            continue
        one, other = words[after], words[after + 1]
        words[after] = replace(one, end_s=min(one.end_s, gap.start_s))
        words[after + 1] = replace(other, start_s=max(other.start_s, gap.end_s))
        kind = kind_of_pause(one.text, other.text)
        start_s, duration_s = round(gap.start_s, 2), round(gap.duration_s, 2)
        pauses.append(MeasuredPause(start_s, duration_s, kind, after, origin))
    told = [AlignedWord(w.text, round(w.start_s, 2), round(w.end_s, 2)) for w in words]
    return Labels(bounds, told, pauses)


def _placed(
    gap: SoundStretch, words: list[AlignedWord], joins: dict[int, float]
) -> tuple[int | None, str]:
    """After which word a silence lies, and whether it was made; None if inside a word."""
    for after, at_s in joins.items():
        if gap.start_s < at_s < gap.end_s:
            return after, "made"
    for after, (word, following) in enumerate(pairwise(words)):
        if word.end_s <= gap.start_s + NEAREST_S and gap.end_s - NEAREST_S <= following.start_s:
            return after, "natural"
    return None, ""
