"""Twilio's signature: the published answer, and what is changed on the way."""

import pytest

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


@pytest.mark.parametrize("scheme", ["https", "wss"])
@pytest.mark.parametrize("port", ["", ":443", ":8443"])
def test_twilio_may_write_the_port_or_leave_it_out(scheme: str, port: str) -> None:
    url = f"{scheme}://voice.example{port}/twilio/voice"
    bare = signature(TOKEN, f"{scheme}://voice.example/twilio/voice")
    full = signature(TOKEN, f"{scheme}://voice.example{port or ':443'}/twilio/voice")
    assert is_signed(TOKEN, url, bare)
    assert is_signed(TOKEN, url, full)
    wrong = signature(TOKEN, f"{scheme}://voice.example:444/twilio/voice")
    assert not is_signed(TOKEN, url, wrong)
