"""True repetition and a decoder that runs in circles, told apart by the sound.

People repeat figures, letters, names and "no" as often as they like: the text does not tell. Tried
on 95 stretches (19 phrases of repeated words, espeak-ng at 120 to 340 words a minute), Moonshine
ended by itself wherever it heard the words, at 2 to 13 tokens a second and at up to 8 of a usual
pace. A decoder that runs in circles goes on to whatever limit it is given.
"""

import re
from collections.abc import Hashable, Sequence

import numpy as np

from pipelines.core.speaking.unspaced import weight
from pipelines.services.protocols import EAR_RATE_HZ, Samples

LOOP_TOKENS, LOOP_COPIES = 10, 4
TOKENS_PER_S = 12.0
"""Six words a second ("no, no, no"), each with its comma: nobody repeats faster for long."""
WORDS_PER_S = TOKENS_PER_S / 2
SPARE_TOKENS = 6
NEAR = 8
"""A token that is one of so many before it is no news."""
AUDIBLE_DB = 35.0
"""Below the loudest 20 ms; what is quieter holds no words."""
LONGEST_WORD = 40
"""Letters; one that is longer may have a loop in it."""
FRAME = EAR_RATE_HZ // 50


def audible_s(audio: Samples) -> float:
    """Seconds in which there is sound at all, by frames of 20 ms."""
    frames = audio[: len(audio) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.mean(np.square(frames), axis=1)
    least = power.max(initial=0.0) * 10 ** (-AUDIBLE_DB / 10)
    return float(np.count_nonzero(power > least)) * FRAME / EAR_RATE_HZ


def room_for(audio: Samples) -> int:
    """Tokens that a person can say in it, if most of them are the same few."""
    return int(audible_s(audio) * TOKENS_PER_S) + SPARE_TOKENS


def news_in(tokens: Sequence[Hashable]) -> int:
    """How many of the tokens do not repeat one shortly before."""
    return sum(token not in tokens[max(0, at - NEAR) : at] for at, token in enumerate(tokens))


def loop_length(tokens: Sequence[Hashable]) -> int:
    """How many tokens to keep if the last ones only repeat themselves, else 0.

    A loop is `LOOP_COPIES` copies of the same tokens and `LOOP_TOKENS` in all; one copy is kept.
    Whether it was said so is for the sound to tell.
    """
    backwards = tokens[::-1]
    for width, repeated in enumerate(_repeats(backwards)):
        if width and repeated + width >= max(LOOP_COPIES * width, LOOP_TOKENS):
            return len(tokens) - repeated
    return 0


def _repeats(tokens: Sequence[Hashable]) -> list[int]:
    """For each position, how many tokens from there on are those of the beginning.

    The Z algorithm: in proportion to the number of tokens.
    """
    lengths, begin, end = [0] * len(tokens), 0, 0
    for at in range(1, len(tokens)):
        length = min(lengths[at - begin], end - at) if at < end else 0
        while at + length < len(tokens) and tokens[length] == tokens[at + length]:
            length += 1
        lengths[at] = length
        if at + length > end:
            begin, end = at, at + length
    return lengths


def without_loop(text: str, audio: Samples) -> str:
    """The text of an engine that shows no tokens, without a loop at its end.

    Words and figures that only repeat themselves are a loop if nobody can say as many in the time.
    """
    pieces = [one for piece in re.findall(r"\s*(?:\d|[^\s\d]+)", text) for one in _letters(piece)]
    ends = [piece.strip() for piece in pieces]
    kept = loop_length([re.sub(r"\W", "", piece).lower() or piece for piece in ends])
    size = sum(_size(piece) for piece in ends[kept:])
    fits = size <= audible_s(audio) * WORDS_PER_S + SPARE_TOKENS
    return text if not kept or fits else "".join(pieces[:kept]).strip()


def _letters(piece: str) -> list[str]:
    """A word that is written without blanks, or is longer than words are, letter by letter."""
    if len(piece) <= LONGEST_WORD and not any(map(weight, piece)):
        return [piece]
    return re.findall(r"\s*\S", piece)


def _size(piece: str) -> float:
    """In words."""
    return weight(piece) or 1.0 if len(piece) == 1 else 1.0
