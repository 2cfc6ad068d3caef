"""TwiML: what Twilio is told to do with a call, in XML.

https://www.twilio.com/docs/voice/twiml
"""

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

CONTENT_TYPE = "application/xml"

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def connect(url: str, status_url: str, parameters: Mapping[str, str], apology: str) -> str:
    """Two-way sound over a WebSocket. The apology is all that speaks if the server dies."""
    told = "".join(
        f"<Parameter name={quoteattr(name)} value={quoteattr(value)}/>"
        for name, value in parameters.items()
    )
    stream = f"<Stream url={quoteattr(url)} statusCallback={quoteattr(status_url)}>{told}</Stream>"
    return _response(f"<Connect>{stream}</Connect>{_say(apology)}<Hangup/>")


def say_and_hang_up(words: str) -> str:
    return _response(f"{_say(words)}<Hangup/>")


def hang_up() -> str:
    return _response("<Hangup/>")


def dial(number: str, farewell: str) -> str:
    """Hand the call on; the farewell is for whoever is still there after it, or without it."""
    return _response(f"<Dial>{escape(number)}</Dial>{_say(farewell)}<Hangup/>")


def _say(words: str) -> str:
    return f"<Say>{escape(words)}</Say>"


def _response(verbs: str) -> str:
    return f"{_HEAD}<Response>{verbs}</Response>"
