"""TwiML, read by an XML parser as Twilio reads it."""

import xml.etree.ElementTree as ET

import pytest

from bot.phone import twiml

Verb = tuple[str, dict[str, str], str]


def verbs(document: str) -> list[Verb]:
    return [(verb.tag, verb.attrib, verb.text or "") for verb in ET.fromstring(document)]


def test_a_call_is_connected_with_its_token_and_has_an_apology_behind_it() -> None:
    told = twiml.connect("wss://v/t", "https://v/status", {"token": 'a"&b'}, "Sorry <us>.")

    [connection, *rest] = ET.fromstring(told)
    [stream] = connection
    [parameter] = stream
    assert (connection.tag, stream.tag, parameter.tag) == ("Connect", "Stream", "Parameter")
    assert stream.attrib == {"url": "wss://v/t", "statusCallback": "https://v/status"}
    assert parameter.attrib == {"name": "token", "value": 'a"&b'}
    assert verbs(told)[1:] == [("Say", {}, "Sorry <us>."), ("Hangup", {}, "")]
    assert len(rest) == 2


def test_a_language_is_told_where_it_is_not_english() -> None:
    assert verbs(twiml.say_and_hang_up("Auf Wiederhören.", "de-DE")) == [
        ("Say", {"language": "de-DE"}, "Auf Wiederhören."),
        ("Hangup", {}, ""),
    ]


def test_a_call_is_handed_on_with_a_farewell_for_whoever_stays() -> None:
    assert verbs(twiml.dial("+15551230001", "Goodbye.")) == [
        ("Dial", {}, "+15551230001"),
        ("Say", {}, "Goodbye."),
        ("Hangup", {}, ""),
    ]


@pytest.mark.parametrize("document", [twiml.hang_up(), twiml.say_and_hang_up("Bye.")])
def test_a_document_ends_the_call(document: str) -> None:
    assert verbs(document)[-1] == ("Hangup", {}, "")
