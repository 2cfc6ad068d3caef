import pytest

from pipelines.core.turn.answer import Given, figures_in, given
from pipelines.core.turn.expectation import NOTHING, Expectation, Expected, expected_after
from pipelines.core.turn.wording import words


@pytest.mark.parametrize(
    ("said", "kind", "figures"),
    [
        (
            "Hello, this is the bank, my name is Ann. How can I help you today?",
            Expected.REQUEST,
            None,
        ),
        ("how may i assist you", Expected.REQUEST, None),
        ("Can you repeat the reason for your call, please?", Expected.REQUEST, None),
        ("Okay, what is your phone number?", Expected.NUMBER, 10),
        ("Please say the last four digits of your card number.", Expected.NUMBER, 4),
        ("Please enter your six-digit code.", Expected.NUMBER, 6),
        ("What's your account number?", Expected.NUMBER, None),
        ("And your ZIP code, please?", Expected.NUMBER, 5),
        ("May I have your name, please?", Expected.NAME, None),
        ("Who am I speaking with?", Expected.NAME, None),
        ("Could you spell that for me?", Expected.SPELLING, None),
        ("What is your address?", Expected.ADDRESS, None),
        ("What day would you like for your appointment?", Expected.DATE, None),
        ("And what time would you like?", Expected.TIME, None),
        ("How many people will there be?", Expected.AMOUNT, None),
        ("What is your email address?", Expected.EMAIL, None),
        ("Is that correct?", Expected.CONFIRMATION, None),
        ("Is there anything else I can help you with?", Expected.CONFIRMATION, None),
        ("So you want to cancel it, right?", Expected.CONFIRMATION, None),
        ("Which card would you like to replace?", Expected.CHOICE, None),
        ("Thank you for calling. Have a great day!", Expected.FAREWELL, None),
        ("Your balance is one hundred and thirty four dollars.", Expected.NOTHING, None),
        ("Your card number ends in four two.", Expected.NOTHING, None),
        ("My name is Linda.", Expected.NOTHING, None),
        ("", Expected.NOTHING, None),
        ("Wie heißen Sie?", Expected.NOTHING, None),
    ],
)
def test_the_bots_last_words_tell_what_kind_of_answer_comes(
    said: str, kind: Expected, figures: int | None
) -> None:
    assert expected_after(said) == Expectation(kind, figures)


def test_a_question_before_the_last_one_is_not_waited_for() -> None:
    said = "What is your address? I mean, your name? Is this your own card?"

    assert expected_after(said).kind is Expected.CONFIRMATION


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ("seven one five", 3),
        ("call me", 0),
        ("five five two", 3),
        ("555 12", 5),
        ("double seven", 2),
        ("triple oh", 3),
        ("nineteen eighty four", 4),
        ("twenty twenty six", 4),
        ("four hundred", 3),
        ("oh seven", 2),
    ],
)
def test_figures_are_counted_as_they_are_said(said: str, figures: int) -> None:
    assert figures_in(words(said)) == figures


HELP = Expectation(Expected.REQUEST)
PHONE = Expectation(Expected.NUMBER, 10)


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        ("Hi.", HELP, Given.OPENING),
        ("Hi, my name is Elizabeth Rodriguez.", HELP, Given.OPENING),
        ("Yes, hi, this is John Garcia.", HELP, Given.OPENING),
        ("Um,", HELP, Given.OPENING),
        ("Fine. Hi, my name is Elizabeth David.", HELP, Given.OPENING),
        ("Hello, Mr. Parker Valley National Bank.", NOTHING, Given.OPENING),
        ("Hello, Violet King, I bought a car.", HELP, Given.UNKNOWN),
        ("My name is Ann Lee. I lost my card.", HELP, Given.ENOUGH),
        ("I lost my card. My name is Ann Lee.", HELP, Given.ENOUGH),
        ("I lost my card.", HELP, Given.UNKNOWN),
        ("Hi, my name is Ann, and I lost my debit card.", HELP, Given.ENOUGH),
        ("Hello, this is Harper Valley National Bank.", NOTHING, Given.OPENING),
        ("This is wrong.", NOTHING, Given.UNKNOWN),
        ("It's blue.", NOTHING, Given.UNKNOWN),
        ("I'm calling about my card.", HELP, Given.UNKNOWN),
        ("My name is Ann Lee.", Expectation(Expected.NAME), Given.UNKNOWN),
        ("Okay.", NOTHING, Given.UNKNOWN),
        ("Seven one five.", PHONE, Given.PART),
        ("715 139 0787", PHONE, Given.WHOLE),
        ("It is seven.", Expectation(Expected.NUMBER), Given.UNKNOWN),
        ("No.", Expectation(Expected.CONFIRMATION), Given.WHOLE),
        ("Yes, please.", Expectation(Expected.CONFIRMATION), Given.WHOLE),
        ("Hello?", Expectation(Expected.CONFIRMATION), Given.OPENING),
        ("552 Main Street.", Expectation(Expected.ADDRESS), Given.PART),
        ("552 Main Street, Harper Valley.", Expectation(Expected.ADDRESS), Given.UNKNOWN),
        ("Monday.", Expectation(Expected.DATE), Given.WHOLE),
        ("The 3rd of May, 2026.", Expectation(Expected.DATE), Given.WHOLE),
        ("Eleven am.", Expectation(Expected.TIME), Given.WHOLE),
        ("At 9am.", Expectation(Expected.TIME), Given.WHOLE),
        ("You too.", Expectation(Expected.FAREWELL), Given.WHOLE),
        ("Thank you, bye bye.", Expectation(Expected.FAREWELL), Given.WHOLE),
        ("Wait,", Expectation(Expected.FAREWELL), Given.UNKNOWN),
        ("One more question", Expectation(Expected.FAREWELL), Given.UNKNOWN),
        ("", HELP, Given.UNKNOWN),
    ],
)
def test_how_much_of_an_answer_has_been_given(
    text: str, expected: Expectation, found: Given
) -> None:
    assert given(text, expected) is found
