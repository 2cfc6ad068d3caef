"""True repetition and a decoder that runs in circles, told apart by the sound.

People repeat figures, letters, names and "no" as often as they like: the text does not tell. Tried
on 95 stretches (19 phrases of repeated words, espeak-ng at 120 to 340 words a minute), Moonshine
ended by itself wherever it heard the words, at 2 to 13 tokens a second and at up to 8 of a usual
pace. A decoder that runs in circles goes on to whatever limit it is given.
"""

import re
from collections.abc import Hashable, Sequence

import numpy as np

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
    for width in range(1, len(tokens) // LOOP_COPIES + 1):
        repeated = 0
        while repeated < len(tokens) - width and _repeats(tokens, repeated, width):
            repeated += 1
        if repeated + width >= max(LOOP_COPIES * width, LOOP_TOKENS):
            return len(tokens) - repeated
    return 0


def _repeats(tokens: Sequence[Hashable], from_end: int, width: int) -> bool:
    return tokens[-1 - from_end] == tokens[-1 - from_end - width]


def without_loop(text: str, audio: Samples) -> str:
    """The text of an engine that shows no tokens, without a loop at its end.

    Words and figures that only repeat themselves are a loop if nobody can say as many in the time.
    """
    pieces = re.findall(r"\s*(?:\d|[^\s\d]+)", text)
    ends = [piece.strip() for piece in pieces]
    kept = loop_length([re.sub(r"\W", "", piece).lower() or piece for piece in ends])
    fits = len(pieces) - kept <= audible_s(audio) * WORDS_PER_S + SPARE_TOKENS
    return text if not kept or fits else "".join(pieces[:kept]).strip()
