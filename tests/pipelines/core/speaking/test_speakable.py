import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.speaking.speakable import Aloud, aloud


def said(text: str) -> str:
    return " ".join(piece.said for piece in aloud(text) if piece.said)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It costs $12.50.", "It costs twelve dollars and fifty cents."),
        ("$1, $0.99, £1.01", "one dollar, ninety-nine cents, one pound and one penny"),
        ("about €3.5 million", "about three point five million euros"),
        ("$2M or 20 EUR or 7€", "two million dollars or twenty euros or seven euros"),
        ("-$5 and $5-10", "minus five dollars and five to ten dollars"),
        ("$19.99/month", "nineteen dollars and ninety-nine cents per month"),
        ("¥500 and $1,250,000", "five hundred yen and one million two hundred fifty thousand dollars"),  # noqa: E501
    ],
)  # fmt: skip
def test_prices(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("42 of 1,234", "forty-two of one thousand two hundred thirty-four"),
        ("3.14, 0.05, -3", "three point one four, zero point zero five, minus three"),
        ("the 21st of 3rd", "the twenty-first of third"),
        ("007 and 90210", "zero zero seven and nine zero two, one zero"),
        ("ID 12345678", "ID one two three, four five six, seven eight"),
        ("1/2, 3/4, 2 1/3, 7/12", "one half, three quarters, two and one third, seven twelfths"),
        ("2½ and 24/7", "two and one half and twenty-four seven"),
        ("10k, 1.5M and 3x", "ten thousand, one point five million and three times"),
        ("10–20% of 5-10", "ten to twenty percent of five to ten"),
        ("2 + 2 = 4, 3x4", "two plus two equals four, three by four"),
        ("~20, <5, ≥ 3", "about twenty, less than five, at least three"),
        ("#7 and No. 5", "number seven and number five"),
        ("version 3.11.2, v2.1", "version three point eleven point two, version two point one"),
        ("A4, mp3 and COVID-19", "A four, mp three and COVID-nineteen"),
    ],
)
def test_figures(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("on 2024-03-05", "on March fifth, twenty twenty-four"),
        ("on 3/5/2024 or 25/12/24", "on March fifth, twenty twenty-four or December twenty-fifth, twenty twenty-four"),  # noqa: E501
        ("March 3-5, 2025.", "March third to fifth, twenty twenty-five."),
        ("Mar. 5th", "March fifth"),
        ("5 March 2024", "the fifth of March, twenty twenty-four"),
        ("the 4th of July", "the fourth of July"),
        ("in July 2024", "in July twenty twenty-four"),
        ("in 1905, 1999 and 2005", "in nineteen oh five, nineteen ninety-nine and two thousand five"),  # noqa: E501
        ("the 1990s and the '80s", "the nineteen nineties and the eighties"),
        ("at 3:30 pm", "at three thirty P M"),
        ("9 a.m. to 5 p.m. It", "nine A M to five P M. It"),
        ("9am-5pm", "nine A M to five P M"),
        ("15:45, 12:00, 10:05, 17:00", "fifteen forty-five, twelve o'clock, ten oh five, seventeen hundred"),  # noqa: E501
        ("13/40/2024", "thirteen, forty, two thousand twenty-four"),
    ],
)  # fmt: skip
def test_dates_and_times(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("https://www.example.com/pricing?x=1", "example dot com slash pricing"),
        ("docs.halfsecond.io/get-started.", "docs dot halfsecond dot I O slash get dash started."),
        ("Mail john.smith_1@mail.example.co.uk!", "Mail john dot smith underscore one at mail dot example dot co dot U K!"),  # noqa: E501
        ("192.168.0.1", "one hundred ninety-two dot one hundred sixty-eight dot zero dot one"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("1-800-555-0199", "one, eight hundred, five five five, zero one nine nine"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
        ("Call 555-1234 today", "Call five five five, one two three four today"),
        ("Call 911 now. Call 200 people.", "Call nine one one now. Call two hundred people."),
        ("123 Main St. in Ames, IA 50010", "one twenty-three Main Street in Ames, Iowa five zero zero one zero"),  # noqa: E501
        ("1205 N 5th Ave, Apt. 4B", "twelve oh five North fifth Avenue, Apartment four B"),
    ],
)  # fmt: skip
def test_addresses(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("on Main St. in Port, or St. Ives St.", "on Main Street in Port, or Saint Ives Street."),
        ("$5/hr or $9/mo", "five dollars per hour or nine dollars per month"),
        ("5 lbs. of sugar in 10 min.", "five pounds of sugar in ten minutes."),
        ("a 4K TV on 9/11, 24/7", "a four K TV on nine eleven, twenty-four seven"),
        ("I said no. 5 came.", "I said no. five came."),
        ("25°C or 5 km", "twenty-five degrees Celsius or five kilometers"),
        ("1 km, 0.5 km, 5-10 km/h", "one kilometer, zero point five kilometers, five to ten kilometers per hour"),  # noqa: E501
        ("5'10\" and 120 m²", "five feet ten and one hundred twenty square meters"),
        ("412 ms of 2 GB", "four hundred twelve milliseconds of two gigabytes"),
        ("Dr. Smith vs. Mr. Jones Jr.", "Doctor Smith versus Mister Jones Junior."),
        ("near St. Mary, etc.", "near Saint Mary, et cetera."),
        ("e.g. R&D, i.e. work", "for example R and D, that is work"),
        ("he/she and/or it", "he or she and or it"),
        ("on Mon. in Jan. w/o you", "on Monday in January without you"),
    ],
)  # fmt: skip
def test_units_and_abbreviations(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Open localhost:8080 now.", "Open localhost colon eight zero eight zero now."),
        ("It is 12-34-56-78.", "It is one two, three four, five six, seven eight."),
        ("Take Hwy 66 to Apt 5, Rm 12.", "Take highway sixty-six to apartment five, room twelve."),
        ("4821", "four eight two one"),
        ("It is .5 of it.", "It is point five of it."),
        ("3 * y = 9, 5 - x, 2 / n", "three times y equals nine, five minus x, two divided by n"),
        ("3*4 and 2·3", "three times four and two times three"),
        ("πr², the Ω value", "pi r squared, the omega value"),
        ("my_var_name is set", "my var name is set"),
    ],
)
def test_what_programs_and_formulas_write(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    "plain",
    [
        "Sure, I can tell you that. Don't you know?",
        "I asked Max. He said no.",
        "Well — perhaps (or not) “so”.",
        "",
    ],
)
def test_plain_words_stay_as_they_are(plain: str) -> None:
    assert said(plain) == plain


def test_what_belongs_together_is_one_piece() -> None:
    assert aloud("Yes, 5 March 2024 - at $2.") == [
        Aloud("Yes,", "Yes,"),
        Aloud("5 March 2024", "the fifth of March, twenty twenty-four"),
        Aloud("-", "—"),
        Aloud("at", "at"),
        Aloud("$2.", "two dollars."),
    ]


def test_a_mark_that_stands_alone_is_not_said() -> None:
    assert aloud("So :) yes") == [Aloud("So", "So"), Aloud(":)", ""), Aloud("yes", "yes")]


@given(st.text(alphabet="aSt1230 .,-:/$€%°@#+'x&½()\n🎉", max_size=60))
def test_no_word_of_the_text_is_lost_and_no_figure_is_left(text: str) -> None:
    pieces = aloud(text)
    assert [piece.written for piece in pieces if piece.written == ""] == []
    assert " ".join(piece.written for piece in pieces).split() == text.split()
    assert not any(char.isdigit() for piece in pieces for char in piece.said)
