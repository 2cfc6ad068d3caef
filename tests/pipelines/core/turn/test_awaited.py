from pipelines.core.turn.awaited import AwaitedAnswer
from pipelines.core.turn.expectation import NOTHING, Expectation, Expected

PIN = Expectation(Expected.NUMBER, 4)


def awaited(last_heard: str = "What is your phone number?") -> AwaitedAnswer:
    return AwaitedAnswer(lambda: last_heard)


def test_the_bots_words_tell_where_nobody_else_does() -> None:
    assert awaited().expectation == Expectation(Expected.NUMBER, 10)


def test_what_was_told_outranks_the_bots_words() -> None:
    answer = awaited()
    answer.expect(PIN)

    assert answer.expectation == PIN


def test_what_was_told_stands_for_one_answer() -> None:
    answer = awaited("Thank you. It is sunny.")
    answer.expect(PIN)
    answer.answered(1)

    assert answer.expectation == NOTHING


def test_an_answer_that_goes_on_is_waited_for_again() -> None:
    answer = awaited()
    answer.expect(PIN)
    answer.answered(1)
    answer.reopened(1)

    assert answer.expectation == PIN


def test_another_turn_that_goes_on_changes_nothing() -> None:
    answer = awaited("It is sunny.")
    answer.expect(PIN)
    answer.answered(1)
    answer.answered(2)
    answer.reopened(2)

    assert answer.expectation == NOTHING


def test_what_is_told_after_an_answer_is_of_the_next() -> None:
    answer = awaited()
    answer.expect(PIN)
    answer.answered(1)
    answer.expect(Expectation(Expected.DATE, 3))
    answer.reopened(1)

    assert answer.expectation == Expectation(Expected.DATE, 3)


def test_nothing_leaves_it_to_the_bots_words_again() -> None:
    answer = awaited()
    answer.expect(PIN)
    answer.expect(NOTHING)

    assert answer.expectation == Expectation(Expected.NUMBER, 10)
