import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.endpointing import (
    WEIGHTS,
    Ending,
    Endpointing,
    EndpointingPolicy,
    Evidence,
    ending,
    features,
)

ENDPOINTING = Endpointing(EndpointingPolicy())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Ending.NOTHING),
        ("...", Ending.NOTHING),
        ("My name is", Ending.HANGING),
        ("I would like to.", Ending.HANGING),
        ("Um,", Ending.HANGING),
        ("The number is four seven", Ending.COUNTING),
        ("Call 555 12.", Ending.COUNTING),
        ("What time is it?", Ending.QUESTION),
        ("Which folder should I save it to?", Ending.QUESTION),
        ("what do you want", Ending.QUESTION),
        ("I live in Paris.", Ending.CLOSED),
        ("When I was young,", Ending.OPEN),
        ("I live in Paris", Ending.OPEN),
    ],
)
def test_how_the_words_end(text: str, expected: Ending) -> None:
    assert ending(text) is expected


def test_every_feature_has_a_weight() -> None:
    assert {"log_silence", *features(Evidence(""))} == set(WEIGHTS)


def test_certainty_grows_with_the_silence() -> None:
    assert WEIGHTS["log_silence"] > 0


@given(
    st.sampled_from(["", "My name is", "I live in Paris.", "four seven", "so,"]),
    st.none() | st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_when_the_wait_is_over_the_certainty_is_there(
    text: str, score: float | None, voice: float
) -> None:
    evidence = Evidence(text, score=score, voice=voice)
    policy = EndpointingPolicy()

    wait_s = ENDPOINTING.wait_s(evidence)
    reached = ENDPOINTING.certainty(Evidence(text, wait_s, score, voice))

    assert policy.shortest_s <= wait_s <= policy.longest_s
    assert wait_s == policy.longest_s or reached >= policy.commit - 1e-9


def test_a_thought_that_cannot_end_is_waited_for() -> None:
    hanging = ENDPOINTING.wait_s(Evidence("My name is", score=0.9))
    whole = ENDPOINTING.wait_s(Evidence("I live in Paris.", score=0.9))

    assert hanging > 2 * whole


def test_the_turn_model_is_not_asked_what_the_words_have_told() -> None:
    assert not ENDPOINTING.asks("My name is")
    assert ENDPOINTING.asks("I live in Paris.")
