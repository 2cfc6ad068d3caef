import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.hearing.seam import joined, pieces_in

FIVES = "my code is five five five five"
"""Heard up to the seam."""


@pytest.mark.parametrize(
    ("before", "after", "shared", "whole"),
    [
        ("if she gets cold eas", "gets cold easily and", 3, "if she gets cold easily and"),
        ("it only goes. When", "only goes when the wind", 3, "it only goes when the wind"),
        (FIVES, "five five one two", 2, FIVES + " one two"),
        (FIVES, "five five one two", 1, FIVES + " five one two"),
        (FIVES, "five five one two", 0.2, FIVES + " five one two"),
        (FIVES, "five five five five one", 2, FIVES + " five five one"),
        ("My code is 55555", "55512", 3, "My code is 5555512"),
        ("we went to the see", "the sea and then home", 2, "we went to the sea and then home"),
        ("今天天气很好我们", "很好我们去公园", 4, "今天天气很好我们去公园"),
        ("", "hello", 0, "hello"),
        ("hello there", "", 2, "hello there"),
        ("so it went", "on and on", 0, "so it went on and on"),
    ],
)
def test_words_that_stand_in_both_are_taken_once(
    before: str, after: str, shared: float, whole: str
) -> None:
    assert joined(before, after, shared) == whole


def test_where_nothing_is_in_both_each_gives_up_its_half_of_the_overlap() -> None:
    assert joined("a b c d xx yy", "zz ww e f", 2) == "a b c d xx ww e f"


def test_the_same_words_far_from_the_seam_are_other_words() -> None:
    before = "the dog " + "ran and ran around the old house until " * 3 + "it rained"
    after = "it rained on the dog"

    assert joined(before, after, 2) == before + " on the dog"


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=8, max_size=30), st.integers(1, 4))
def test_an_overlap_without_mistakes_leaves_the_words_as_they_were(
    numbers: list[int], shared: int
) -> None:
    said = ["".join(chr(97 + int(figure)) for figure in str(number)) for number in numbers]
    cut = len(said) // 2
    before, after = said[: cut + shared], said[cut:]

    assert joined(" ".join(before), " ".join(after), shared) == " ".join(said)


def test_figures_and_characters_without_blanks_count_one_by_one() -> None:
    assert pieces_in("at 415 Oak Street") == 6
    assert pieces_in("今天好") == 3
    assert pieces_in("") == 0
