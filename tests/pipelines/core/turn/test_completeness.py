"""Against the same network written out in plain Python, number by number."""

import math

import numpy as np
import pytest

from pipelines.core.turn.completeness import LONGEST, STEP, UNKNOWN, Completeness, Weights, token
from pipelines.core.turn.wording import words

VOCABULARY = ("<begin>", "<unknown>", "press", "one", "to", "stop", "##", "#x")
E, H = 3, 2


def drawn(*shape: int, draw: np.random.Generator) -> np.ndarray:
    return draw.normal(size=shape).astype(np.float32)


def weights() -> Weights:
    draw = np.random.default_rng(7)
    return Weights(
        vocabulary=VOCABULARY,
        embedding=drawn(len(VOCABULARY), E, draw=draw),
        of_word=drawn(E, 3 * H, draw=draw),
        of_word_bias=drawn(3 * H, draw=draw),
        of_state=drawn(H, 3 * H, draw=draw),
        of_state_bias=drawn(3 * H, draw=draw),
        out=drawn(H, 4, draw=draw),
        out_bias=drawn(4, draw=draw),
    )


def by_hand(w: Weights, numbers: list[int]) -> float:
    """The equations of Cho et al. (2014), as PyTorch states them for its GRU."""

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    state = [0.0] * H
    for number in numbers:
        a = [
            sum(float(w.embedding[number, e] * w.of_word[e, k]) for e in range(E))
            + float(w.of_word_bias[k])
            for k in range(3 * H)
        ]
        b = [
            sum(state[h] * float(w.of_state[h, k]) for h in range(H)) + float(w.of_state_bias[k])
            for k in range(3 * H)
        ]
        reset = [sigmoid(a[h] + b[h]) for h in range(H)]
        update = [sigmoid(a[H + h] + b[H + h]) for h in range(H)]
        new = [math.tanh(a[2 * H + h] + reset[h] * b[2 * H + h]) for h in range(H)]
        state = [(1 - update[h]) * new[h] + update[h] * state[h] for h in range(H)]
    scores = [
        sum(state[h] * float(w.out[h, k]) for h in range(H)) + float(w.out_bias[k])
        for k in range(4)
    ]
    shares = [math.exp(score) for score in scores]
    return (shares[2] + shares[3]) / sum(shares)


def numbers_of(text: str) -> list[int]:
    known = {word: number for number, word in enumerate(VOCABULARY)}
    return [0, *(known.get(token(word), UNKNOWN) for word in words(text))]


@pytest.mark.parametrize(
    "text", ["Press one to", "Press one to stop.", "press 12 to zigzag 4a one"]
)
def test_it_is_the_network_that_it_says_it_is(text: str) -> None:
    expected = by_hand(weights(), numbers_of(text))
    assert Completeness(weights()).probability(text) == pytest.approx(expected, abs=1e-5)


def test_marks_case_and_spacing_change_nothing() -> None:
    model = Completeness(weights())
    assert model.probability("Press one, to  STOP!") == model.probability("press one to stop")


def test_it_says_nothing_of_few_words_and_of_words_that_it_does_not_know() -> None:
    model = Completeness(weights())
    assert model.probability("") is None
    assert model.probability("...") is None
    assert model.probability("wie geht es one") is None
    assert model.probability("press one") is None
    assert model.probability("press one wie geht") is not None


def test_of_a_long_text_the_first_words_are_forgotten_so_many_at_a_time() -> None:
    model = Completeness(weights())
    last = "one " * (LONGEST - STEP) + "stop"

    assert model.probability("press " * STEP + last) == model.probability(last)
    assert model.probability("press to " + last) != model.probability(last)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("7", "#"), ("4711", "####"), ("123456", "####"), ("4a", "#x"), ("to", "to")],
)
def test_of_figures_only_their_number_counts(word: str, expected: str) -> None:
    assert token(word) == expected
