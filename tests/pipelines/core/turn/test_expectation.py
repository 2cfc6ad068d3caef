import pytest

from pipelines.core.turn.answer import Given, figures_in, given
from pipelines.core.turn.expectation import (
    NOTHING,
    Expectation,
    Expected,
    announced,
    expected_after,
)
from pipelines.core.turn.wording import words


@pytest.mark.parametrize(
    ("said", "kind", "size"),
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
        ("Could you repeat that, please?", Expected.TELLING, None),
        ("Can you tell me again?", Expected.TELLING, None),
        ("Would you please say it once more?", Expected.TELLING, None),
        ("May I have your first and last name?", Expected.NAME, 2),
        ("What is your full name?", Expected.NAME, 2),
        ("What is your date of birth?", Expected.DATE, 3),
        ("When were you born?", Expected.DATE, 3),
        ("What is their number?", Expected.NUMBER, None),
        ("Is this your address?", Expected.CONFIRMATION, None),
        ("Is your phone number still the same?", Expected.CONFIRMATION, None),
        ("Would you like me to send it to your address?", Expected.CONFIRMATION, None),
        ("Uh, is this the first time?", Expected.CONFIRMATION, None),
        ("Do you have your account number?", Expected.NUMBER, None),
        ("Can I help you?", Expected.REQUEST, None),
        ("Um, okay.", Expected.NOTHING, None),
        ("They will settle you in, okay.", Expected.NOTHING, None),
        ("Your balance is one hundred and thirty four dollars.", Expected.NOTHING, None),
        ("Your card number ends in four two.", Expected.NOTHING, None),
        ("My name is Linda.", Expected.NOTHING, None),
        ("", Expected.NOTHING, None),
        ("Wie heißen Sie?", Expected.NOTHING, None),
    ],
)
def test_the_bots_last_words_tell_what_kind_of_answer_comes(
    said: str, kind: Expected, size: int | None
) -> None:
    assert expected_after(said) == Expectation(kind, size)


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
        ("Hi, why don't a patricia brown?", HELP, Given.OPENING),
        ("Hello, van a john garza.", HELP, Given.OPENING),
        ("Hi, can you reset it?", HELP, Given.UNKNOWN),
        ("Hi, where is my card?", HELP, Given.UNKNOWN),
        ("Okay.", NOTHING, Given.ACKNOWLEDGED),
        ("Got it.", NOTHING, Given.ACKNOWLEDGED),
        ("All right, great.", NOTHING, Given.ACKNOWLEDGED),
        ("Perfect.", Expectation(Expected.CHOICE), Given.ACKNOWLEDGED),
        ("I sure can.", NOTHING, Given.ACKNOWLEDGED),
        ("Yes.", NOTHING, Given.UNKNOWN),
        ("No.", NOTHING, Given.UNKNOWN),
        ("Okay.", Expectation(Expected.CONFIRMATION), Given.WHOLE),
        ("Okay.", Expectation(Expected.FAREWELL), Given.WHOLE),
        ("Yes.", Expectation(Expected.TELLING), Given.OPENING),
        ("Sure.", PHONE, Given.OPENING),
        ("Yes.", Expectation(Expected.ADDRESS), Given.OPENING),
        ("Okay.", Expectation(Expected.SPELLING), Given.OPENING),
        ("No.", PHONE, Given.UNKNOWN),
        ("I do not have one.", PHONE, Given.UNKNOWN),
        ("It's one.", PHONE, Given.PART),
        ("One moment, please.", NOTHING, Given.HOLDING),
        ("Hold on.", PHONE, Given.HOLDING),
        ("Let me just get my card.", PHONE, Given.HOLDING),
        ("I sure can. Give me one moment. Okay.", NOTHING, Given.HOLDING),
        ("Um, let me see.", Expectation(Expected.DATE), Given.HOLDING),
        ("It takes one moment to explain.", NOTHING, Given.UNKNOWN),
        ("I have it here, but", PHONE, Given.UNKNOWN),
        ("715, but I do not know the rest.", PHONE, Given.UNKNOWN),
        ("Seven zero zero two.", Expectation(Expected.NUMBER), Given.SOME),
        ("7002 3345", Expectation(Expected.NUMBER), Given.UNKNOWN),
        ("My phone number is 715 139.", NOTHING, Given.PART),
        ("My phone number's 715 139 0787.", NOTHING, Given.WHOLE),
        ("All right, their number is 333.", NOTHING, Given.SOME),
        ("The zip code is 902.", NOTHING, Given.PART),
        ("Sure, the address is five five two Main Street.", NOTHING, Given.PART),
        ("F I T", Expectation(Expected.SPELLING), Given.PART),
        ("It is R O D R", Expectation(Expected.SPELLING), Given.SOME),
        ("R O D R I G U E Z", Expectation(Expected.SPELLING), Given.UNKNOWN),
        ("S M I", Expectation(Expected.SPELLING, 5), Given.PART),
        ("S M I T H", Expectation(Expected.SPELLING, 5), Given.WHOLE),
        ("My name is Violet.", Expectation(Expected.NAME, 2), Given.PART),
        ("It's Violet King.", Expectation(Expected.NAME, 2), Given.UNKNOWN),
        ("Ann dot lee at", Expectation(Expected.EMAIL), Given.PART),
        ("Ann at example dot com.", Expectation(Expected.EMAIL), Given.WHOLE),
        ("ann.lee@example.org", Expectation(Expected.EMAIL), Given.WHOLE),
        ("I have none.", Expectation(Expected.EMAIL), Given.UNKNOWN),
        ("The third of May.", Expectation(Expected.DATE, 3), Given.PART),
        ("May 3rd, 1984.", Expectation(Expected.DATE, 3), Given.WHOLE),
        ("The third of May nineteen eighty four.", Expectation(Expected.DATE, 3), Given.WHOLE),
        ("Four.", Expectation(Expected.AMOUNT), Given.WHOLE),
        ("A hundred dollars.", Expectation(Expected.AMOUNT), Given.WHOLE),
        ("About a hundred", Expectation(Expected.AMOUNT), Given.UNKNOWN),
        ("552 Main Street, Harper Valley 90210.", Expectation(Expected.ADDRESS), Given.WHOLE),
        ("You have a new card on the way.", NOTHING, Given.UNKNOWN),
        ("A little bit to the right.", Expectation(Expected.CONFIRMATION), Given.UNKNOWN),
        ("Seven one five.", PHONE, Given.PART),
        ("715 139 0787", PHONE, Given.WHOLE),
        ("It is seven.", Expectation(Expected.NUMBER), Given.SOME),
        ("No.", Expectation(Expected.CONFIRMATION), Given.WHOLE),
        ("Yes, please.", Expectation(Expected.CONFIRMATION), Given.WHOLE),
        ("Hello?", Expectation(Expected.CONFIRMATION), Given.OPENING),
        ("552 Main Street.", Expectation(Expected.ADDRESS), Given.PART),
        ("552 Main Street, Harper Valley.", Expectation(Expected.ADDRESS), Given.SOME),
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


@pytest.mark.parametrize(
    ("said", "kind", "size", "rest"),
    [
        ("My phone number is 715", Expected.NUMBER, 10, "715"),
        ("So their number is: 333.", Expected.NUMBER, None, "333."),
        ("The zip is nine oh two", Expected.NUMBER, 5, "nine oh two"),
        ("The address is 5 Main Street.", Expected.ADDRESS, None, "5 Main Street."),
        ("My email address is ann at", Expected.EMAIL, None, "ann at"),
        ("My name is Ann. My number is 7", Expected.NUMBER, None, "7"),
        ("I have lost the number.", Expected.NOTHING, None, "I have lost the number."),
    ],
)
def test_a_persons_own_words_say_what_comes(
    said: str, kind: Expected, size: int | None, rest: str
) -> None:
    assert announced(said) == (Expectation(kind, size), rest)
