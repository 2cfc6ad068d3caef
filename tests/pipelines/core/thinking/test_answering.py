"""How a reply that broke off ends."""

import pytest

from pipelines.core.thinking.answering import ending

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
