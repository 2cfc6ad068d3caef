"""A tally kept character by character agrees with the whole text looked at."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.speaking.tally import ClauseTally
from pipelines.core.speaking.unspaced import weight

PAIRS = ("“”", "()", "「」", "『』", "（）", "《》", "【】", "〈〉")
TEXT = st.text(st.sampled_from("ab1 '‘\"“”()「」.,_我ก\n"), max_size=40)


@given(TEXT)
def test_words_and_letters_are_those_of_the_text(text: str) -> None:
    tally = ClauseTally(text)
    worded = [word for word in text.split() if any(map(str.isalnum, word))]
    assert tally.pieces == len(text.split())
    assert tally.worded == len(worded)
    assert tally.letters == sum(map(str.isalnum, text))
    assert tally.has_words == bool(worded)
    assert tally.first == (worded[0] if worded else "")
    assert abs(tally.dense - sum(map(weight, text))) < 1e-9


@given(TEXT)
def test_it_is_open_while_a_quote_or_a_bracket_is(text: str) -> None:
    assert ClauseTally(text).is_open == (
        text.count('"') % 2 == 1
        or any(text.count(pair[0]) > text.count(pair[1]) for pair in PAIRS)
        or re.search(r"(?:^|\s)['‘]\b", text) is not None
    )
    assert ClauseTally(text).depth("(") == text.count("(") - text.count(")")
