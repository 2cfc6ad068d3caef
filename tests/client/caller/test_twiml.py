"""TwiML documents as Twilio would read them."""

import pytest

from bot.calls.errors import PeerError
from client.caller.twiml import Dial, Hangup, Stream, TwimlPause, TwimlSay, parse


def response(verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'


def test_the_verbs_are_read_in_order_and_the_end_hangs_up() -> None:
    document = response(
        '<Connect><Stream url="wss://a.example/m" statusCallback="https://a.example/s">'
        '<Parameter name="token" value="&quot;x&quot;"/></Stream></Connect>'
        '<Say language="en">We are\n sorry.</Say><Pause length="2"/><Dial>+15005550006</Dial>'
    )
    assert parse(document) == [
        Stream("wss://a.example/m", {"token": '"x"'}, "https://a.example/s"),
        TwimlSay("We are sorry."),
        TwimlPause(2.0),
        Dial("+15005550006"),
        Hangup(),
    ]


@pytest.mark.parametrize("verb", ["<Hangup/>", '<Reject reason="busy"/>'])
def test_some_verbs_end_the_call(verb: str) -> None:
    assert parse(response(verb)) == [Hangup(), Hangup()]


STREAM = '<Stream url="wss://a.example/m"/>'
LONG = f'<Parameter name="a" value="{"x" * 499}"/>'


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("<Response>", "12100"),
        ("<Answer/>", "<Answer>, not <Response>"),
        (response(f"<Start>{STREAM}</Start>"), "one-way"),
        (response("<Shout/>"), "no verb"),
        (response("<Connect/>"), "other than one <Stream>"),
        (response(f"<Connect>{STREAM}{STREAM}</Connect>"), "other than one <Stream>"),
        (response('<Connect><Stream url="ws://a.example/m"/></Connect>'), "31920"),
        (response('<Connect><Stream url="wss://a.example/m?token=1"/></Connect>'), "query"),
        (response(f"<Connect>{STREAM[:-2]}><Secret/></Stream></Connect>"), "<Parameter name"),
        (response(f"<Connect>{STREAM[:-2]}>{LONG}</Stream></Connect>"), "500 characters"),
    ],
)
def test_what_twilio_would_refuse_is_said(document: str, complaint: str) -> None:
    with pytest.raises(PeerError, match=complaint):
        parse(document)
