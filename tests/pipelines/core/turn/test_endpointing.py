from dataclasses import replace

import pytest

from pipelines.core.turn.endpointing import (
    Ending,
    Endpointing,
    EndpointingPolicy,
    Evidence,
    dictated,
    ending,
)
from pipelines.core.turn.wording import words

POLICY = EndpointingPolicy()
ENDPOINTING = Endpointing(POLICY)


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
        ("Save it to Charlie Delta.", Ending.COUNTING),
        ("That is spelled K L.", Ending.COUNTING),
        ("What time is it?", Ending.QUESTION),
        ("Which folder should I save it to?", Ending.QUESTION),
        ("what do you want", Ending.QUESTION),
        ("Do not disturb.", Ending.CLOSED),
        ("I live in Paris.", Ending.CLOSED),
        ("When I was young,", Ending.COMMA),
        ("I live in Paris", Ending.OPEN),
    ],
)
def test_how_the_words_end(text: str, expected: Ending) -> None:
    assert ending(text) is expected


@pytest.mark.parametrize(
    ("text", "run"), [("call me", 0), ("extension four two", 2), ("it is 29340", 5), ("a b c", 2)]
)
def test_figures_and_letters_in_a_row_are_counted(text: str, run: int) -> None:
    assert dictated(words(text)) == run


def wait_s(text: str, score: float | None = 0.95, went_on: int = 0) -> float:
    return ENDPOINTING.wait_s(Evidence(text, score=score, went_on=went_on))


def test_a_plain_sentence_is_answered_at_human_pace() -> None:
    assert wait_s("I live in Paris.") <= 0.25


def test_a_thought_that_cannot_end_is_waited_for() -> None:
    assert wait_s("My name is") >= 1.0


def test_the_beginning_of_a_number_is_waited_for_longer_than_a_whole_one() -> None:
    assert wait_s("It is four seven.") > wait_s("It is four seven two nine.")


def test_the_more_the_voice_denies_it_the_longer_the_wait() -> None:
    waits = [wait_s("I live in Paris.", score) for score in (0.9, 0.3, 0.05)]

    assert waits == sorted(waits)
    assert waits[0] < waits[-1] < 0.8


def test_who_has_gone_on_is_waited_for() -> None:
    assert wait_s("I live in Paris.", went_on=2) > wait_s("I live in Paris.")


@pytest.mark.parametrize("text", ["", "My name is", "I live in Paris.", "four seven", "so,"])
@pytest.mark.parametrize("score", [None, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("went_on", [0, 9])
def test_no_wait_is_shorter_or_longer_than_the_policy_says(
    text: str, score: float | None, went_on: int
) -> None:
    assert POLICY.shortest_s <= wait_s(text, score, went_on) <= POLICY.longest_s


@pytest.mark.parametrize(
    ("stood_s", "score", "lead_s"),
    [
        (POLICY.steady_s, 0.6, POLICY.lead_s),
        (0.0, POLICY.sure, POLICY.lead_s),
        (0.0, 0.6, POLICY.short_lead_s),
    ],
)
def test_a_reply_is_begun_before_the_wait_is_over_and_later_where_little_speaks_for_it(
    stood_s: float, score: float, lead_s: float
) -> None:
    text, over_s = "I live in Paris.", wait_s("I live in Paris.")
    begin_s = max(POLICY.soonest_s, over_s - lead_s)

    assert ENDPOINTING.eager(Evidence(text, begin_s, score=score, stood_s=stood_s))
    assert not ENDPOINTING.eager(Evidence(text, begin_s - 0.01, score=score, stood_s=stood_s))


def test_a_stop_within_a_word_begins_no_reply() -> None:
    assert not ENDPOINTING.eager(Evidence("I live in Paris.", 0.06))


def test_a_sentence_that_has_stood_is_answered_before_the_turn_model_has_spoken() -> None:
    text, settled_s = "I live in Paris.", POLICY.settled_s

    assert ENDPOINTING.eager(Evidence(text, 0.03, stood_s=settled_s))
    assert not ENDPOINTING.eager(Evidence(text, 0.03, stood_s=settled_s - 0.01))
    assert not ENDPOINTING.eager(Evidence(text, 0.03, score=0.05, stood_s=settled_s))
    assert not ENDPOINTING.eager(Evidence("I live in Paris", 0.03, stood_s=settled_s))


def test_the_turn_model_is_not_asked_what_the_words_have_told() -> None:
    assert not ENDPOINTING.may_be_over("My name is")
    assert not ENDPOINTING.may_be_over("four seven")
    assert ENDPOINTING.may_be_over("I live in Paris.")


def knowing(likely: float | None) -> Endpointing:
    """Ears that know this of any words."""
    return Endpointing(POLICY, lambda text: likely)


def test_a_thought_that_is_never_over_after_these_words_is_waited_for_whatever_the_mark() -> None:
    whole = Evidence("Your call will be answered by the next.", score=0.95)
    hanging = knowing(POLICY.incomplete - 0.01)

    assert ENDPOINTING.wait_s(whole) == POLICY.closed_s
    assert hanging.wait_s(whole) == POLICY.hanging_s
    assert not hanging.may_be_over(whole.text)
    assert not hanging.eager(replace(whole, silence_s=0.5, stood_s=1.0))


def test_a_number_is_a_number_whatever_is_known_of_its_words() -> None:
    number = Evidence("It is four seven.", score=0.95)

    assert knowing(0.001).wait_s(number) == ENDPOINTING.wait_s(number)


@pytest.mark.parametrize("likely", [None, POLICY.whole, 0.9])
def test_a_thought_that_may_be_over_is_answered_as_if_nothing_were_known(
    likely: float | None,
) -> None:
    text, settled_s = "I live in Paris.", POLICY.settled_s
    evidence = Evidence(text, 0.03, stood_s=settled_s)

    assert knowing(likely).wait_s(evidence) == ENDPOINTING.wait_s(evidence)
    assert knowing(likely).eager(evidence)


def test_no_reply_is_begun_early_to_words_that_seldom_end_a_thought() -> None:
    seldom = knowing(POLICY.whole - 0.01)
    begin_s = POLICY.closed_s - POLICY.lead_s
    assert begin_s < POLICY.closed_s - POLICY.short_lead_s

    for evidence in (
        Evidence("Press one to stop.", 0.03, stood_s=1.0),
        Evidence("Press one to stop.", max(begin_s, 0.03), score=0.95, stood_s=1.0),
    ):
        assert ENDPOINTING.eager(evidence)
        assert not seldom.eager(evidence)
    late_s = POLICY.closed_s - POLICY.short_lead_s
    assert seldom.eager(Evidence("Press one to stop.", late_s, score=0.95, stood_s=1.0))
