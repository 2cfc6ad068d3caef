"""TwiML: what Twilio is told to do with a call, in XML.

https://www.twilio.com/docs/voice/twiml
"""

from collections.abc import Mapping

from twilio.twiml.voice_response import Connect, VoiceResponse

CONTENT_TYPE = "application/xml"


def connect(
    url: str, status_url: str, parameters: Mapping[str, str], apology: str, language: str = ""
) -> str:
    """Two-way sound over a WebSocket. The apology is all that speaks if the server dies.

    `language` is BCP 47, as <Say> takes it; "" for the one that Twilio speaks anyway, English.
    """
    connection = Connect()
    stream = connection.stream(url=url, status_callback=status_url)
    for name, value in parameters.items():
        stream.parameter(name=name, value=value)
    response = VoiceResponse()
    response.append(connection)
    return _said_at_last(response, apology, language)


def say_and_hang_up(words: str, language: str = "") -> str:
    return _said_at_last(VoiceResponse(), words, language)


def hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return str(response)


def dial(number: str, farewell: str, language: str = "") -> str:
    """Hand the call on; the farewell is for whoever is still there after it, or without it."""
    response = VoiceResponse()
    response.dial(number)
    return _said_at_last(response, farewell, language)


def _said_at_last(response: VoiceResponse, words: str, language: str) -> str:
    response.say(words, language=language or None)
    response.hangup()
    return str(response)
