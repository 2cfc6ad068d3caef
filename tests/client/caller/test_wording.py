import pytest

from client.caller.wording import WordErrors, count_word_errors


@pytest.mark.parametrize(
    ("reference", "transcript", "errors"),
    [
        ("What time is it?", "what time is it", 0),
        ("It\N{RIGHT SINGLE QUOTATION MARK}s late.", "It's late", 0),
        ("one two three four", "one three four", 1),
        ("one two three", "one two two three", 1),
        ("one two three", "one too three", 1),
        ("one two three", "", 3),
        ("", "noise", 1),
        ("a b c d", "b c d e", 2),
    ],
)
def test_words_put_in_left_out_or_mistaken_are_counted(
    reference: str, transcript: str, errors: int
) -> None:
    assert count_word_errors(reference, transcript).errors == errors


def test_the_rate_is_over_the_words_that_were_said() -> None:
    assert count_word_errors("Three words, spoken.", "x") == WordErrors(3, 3)
