from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.turn.endpointing import (
    PATIENCES_S,
    Ending,
    Endpointing,
    EndpointingPolicy,
    Evidence,
    TurnPatience,
    dictated,
    ending,
)
from pipelines.core.turn.expectation import Expectation, Expected, expected_after
from pipelines.core.turn.wording import words

POLICY = EndpointingPolicy()
ENDPOINTING = Endpointing(POLICY)
HELP = expected_after("Hello, this is the bank. How can I help you today?")
PHONE = expected_after("What is your phone number?")


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
        ("A table for two.", Ending.CLOSED),
        ("Seven.", Ending.COUNTING),
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


def wait_s(
    text: str,
    score: float | None = 0.95,
    *,
    likely: float | None = 0.6,
    expected: Expectation | None = None,
    alternatives: tuple[tuple[str, float], ...] = (),
    patience: TurnPatience = "normal",
) -> float:
    policy = replace(POLICY, patience_s=PATIENCES_S[patience])
    evidence = Evidence(text, score=score, alternatives=alternatives)
    if expected is not None:
        evidence = replace(evidence, expected=expected)
    return Endpointing(policy, lambda _: likely).wait_s(evidence)


def test_a_plain_sentence_is_answered_at_human_pace() -> None:
    assert wait_s("I live in Paris.") <= 0.25


def test_a_question_is_answered_at_once_though_the_voice_denies_it() -> None:
    assert wait_s("What time is it?", 0.2, likely=0.8) == POLICY.shortest_s


def test_a_thought_that_cannot_end_is_waited_for() -> None:
    assert wait_s("My name is", likely=0.001) >= 1.0


def test_the_beginning_of_a_number_is_waited_for_longer_than_a_whole_one() -> None:
    assert wait_s("It is four seven.") > wait_s("It is four seven two nine.")


def test_the_more_the_voice_denies_it_the_longer_the_wait() -> None:
    waits = [wait_s("I live in Paris.", score) for score in (0.95, 0.3, 0.02)]

    assert waits == sorted(waits)
    assert waits[0] < waits[-1] < 1.0


# ---- what was asked ----


@pytest.mark.parametrize(
    "text", ["Hi.", "Hello,", "Hi, my name is Elizabeth Rodriguez.", "Yes, hello, this is Ann Lee."]
)
def test_a_greeting_and_a_name_are_no_request(text: str) -> None:
    assert wait_s(text, expected=HELP) >= 1.0


def test_a_name_is_an_answer_where_it_was_asked_for() -> None:
    asked = expected_after("May I have your name, please?")

    assert wait_s("My name is Elizabeth Rodriguez.", expected=asked) <= 0.3


def test_seven_figures_of_ten_are_waited_for_and_ten_are_not() -> None:
    assert wait_s("Seven one five, one three nine, zero.", expected=PHONE) >= 1.2
    whole = wait_s("Seven one five, one three nine, zero seven eight seven.", expected=PHONE)
    assert whole <= 0.2


def test_a_whole_number_is_taken_sooner_where_it_is_known_to_be_one() -> None:
    text = "Four seven two nine."
    pin = Expectation(Expected.NUMBER, 4)

    assert wait_s(text, 0.5, expected=pin) < wait_s(text, 0.5)


@pytest.mark.parametrize("text", ["Yes.", "No.", "Yes, please.", "That is correct."])
def test_yes_and_no_are_taken_at_once_where_they_were_asked_for(text: str) -> None:
    asked = expected_after("Is that correct?")

    assert wait_s(text, 0.6, likely=None, expected=asked) <= 0.25


def test_a_street_without_a_town_is_waited_for() -> None:
    asked = expected_after("What is your address?")

    street = wait_s("The address is five five two Main Street.", expected=asked)
    assert street >= 1.0
    town = wait_s("It is 552 Main Street, Harper Valley, California.", expected=asked)
    assert town < street / 2


@pytest.mark.parametrize("text", ["Okay.", "Got it.", "Perfect.", "All right, great.", "Sure."])
def test_okay_to_what_was_no_question_is_waited_on(text: str) -> None:
    told = expected_after("Your car is ready.")
    asked = expected_after("Is that all right?")

    assert wait_s(text, likely=None, expected=told) >= 0.8
    assert wait_s("Okay.", likely=None, expected=asked) <= 0.25


@pytest.mark.parametrize(
    "text", ["One moment, please.", "Hold on.", "Let me get my card.", "Just a second. Okay."]
)
def test_a_person_who_asks_for_a_moment_is_given_it(text: str) -> None:
    assert wait_s(text) >= 1.5


@pytest.mark.parametrize("asked", ["Could you repeat that?", "What is your phone number?"])
def test_sure_is_no_answer_to_what_was_asked_for(asked: str) -> None:
    assert wait_s("Sure.", likely=None, expected=expected_after(asked)) >= 1.5


def test_a_person_who_tells_something_in_sentences_is_waited_for_longer() -> None:
    told = "I was at home. The light came on. I got a fright. It was as red as it can be."

    assert wait_s(told) > wait_s("It was as red as it can be.") + 0.1
    assert wait_s("I came at 9 a.m. on Monday.") == wait_s("I came at nine on Monday.")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The light came on.", "Can I still drive it"),
        ("I lost my card.", "I would like a new one."),
        ("We are four.", "One of us is a child."),
        ("My order has not come.", "It was to be here on Monday."),
        ("That is wrong.", "I have never been there."),
    ],
)
def test_after_a_second_sentence_people_are_done_more_often_than_after_a_first(
    first: str, second: str
) -> None:
    assert wait_s(f"{first} {second}", 0.6) < wait_s(second, 0.6)


@pytest.mark.parametrize(
    ("asked", "first", "second"),
    [
        ("", "Seven one five.", "One three nine."),
        ("What is your phone number?", "Seven one five.", "One three nine."),
        ("What is your address?", "552 Main Street.", "Harper Valley."),
        ("How can I help you?", "Hello.", "My name is Ann Lee."),
        ("", "Okay.", "One moment, please."),
    ],
)
def test_a_mark_in_an_answer_that_is_still_to_come_makes_no_second_sentence(
    asked: str, first: str, second: str
) -> None:
    expected = expected_after(asked)
    joined = wait_s(f"{first[:-1]}, {second}", 0.6, expected=expected)

    assert wait_s(f"{first} {second}", 0.6, expected=expected) >= joined


@pytest.mark.parametrize(
    "text",
    [
        "It is four seven.",
        "Call 555 12.",
        "That is spelled K L.",
        "Save it to Charlie Delta.",
        "B 9",
    ],
)
def test_the_voice_does_not_tell_a_number_from_its_parts(text: str) -> None:
    assert wait_s(text, 0.98) == wait_s(text, 0.02) == wait_s(text, None)


def test_the_voice_counts_where_a_number_is_one_reading_of_several() -> None:
    words = (("Call me before.", 0.4),)

    assert wait_s("Call me, B four.", 0.98, alternatives=words) < wait_s(
        "Call me, B four.", 0.02, alternatives=words
    )


def test_a_few_words_are_waited_on_unless_a_few_were_asked_for() -> None:
    which = expected_after("Which card would you like?")

    assert wait_s("The red one.", expected=which) < wait_s("The red one.")


# ---- doubt ----


def test_every_reading_counts_as_much_as_it_is_probable() -> None:
    sure = ENDPOINTING.over(Evidence("It is in Europe.", score=0.9))
    hanging = (("It is in your", 0.26),)
    doubtful = ENDPOINTING.over(Evidence("It is in Europe.", score=0.9, alternatives=hanging))

    assert doubtful < sure


@pytest.mark.parametrize(
    ("heard", "other"),
    [
        ("Tell me about them.", "Tell me about the"),
        ("I want to see Europe.", "I want to see your"),
        ("That is a nice feature.", "That is a nice feature is"),
        ("It is at nine.", "It is at nine to"),
        ("Send it to Anna.", "Send it to an"),
    ],
)
def test_a_second_reading_that_hangs_lengthens_the_wait(heard: str, other: str) -> None:
    certain = wait_s(heard)
    doubtful = wait_s(heard, alternatives=((other, 0.45),))

    assert doubtful > certain + 0.1


def test_readings_that_differ_in_a_mark_alone_change_little() -> None:
    both = wait_s("What time is it?", alternatives=(("What time is it", 0.1),))

    assert both <= wait_s("What time is it?") + 0.05


TEXTS = st.sampled_from(
    ["", "My name is", "I live in Paris.", "four seven", "so,", "Yes.", "Is it?", "Hi.", "the"]
)
SCORES = st.none() | st.floats(0, 1)
SHARES = st.floats(0, 1)


@given(TEXTS, SCORES, TEXTS, SHARES, st.integers(0, 9), st.sampled_from(list(PATIENCES_S)))
def test_no_wait_is_shorter_or_longer_than_the_policy_says(
    text: str, score: float | None, other: str, share: float, went_on: int, patience: TurnPatience
) -> None:
    policy = replace(POLICY, patience_s=PATIENCES_S[patience])
    evidence = Evidence(text, score=score, went_on=went_on, alternatives=((other, share),))

    assert POLICY.shortest_s <= Endpointing(policy).wait_s(evidence) <= POLICY.longest_s


@given(TEXTS, TEXTS, SCORES, SHARES, SHARES)
def test_more_doubt_never_shortens_the_wait(
    heard: str, other: str, score: float | None, one: float, two: float
) -> None:
    """Doubt: another reading, after which the turn is less probably over, gains in probability."""
    little, much = sorted((one, two))
    unlikelier = ENDPOINTING.over(Evidence(other, score=score)) <= ENDPOINTING.over(
        Evidence(heard, score=score)
    )
    if unlikelier:
        waits = [
            ENDPOINTING.wait_s(Evidence(heard, score=score, alternatives=((other, share),)))
            for share in (little, much)
        ]
        assert waits[0] <= waits[1] + 1e-9


@given(TEXTS, SCORES, TEXTS, SHARES)
def test_the_more_patient_never_waits_less(
    text: str, score: float | None, other: str, share: float
) -> None:
    evidence = Evidence(text, score=score, alternatives=((other, share),))
    waits = [
        Endpointing(replace(POLICY, patience_s=PATIENCES_S[patience])).wait_s(evidence)
        for patience in ("quick", "normal", "patient")
    ]

    assert waits == sorted(waits)


@settings(max_examples=50)
@given(TEXTS, st.floats(0, 1), st.floats(0, 1))
def test_the_more_the_voice_says_it_is_over_the_shorter_the_wait(
    text: str, one: float, two: float
) -> None:
    less, more = sorted((one, two))

    assert wait_s(text, more) <= wait_s(text, less)


# ---- beginning a reply early ----


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
    evidence = Evidence("I live in Paris.", score=score, stood_s=stood_s)
    begin_s = max(POLICY.soonest_s, ENDPOINTING.wait_s(evidence) - lead_s)

    assert ENDPOINTING.eager(replace(evidence, silence_s=begin_s))
    assert not ENDPOINTING.eager(replace(evidence, silence_s=begin_s - 0.01))


def test_a_stop_within_a_word_begins_no_reply() -> None:
    assert not ENDPOINTING.eager(Evidence("I live in Paris.", 0.02))


def test_no_reply_is_begun_early_to_words_that_seldom_end_a_thought() -> None:
    seldom = Endpointing(POLICY, lambda _: POLICY.whole - 0.01)
    evidence = Evidence("Press one to stop.", score=0.95, stood_s=1.0)
    over_s = seldom.wait_s(evidence)

    assert not seldom.eager(replace(evidence, silence_s=over_s - POLICY.lead_s + 0.01))
    assert seldom.eager(replace(evidence, silence_s=over_s - POLICY.short_lead_s))


# ---- the turn model ----


def test_the_turn_model_is_not_asked_what_the_words_have_told() -> None:
    assert not ENDPOINTING.may_be_over(Evidence("My name is"))
    assert not ENDPOINTING.may_be_over(Evidence(""))
    assert ENDPOINTING.may_be_over(Evidence("I live in Paris."))


def test_the_turn_model_is_asked_where_the_ears_may_have_misheard() -> None:
    assert ENDPOINTING.may_be_over(Evidence("My name is", alternatives=(("My name, yes.", 0.3),)))
