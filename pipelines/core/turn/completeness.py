"""How probable it is that a thought ends after these words: from the words alone.

A listener knows from the words where a turn may end (the transition-relevance place of Sacks,
Schegloff and Jefferson, 1974), and that it cannot end after "set an alarm for half past". A word
list knows that of "the"; a gated recurrent network (Cho et al., 2014) that has read dialogues
knows it of the rest. `python -m bench.completeness` trains it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipelines.core.turn.wording import words

Matrix = NDArray[np.float32]

BEGIN, UNKNOWN = 0, 1
"""Numbers of what begins every text, and of a word that is not in the vocabulary."""
LONGEST, STEP = 60, 20
"""Words that are looked at: more were never seen in training. The first ones are forgotten so many
at a time, for what is read after them has to be read anew."""
REMEMBERED = 4096
"""Beginnings of texts, of all calls: a transcript grows by a word or two, and is asked about again
and again while a silence grows."""
FEWEST = 3
"""Words: people answer with one or two, of which it has read too little ("next", "the first")."""
STRANGE = 0.5
"""Words of which a larger share is unknown are another language, or no words at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """V words in the vocabulary, E numbers for a word, H for the state."""

    vocabulary: tuple[str, ...]
    """The first two stand for the beginning and for an unknown word."""
    embedding: Matrix
    """Shape (V, E)."""
    of_word: Matrix
    """Shape (E, 3 H): for the reset gate, the update gate and the new state, as PyTorch has it."""
    of_word_bias: Matrix
    """Shape (3 H,)."""
    of_state: Matrix
    """Shape (H, 3 H)."""
    of_state_bias: Matrix
    """Shape (3 H,)."""
    out: Matrix
    """Shape (H, 4): the thought goes on, a comma follows, a sentence ends, the turn ends."""
    out_bias: Matrix
    """Shape (4,)."""


class Completeness:
    """One for all calls: what it has read stays the same. A word takes some 0.05 ms, once."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._numbers = {word: number for number, word in enumerate(weights.vocabulary)}
        self._state = lru_cache(REMEMBERED)(self._read)

    def probability(self, text: str) -> float | None:
        """The probability that a sentence or the turn ends after `text`; None where nothing can be
        said.
        """
        spoken = words(text)
        forgotten = STEP * math.ceil(max(0, len(spoken) - LONGEST) / STEP)
        said = [self._numbers.get(token(word), UNKNOWN) for word in spoken[forgotten:]]
        if len(said) < FEWEST or said.count(UNKNOWN) > STRANGE * len(said):
            return None
        weights = self._weights
        scores = _times(self._state(tuple(said)), weights.out) + weights.out_bias
        shares = np.exp(scores - scores.max())
        return float((shares[2] + shares[3]) / shares.sum())

    def _read(self, said: tuple[int, ...]) -> Matrix:
        """The state after these words: shape (H,)."""
        weights, size = self._weights, len(self._weights.of_state)
        state = self._state(said[:-1]) if said else np.zeros(size, np.float32)
        row = weights.embedding[said[-1] if said else BEGIN]
        of_word = _times(row, weights.of_word) + weights.of_word_bias
        of_state = _times(state, weights.of_state) + weights.of_state_bias
        gates = of_word[: 2 * size] + of_state[: 2 * size]
        reset, update = np.reciprocal(1 + np.exp(-gates)).reshape(2, size)
        new = np.tanh(of_word[2 * size :] + reset * of_state[2 * size :])
        read: Matrix = (1 - update) * new + update * state
        return read


def _times(row: Matrix, matrix: Matrix) -> Matrix:
    """Not `@`: BLAS would wake its threads for so little, and wait for them on a busy machine."""
    product: Matrix = np.einsum("i,ij->j", row, matrix)
    return product


def token(word: str) -> str:
    """As the vocabulary has it: of figures only how many they are."""
    if word.isdigit():
        return "#" * min(len(word), 4)
    return "#x" if any(c.isdigit() for c in word) else word
