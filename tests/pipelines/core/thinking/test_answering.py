"""How a reply that broke off ends."""

import pytest

from pipelines.core.thinking.answering import ending, whole

SORRY = ["Sorry,", "I can't."]


@pytest.mark.parametrize(
    ("said", "rest", "last"),
    [
        ([], [], SORRY),
        ([], ["It is exactly"], ["It is exactly", *SORRY]),
        (["It is exactly"], ["twelve or"], ["twelve or", *SORRY]),
        (["It is exactly noon now."], [], []),
        (["It is exactly noon now."], ["And in"], []),
        (["It is exactly"], ["noon.", "And in"], ["noon."]),
        (["It is", "exactly noon."], ["And then?", "We"], ["And then?"]),
        (["Sure."], ["It is"], ["It is", *SORRY]),
        (["Sure."], [], SORRY),
    ],
)
def test_whole_sentences_stand_and_half_ones_are_apologised_for(
    said: list[str], rest: list[str], last: list[str]
) -> None:
    assert ending(said, rest, SORRY) == last


@pytest.mark.parametrize(
    ("said", "rest", "kept"),
    [
        ([], ["It is noon.", "And then"], ["It is noon."]),
        (["It is noon."], ["And then"], []),
        (["It is"], ["exactly"], ["exactly"]),
        ([], [], []),
    ],
)
def test_an_answer_that_was_cut_off_ends_at_a_whole_sentence(
    said: list[str], rest: list[str], kept: list[str]
) -> None:
    assert whole(said, rest) == kept
