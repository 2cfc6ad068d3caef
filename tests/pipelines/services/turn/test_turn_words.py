"""The weights that are shipped: what they know of English, and how they are kept."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from pipelines.core.turn.completeness import Weights
from pipelines.core.turn.endpointing import Endpointing, EndpointingPolicy, Evidence
from pipelines.services.turn.turn_words import load_completeness, save
from tests.pipelines.core.turn.test_completeness import weights

POLICY = EndpointingPolicy()


@pytest.mark.parametrize(
    "text",
    [
        "Set an alarm for half past",
        "The weather in San",
        "My account number",
        "I want to book a table at seven for",
        "Can you remind me tomorrow at noon that I have to",
    ],
)
def test_it_knows_where_a_thought_goes_on(text: str) -> None:
    likely = load_completeness().probability(text)
    assert likely is not None
    assert likely < 0.01


@pytest.mark.parametrize(
    "text",
    [
        "Please try again",
        "No, thank you",
        "What time is it",
        "Can you book a table for two people",
        "I live in Paris",
        "How much does it cost",
        "That sounds good",
    ],
)
def test_it_knows_where_one_may_end(text: str) -> None:
    likely = load_completeness().probability(text)
    assert likely is not None
    assert likely > POLICY.whole


@pytest.mark.parametrize(
    "text", ["Wie spät ist es denn jetzt bei euch", "¿Qué hora es ahora mismo?"]
)
def test_of_another_language_it_says_nothing(text: str) -> None:
    assert load_completeness().probability(text) is None


def test_what_no_word_list_knows_is_waited_for() -> None:
    alone = Endpointing(POLICY)
    together = Endpointing(POLICY, load_completeness().probability)

    for text in ("Set an alarm for half past.", "My account number.", "The weather in San."):
        evidence = Evidence(text, score=0.9)
        assert together.wait_s(evidence) > alone.wait_s(evidence) + 0.3


@pytest.mark.parametrize(
    "text", ["Where are you?", "And you?", "What model are you?", "Can you book a table for two?"]
)
def test_a_question_is_answered_at_once(text: str) -> None:
    together = Endpointing(POLICY, load_completeness().probability)

    assert together.wait_s(Evidence(text, score=0.95)) <= 0.2
    assert together.eager(Evidence(text, 0.04, stood_s=POLICY.settled_s))


def test_a_question_that_ends_in_a_word_that_ends_none_is_none() -> None:
    together = Endpointing(POLICY, load_completeness().probability)

    hanging = together.wait_s(Evidence("The number is nine, or?", score=0.95))
    assert hanging > together.wait_s(Evidence("Where are you from?", score=0.95))


def test_it_is_loaded_once() -> None:
    assert load_completeness() is load_completeness()


def test_what_is_kept_is_what_was_learned(tmp_path: Path) -> None:
    learned, file = weights(), tmp_path / "words.npz"
    save(learned, file)
    kept = load_completeness(file)._weights
    assert kept.vocabulary == learned.vocabulary
    for field in fields(Weights):
        if field.name != "vocabulary":
            before, after = getattr(learned, field.name), getattr(kept, field.name)
            assert after.dtype == np.float32
            assert np.allclose(before, after, atol=2e-3)
