import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.services.protocols import EAR_RATE_HZ, Samples
from pipelines.services.stt.repetition import (
    SPARE_TOKENS,
    audible_s,
    loop_length,
    news_in,
    room_for,
    without_loop,
)


def sound(length_s: float) -> Samples:
    draw = np.random.default_rng(2)
    return (0.1 * draw.standard_normal(int(length_s * EAR_RATE_HZ))).astype(np.float32)


def silence(length_s: float) -> Samples:
    return np.zeros(int(length_s * EAR_RATE_HZ), np.float32)


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ([], 0),
        ([5, 5, 5], 0),
        ([7, 7, 7, 7], 0),
        ([1, 2, 9, *[4] * 10], 4),
        ([1, 2, 9, *[4] * 40], 4),
        ([1, 2, 9, *[4] * 9], 0),
        ([3, *[4, 5, 6] * 3], 0),
        ([3, *[4, 5, 6] * 4], 4),
        ([3, *[4, 5, 6] * 4, 4], 4),
        ([3, *[4, 5, 6] * 4, 8], 0),
        ([*[4, 5, 6, 7, 8] * 4], 5),
    ],
)
def test_a_loop_is_four_copies_and_ten_tokens(tokens: list[int], kept: int) -> None:
    assert loop_length(tokens) == kept


def test_a_long_text_is_looked_through_in_proportion_to_its_length() -> None:
    class Token:
        compared = 0

        def __eq__(self, other: object) -> bool:
            Token.compared += 1
            return True

        __hash__ = None  # type: ignore[assignment]

    def compared(tokens: list[object]) -> int:
        Token.compared = 0
        loop_length(tokens)
        return Token.compared

    assert compared([Token() for _ in range(4000)]) < 2 * 4000


@given(st.lists(st.integers(0, 3), max_size=40))
def test_what_is_cut_from_a_loop_is_a_copy_of_what_stays(tokens: list[int]) -> None:
    kept = loop_length(tokens)
    if kept:
        widths = range(1, kept + 1)
        assert any(
            all(tokens[i] == tokens[i - width] for i in range(kept, len(tokens)))
            for width in widths
        )


def test_silence_has_no_room_for_words() -> None:
    assert audible_s(silence(3.0)) == 0.0
    assert audible_s(np.zeros(0, np.float32)) == 0.0
    assert room_for(np.concatenate([sound(1.0), silence(5.0)])) == 12 + SPARE_TOKENS


def test_a_word_that_was_said_a_moment_ago_is_no_news() -> None:
    assert news_in("no no no no please".split()) == 2
    assert news_in("one two three four".split()) == 4
    assert news_in([1, *range(10, 30), 1]) == 22


@pytest.mark.parametrize(
    "text",
    [
        "no, " * 14 + "no.",
        "My number is 555555555512",
        "7 7 7 7 7 7 7 7 7 7 7 7",
        "Anna, Anna, Anna, Anna, Anna, Anna, Anna, Anna, Anna, Anna, Anna",
        "W W W W W W W W W W W W",
        "one two " * 8,
        "对对对对对对对对对对对对",
        "我的号码是五五五五五五五五五五一二",
        "はいはいはいはいはいはい",
        "ครับครับครับครับ",
        "hahahahahahahahahaha",
    ],
)
def test_a_repetition_that_somebody_can_have_said_stays(text: str) -> None:
    assert without_loop(text, sound(3.0)) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Take a look at the head" + " of the head" * 20, "Take a look at the head of"),
        ("The call is, " + "I'm, " * 40, "The call is, I'm,"),
        ("7" * 63, "7"),
        ("谢谢" * 40, "谢"),
        ("我们十点关门，" + "关门，" * 30, "我们十点关门，"),
        ("はいはい、" + "はい" * 60, "はいはい、はい"),
        ("ครับ" * 60, "ครับ"),
        ("네네네네 " + "네" * 60, "네네네네 네"),
        ("Well, " + "ha" * 60, "Well, ha"),
        ("2022, " * 30, "2022,"),
    ],
)
def test_a_repetition_that_nobody_can_say_in_the_time_is_a_loop(text: str, kept: str) -> None:
    assert without_loop(text, sound(3.0)) == kept
