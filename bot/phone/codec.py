"""Twilio Media Streams: JSON text messages that carry 8 kHz mu-law, both ways.

https://www.twilio.com/docs/voice/media-streams/websocket-messages

Twilio reports played audio by the echo of marks, one after each frame that is sent; its name is the
frame's generation and end: `3.1600`. A `clear` makes Twilio echo what was never played, too: marks
of a generation that was flushed are no news.
"""

import base64
import binascii
import enum
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bot.calls.errors import PeerError, UsageError
from bot.calls.messages import Closed, FromClient, Opened, ToClient
from pipelines.audio import mulaw
from pipelines.core.exchange import AudioIn, AudioOut, Dtmf, Flush, Played

RATE_HZ = 8000

KEYS = frozenset("0123456789*#ABCD")

LONGEST_PAYLOAD = RATE_HZ
"""Bytes: a second. Twilio sends 20 ms as a rule."""

MOST_MS = 1e15
"""The limit of a time stamp: 30,000 years, which a float still counts to the millisecond."""

_FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1}
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)
_STAMP = re.compile(r"-?\d{1,18}(\.\d{1,9})?", re.ASCII)
_MARK = re.compile(r"(\d{1,9})\.(\d{1,15})", re.ASCII)


class StreamState(enum.Enum):
    FRESH = enum.auto()
    CONNECTED = enum.auto()
    OPEN = enum.auto()
    OVER = enum.auto()


@dataclass(frozen=True, slots=True)
class Start:
    """Twilio's facts about the call as its stream begins."""

    stream_sid: str
    call_sid: str
    account_sid: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """From our TwiML's `<Parameter>`s."""


class TwilioCodec:
    """One stream's."""

    in_rate_hz = RATE_HZ
    out_rate_hz = RATE_HZ

    def __init__(self) -> None:
        self._state = StreamState.FRESH
        self.start: Start | None = None
        """Known once `Opened` has come."""
        self.frames_sent = 0
        self.marks_heard = 0
        self._generation = 0
        self._sent = 0
        """Samples of this generation."""
        self._first_ms: float | None = None

    @property
    def is_over(self) -> bool:
        """Twilio has said that the call is."""
        return self._state is StreamState.OVER

    # ---- what Twilio sends ----

    def receive(self, message: str | bytes) -> list[FromClient]:
        """Raises PeerError for whatever Twilio would not send, or not now; and nothing else."""
        if isinstance(message, bytes):
            raise PeerError("messages must be text", close_code=1003)
        try:
            read = json.loads(message)
        except (ValueError, RecursionError):
            raise PeerError("message is not JSON") from None
        if not isinstance(read, dict) or not isinstance(event := read.get("event"), str):
            raise PeerError("message has no event")
        if event not in _EVENTS:
            return []  # whatever Twilio adds next
        rule = _RULES.get((self._state, event))
        if rule is None:
            raise PeerError(f"{event} out of order")
        try:
            return rule(self, read)
        except (KeyError, TypeError, ValueError):
            raise PeerError(f"malformed {event}") from None

    def replies(self) -> list[str | bytes]:
        """The protocol itself owes Twilio nothing."""
        return []

    def _connect(self, read: dict[str, Any]) -> list[FromClient]:
        if read["protocol"] != "Call":
            raise PeerError("not the protocol of a call")
        self._state = StreamState.CONNECTED
        return []

    def _start(self, read: dict[str, Any]) -> list[FromClient]:
        told = _object(read["start"])
        start = Start(
            stream_sid=_word(told["streamSid"]),
            call_sid=_word(told["callSid"]),
            account_sid=_word(told["accountSid"]),
            parameters=_words(told["customParameters"]),
        )
        if told["tracks"] != ["inbound"]:
            raise PeerError("a stream that cannot be answered: use <Connect>, not <Start>")
        if told["mediaFormat"] != _FORMAT:
            raise PeerError("audio must be 8000 Hz mu-law, mono")
        if read["streamSid"] != start.stream_sid:
            raise PeerError("two names for one stream")
        _check_number(read, "sequenceNumber")
        self.start, self._state = start, StreamState.OPEN
        return [Opened(start.call_sid, flushes=True, sends_always=True)]

    def _media(self, read: dict[str, Any]) -> list[FromClient]:
        self._check_stream(read)
        media = _object(read["media"])
        if media["track"] != "inbound":
            raise PeerError("audio of another track")
        _check_number(media, "chunk")
        at_ms = _milliseconds(media.get("timestamp"))
        try:
            coded = base64.b64decode(_text(media["payload"]), validate=True)
        except binascii.Error:
            raise PeerError("payload is not base64") from None
        if len(coded) > LONGEST_PAYLOAD:
            raise PeerError("too much audio in one message", close_code=1009)
        pcm = mulaw.decode(coded).astype("<i2").tobytes()
        return [AudioIn(pcm, self._media_s(at_ms))] if pcm else []

    def _media_s(self, at_ms: float | None) -> float | None:
        """The stream's clock began when its first audio did."""
        if at_ms is None:
            return None
        if self._first_ms is None:
            self._first_ms = at_ms
        return (at_ms - self._first_ms) / 1000

    def _dtmf(self, read: dict[str, Any]) -> list[FromClient]:
        self._check_stream(read)
        digit = _text(_object(read["dtmf"])["digit"])
        if digit not in KEYS:
            raise PeerError("a key that no telephone has")
        return [Dtmf(digit)]

    def _mark(self, read: dict[str, Any]) -> list[FromClient]:
        self._check_stream(read)
        name = _MARK.fullmatch(_text(_object(read["mark"])["name"]))
        if name is None:
            raise PeerError("a mark that was never sent")
        generation, samples = int(name[1]), int(name[2])
        if generation < self._generation:
            return []
        if generation > self._generation or samples > self._sent:
            raise PeerError("a mark that was never sent")
        self.marks_heard += 1
        return [Played(generation, samples)]

    def _stop(self, read: dict[str, Any]) -> list[FromClient]:
        self._check_stream(read)
        self._state = StreamState.OVER
        return [Closed()]

    def _check_stream(self, read: dict[str, Any]) -> None:
        assert self.start is not None
        if read["streamSid"] != self.start.stream_sid:
            raise PeerError("a message of another stream")
        _check_number(read, "sequenceNumber")

    # ---- what Twilio is sent ----

    def send(self, request: ToClient) -> list[str | bytes]:
        """A telephone shows nothing: only sound is sent. Raises UsageError before the start."""
        if self.start is None:
            raise UsageError("the stream has not started")
        match request:
            case AudioOut(pcm, generation, start):
                self.frames_sent += 1
                end = start + len(pcm) // 2
                self._generation, self._sent = generation, max(self._sent, end)
                coded = mulaw.encode(np.frombuffer(pcm, "<i2"))
                return [
                    self._dump("media", media={"payload": base64.b64encode(coded).decode()}),
                    self._dump("mark", mark={"name": f"{generation}.{end}"}),
                ]
            case Flush(generation):
                self._generation, self._sent = generation, 0
                return [self._dump("clear")]
            case _:
                return []

    def _dump(self, event: str, **fields: object) -> str:
        assert self.start is not None
        return json.dumps({"event": event, "streamSid": self.start.stream_sid, **fields})


_Rule = Callable[[TwilioCodec, dict[str, Any]], list[FromClient]]

_RULES: dict[tuple[StreamState, str], _Rule] = {
    (StreamState.FRESH, "connected"): TwilioCodec._connect,
    (StreamState.CONNECTED, "start"): TwilioCodec._start,
    (StreamState.OPEN, "media"): TwilioCodec._media,
    (StreamState.OPEN, "dtmf"): TwilioCodec._dtmf,
    (StreamState.OPEN, "mark"): TwilioCodec._mark,
    (StreamState.OPEN, "stop"): TwilioCodec._stop,
}
"""Events of `_EVENTS` that are not in the table are out of order."""

_EVENTS = frozenset(event for _, event in _RULES)


def _milliseconds(value: object) -> float | None:
    """A time stamp as Twilio writes it; None where it is none of use.

    Audio without one is placed by its arrival, so no call ends for it.
    """
    match value:
        case int() | float() if not isinstance(value, bool):
            stated = value
        case str() if _STAMP.fullmatch(value):
            stated = float(value)
        case _:
            return None
    return stated if abs(stated) < MOST_MS else None


def _check_number(read: dict[str, Any], name: str) -> None:
    """Twilio writes numbers as strings."""
    if _NUMBER.fullmatch(_text(read[name])) is None:
        raise PeerError(f"{name} is no number")


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _word(value: object) -> str:
    """A name: short, and safe to write into a log."""
    word = _text(value)
    if len(word) > 256 or not word.isprintable():
        raise ValueError
    return word


def _words(value: object) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in _object(value).items()}
