"""Twilio's signature: the published answer, and agreement with Twilio's own package."""

import random

import pytest
from twilio.request_validator import RequestValidator

from bot.phone.signature import is_signed, signature

# From Twilio's documentation and the tests of its helper libraries.
TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMETERS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
ANSWER = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

LETTERS = "abcXYZ0189 _-+&=%/?#.,:'\"\u00e9\u4e2d\U0001f600\n"


class MultiDict(dict[str, list[str]]):
    """As web frameworks hand a form to Twilio's validator."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def test_the_published_answer() -> None:
    assert signature(TOKEN, URL, PARAMETERS.items()) == ANSWER
    assert is_signed(TOKEN, URL, ANSWER, PARAMETERS.items())


@pytest.mark.parametrize(
    ("token", "url", "given", "parameters"),
    [
        ("12346", URL, ANSWER, PARAMETERS),
        (TOKEN, URL.replace("foo=1", "foo=2"), ANSWER, PARAMETERS),
        (TOKEN, URL.replace("https", "http"), ANSWER, PARAMETERS),
        (TOKEN, URL, ANSWER[:-2] + "9=", PARAMETERS),
        (TOKEN, URL, ANSWER.lower(), PARAMETERS),
        (TOKEN, URL, "", PARAMETERS),
        (TOKEN, URL, "\u00e9", PARAMETERS),
        (TOKEN, URL, ANSWER, PARAMETERS | {"Digits": "1235"}),
        (TOKEN, URL, ANSWER, PARAMETERS | {"More": ""}),
        (TOKEN, URL, ANSWER, {}),
    ],
)
def test_whatever_is_changed_is_noticed(
    token: str, url: str, given: str, parameters: dict[str, str]
) -> None:
    assert not is_signed(token, url, given, parameters.items())


def test_a_parameter_that_comes_twice_counts_once_for_each_value() -> None:
    twice = [("Body", "b"), ("Body", "a"), ("Body", "b")]
    assert signature(TOKEN, URL, twice) == signature(TOKEN, URL, [("Body", "a"), ("Body", "b")])


@pytest.mark.parametrize("port", ["", ":443", ":8443"])
def test_twilio_may_write_the_port_or_leave_it_out(port: str) -> None:
    url = f"https://voice.example{port}/twilio/voice"
    bare = signature(TOKEN, "https://voice.example/twilio/voice")
    full = signature(TOKEN, f"https://voice.example{port or ':443'}/twilio/voice")
    assert is_signed(TOKEN, url, bare)
    assert is_signed(TOKEN, url, full)
    assert not is_signed(TOKEN, url, signature(TOKEN, "https://voice.example:444/twilio/voice"))


def test_a_sockets_address_has_no_parameters() -> None:
    url = "wss://voice.example/twilio/media"
    assert is_signed(TOKEN, url, RequestValidator(TOKEN).compute_signature(url, {}))


def agrees_with_twilio(count: int) -> None:
    draw = random.Random(6)

    def word(longest: int) -> str:
        return "".join(draw.choices(LETTERS, k=draw.randint(0, longest)))

    for _ in range(count):
        token = word(32) or "t"
        path = "".join(draw.choices("abc/%20", k=draw.randint(1, 12)))
        port = draw.choice(["", "", ":443", ":8443"])
        query = draw.choice(["", "?a=1&b=%20", "?x"])
        url = f"https://voice{draw.randint(0, 99)}.example{port}/{path}{query}"
        form = MultiDict(
            {
                word(8): [word(20) for _ in range(draw.randint(1, 3))]
                for _ in range(draw.randint(0, 9))
            }
        )
        pairs = [(name, value) for name, values in form.items() for value in values]
        draw.shuffle(pairs)
        theirs = RequestValidator(token)
        given = theirs.compute_signature(url, form)
        assert signature(token, url, pairs) == given
        if draw.random() < 0.5:  # and of what was changed on the way
            given = draw.choice(
                [given[:-3] + "AB=", given[1:], theirs.compute_signature("x", form)]
            )
            pairs = pairs[1:] if draw.random() < 0.5 else pairs
            form = MultiDict()
            for name, value in pairs:
                form.setdefault(name, []).append(value)
        assert is_signed(token, url, given, pairs) == theirs.validate(url, form, given)


def test_it_agrees_with_twilios_own_package() -> None:
    agrees_with_twilio(500)


@pytest.mark.soak
def test_it_agrees_with_twilios_own_package_ten_thousand_times() -> None:
    agrees_with_twilio(10_000)
