"""TwiML as Twilio reads it: the verbs of a document, in order, or why it would refuse them."""

from dataclasses import dataclass, field
from typing import TypeAlias
from xml.etree.ElementTree import Element, ParseError, fromstring

from bot.calls.errors import PeerError

PARAMETER_CHARACTERS = 500
"""The limit for a name and its value together: fewer than this."""


@dataclass(frozen=True, slots=True)
class Stream:
    """`<Connect><Stream>`: both ways, until its socket closes."""

    url: str
    parameters: dict[str, str] = field(default_factory=dict)
    status_callback: str | None = None


@dataclass(frozen=True, slots=True)
class TwimlSay:
    text: str


@dataclass(frozen=True, slots=True)
class TwimlPause:
    length_s: float


@dataclass(frozen=True, slots=True)
class Dial:
    """The call goes on with somebody else."""

    number: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """`<Hangup>`, `<Reject>`, or the document's end."""


Verb: TypeAlias = Stream | TwimlSay | TwimlPause | Dial | Hangup


def parse(document: str) -> list[Verb]:
    """Raises PeerError with Twilio's number for what is wrong."""
    try:
        root = fromstring(document)
    except ParseError as exc:
        raise PeerError(f"the TwiML is not XML: {exc} (12100)") from exc
    if root.tag != "Response":
        raise PeerError(f"the TwiML begins with <{root.tag}>, not <Response> (12200)")
    return [*(_verb(element) for element in root), Hangup()]


def _verb(element: Element) -> Verb:
    match element.tag:
        case "Connect":
            return _stream(element)
        case "Start":
            raise PeerError("<Start> is one-way: the bot could never be heard; <Connect> is not")
        case "Say":
            return TwimlSay(_text(element))
        case "Pause":
            return TwimlPause(float(element.get("length", "1")))
        case "Dial":
            return Dial(_text(element))
        case "Hangup" | "Reject":
            return Hangup()
        case other:
            raise PeerError(f"the TwiML has <{other}>, which is no verb for this (12200)")


def _stream(connect: Element) -> Stream:
    found = list(connect)
    if [element.tag for element in found] != ["Stream"]:
        raise PeerError("<Connect> holds something other than one <Stream> (12200)")
    [stream] = found
    url = stream.get("url", "")
    if not url.startswith("wss://"):
        raise PeerError(f"<Stream> has url={url!r}: Twilio takes wss:// and nothing else (31920)")
    if "?" in url:
        raise PeerError("<Stream> has a query in its url, which Twilio takes off (31920)")
    return Stream(url, _parameters(stream), stream.get("statusCallback"))


def _parameters(stream: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in stream:
        name, value = element.get("name", ""), element.get("value", "")
        if element.tag != "Parameter" or not name:
            raise PeerError("<Stream> holds something other than <Parameter name value> (12200)")
        if len(name) + len(value) >= PARAMETER_CHARACTERS:
            raise PeerError(f"<Parameter> {name!r} has {PARAMETER_CHARACTERS} characters or more")
        found[name] = value
    return found


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())
