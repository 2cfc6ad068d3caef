"""Word times: forced alignment of a known text, each edge then moved to where the energy is."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import soxr
from numpy.typing import NDArray
from pocketsphinx import Decoder

from bench.suite.edges import WINDOW_S, Samples, levels_db, speech_bounds, speech_runs

# Pronunciations that CMU's dictionary lacks or that this speaker says otherwise.
PRONOUNCED = {
    "blacklisted": "B L AE K L IH S T IH D",
    "forevermore": "F AO R EH V ER M AO R",
    "keywords": "K IY W ER D Z",
    "login": "L AO G IH N",
    "niner": "N AY N ER",
    "prepend": "P R IY P EH N D",
    "prepending": "P R IY P EH N D IH NG",
    "rerecord": "R IY R IH K AO R D",
    "telemarketers": "T EH L AH M AA R K AH T ER Z",
    "undelete": "AH N D AH L IY T",
    "undeleted": "AH N D AH L IY T IH D",
    "unmute": "AH N M Y UW T",
    "unmuted": "AH N M Y UW T IH D",
    "voicemail": "V OY S M EY L",
    "waldo's": "W AO L D OW Z",
}


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """One word as written, with its punctuation, and where it is heard."""

    text: str
    start_s: float
    end_s: float


def align(samples: Samples, rate_hz: int, transcript: str) -> list[AlignedWord]:
    """Times for every word of `transcript`; raises ValueError where the text does not fit."""
    written = transcript.split()
    if len(written) == 1:
        bounds = speech_bounds(samples, rate_hz)
        return [AlignedWord(written[0], round(bounds.start_s, 2), round(bounds.end_s, 2))]
    spoken = [re.sub(r"[^a-z']", "", word.lower()) for word in written]
    mono = samples if rate_hz == 16000 else soxr.resample(samples, rate_hz, 16000)
    decoder = _decoder()
    unknown = [word for word in spoken if decoder.lookup_word(word) is None]
    if unknown:
        raise ValueError(f"no pronunciation for {unknown}")
    decoder.set_align_text(" ".join(spoken))
    decoder.start_utt()
    decoder.process_raw((mono * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    heard = [
        (re.sub(r"\(\d+\)$", "", part.word), part.start_frame / 100, (part.end_frame + 1) / 100)
        for part in decoder.seg() or ()
        if not part.word.startswith("<") and not part.word.startswith("[")
    ]
    if [word for word, _, _ in heard] != spoken:
        raise ValueError(f"aligned {[word for word, _, _ in heard]} to {spoken}")
    words = [AlignedWord(w, a, b) for w, (_, a, b) in zip(written, heard, strict=True)]
    return refined(words, samples, rate_hz)


@cache
def _decoder() -> Decoder:
    decoder = Decoder(samprate=16000, loglevel="FATAL")
    for word, phones in PRONOUNCED.items():
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, phones, True)
    return decoder


def refined(words: list[AlignedWord], samples: Samples, rate_hz: int) -> list[AlignedWord]:
    """Trim each word to its windows of speech; stretch the first and the last to the bounds.

    Around a silence the aligner shares the silence out between the words; where it is silent the
    energy says better. A word whose windows are all below the threshold keeps its aligned times.
    """
    levels = levels_db(samples, rate_hz)
    active = np.zeros(len(levels), dtype=np.bool_)
    for run in speech_runs(levels):
        active[round(run.start_s / WINDOW_S) : round(run.end_s / WINDOW_S)] = True
    bounds = speech_bounds(samples, rate_hz)
    edges = [(round(word.start_s / WINDOW_S), round(word.end_s / WINDOW_S)) for word in words]
    edges[0] = (round(bounds.start_s / WINDOW_S), edges[0][1])
    edges[-1] = (edges[-1][0], round(bounds.end_s / WINDOW_S))
    for number, ((_, after), (first, _)) in enumerate(pairwise(edges)):
        after, first = _outgrown(active, after, 1, first), _outgrown(active, first, -1, after)
        edges[number] = (edges[number][0], after)
        edges[number + 1] = (first, edges[number + 1][1])
    refined = []
    for word, (first, after) in zip(words, edges, strict=True):
        inside = np.flatnonzero(active[first:after])
        if len(inside):
            first, after = first + int(inside[0]), first + int(inside[-1]) + 1
        refined.append(
            AlignedWord(word.text, round(first * WINDOW_S, 2), round(after * WINDOW_S, 2))
        )
    return refined


def _outgrown(active: NDArray[np.bool_], edge: int, step: int, limit: int) -> int:
    """The edge moved on over windows of speech that lie between two words, up to `limit`."""
    while (edge - limit) * step < 0 and active[edge if step > 0 else edge - 1]:
        edge += step
    return edge
