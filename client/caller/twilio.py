"""The caller as Twilio's media stream: mu-law in numbered messages, marks, clears, keys."""

import base64
import binascii
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bot.calls.errors import PeerError
from client.caller.dialect import Message
from client.caller.measure import ReceivedMessage
from client.caller.microphone import MICROPHONE_RATE_HZ
from client.caller.player import Loudspeaker
from pipelines.audio.mulaw import decode, encode
from pipelines.audio.pcm import Pcm

RATE_HZ = 8000
MESSAGE_BYTES = 64 * 1024


@dataclass(slots=True)
class Tally:
    """An account of a call on the wire: for people who look for a fault, and for tests."""

    call_sid: str
    stream_sid: str
    sent: dict[str, int] = field(default_factory=dict)
    """Messages by event, as numbered: before any trouble on the way."""
    received: dict[str, int] = field(default_factory=dict)
    most_ahead_s: float = 0.0
    """The most audio that lay in Twilio's buffer."""
    starved: int = 0
    """How often the buffer ran empty within a reply: between audio that came and audio less than
    STARVED_S after it had all been played."""
    said: list[str] = field(default_factory=list)
    """The texts that TwiML made Twilio say."""
    ended: str = ""
    """How the stream ended, where it was not the caller who hung up."""


STARVED_S = 0.1
"""A gap of at most this is a buffer that ran dry; a longer one is a bot that had said it all."""


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str
    due_s: float
    """When all audio before it has been played."""


class Twilio:
    """One stream. The microphone's samples above 4 kHz must be gone: every other one is sent."""

    def __init__(
        self, tally: Tally, account_sid: str, parameters: Mapping[str, str] | None = None
    ) -> None:
        self.tally = tally
        self._account_sid = account_sid
        self._parameters = dict(parameters or {})
        self.speaker = Loudspeaker(rate_hz=RATE_HZ)
        self.heard: list[ReceivedMessage] = []
        """Marks and clears: Twilio's protocol has no words."""
        self._marks: deque[_Mark] = deque()
        self._sequence = 0
        self._samples = 0
        self._chunk = 0
        self._generation = 0
        self.is_ready = False
        """Nobody says so on this line: it is ready once the stream has started."""

    def greet(self) -> list[Message]:
        connected = json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "accountSid": self._account_sid,
            "streamSid": self.tally.stream_sid,
            "callSid": self.tally.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1},
            "customParameters": self._parameters,
        }
        self.is_ready = True
        return [connected, self._message("start", start)]

    def say(self, pcm: Pcm, digits: str, now: float) -> list[Message]:
        messages = self._echo_played(now)
        messages += [
            self._message("dtmf", {"track": "inbound_track", "digit": digit}) for digit in digits
        ]
        samples = pcm[:: MICROPHONE_RATE_HZ // RATE_HZ]
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(1000 * self._samples // RATE_HZ),
            "payload": base64.b64encode(encode(samples)).decode(),
        }
        self._samples += samples.size
        return [*messages, self._message("media", media)]

    def take(self, message: Message, now: float) -> list[Message]:
        said = _parsed(message)
        event = str(said.get("event"))
        _count(self.tally.received, event)
        if said.get("streamSid") != self.tally.stream_sid:
            raise PeerError(f"the server sent {event!r} for another stream (31951)")
        echoes = self._echo_played(now)
        match event:
            case "media":
                self._play(_samples_of(said), now)
            case "mark":
                echoes += self._mark(_name_of(said), now)
            case "clear":
                echoes += self._clear(now)
            case _:
                raise PeerError(f"the server sent {event!r}, which Twilio does not know (31951)")
        return echoes

    def part(self) -> list[Message]:
        facts = {"accountSid": self._account_sid, "callSid": self.tally.call_sid}
        return [self._message("stop", facts)]

    def _play(self, pcm: Pcm, now: float) -> None:
        dry_s = now - self.speaker.end_s
        if 0 < dry_s <= STARVED_S:
            self.tally.starved += 1
        self.speaker.add(pcm, now)
        self.tally.most_ahead_s = max(self.tally.most_ahead_s, self.speaker.end_s - now)

    def _mark(self, name: str, now: float) -> list[Message]:
        self.heard.append(ReceivedMessage(now, "mark", {"name": name}))
        self._marks.append(_Mark(name, self.speaker.end_s))
        return self._echo_played(now)

    def _clear(self, now: float) -> list[Message]:
        """The buffer is dropped, and every mark in it comes back at once."""
        self.heard.append(ReceivedMessage(now, "clear", {}))
        self._generation += 1
        self.speaker.flush(self._generation, now)
        outstanding = list(self._marks)
        self._marks.clear()
        return [self._echo(mark) for mark in outstanding]

    def _echo_played(self, now: float) -> list[Message]:
        played: list[Message] = []
        while self._marks and self._marks[0].due_s <= now:
            played.append(self._echo(self._marks.popleft()))
        return played

    def _echo(self, mark: _Mark) -> Message:
        return self._message("mark", {"name": mark.name})

    def _message(self, event: str, facts: Mapping[str, Any]) -> str:
        """Numbered from 1; all but `stop` and `start` name what they hold after themselves."""
        self._sequence += 1
        _count(self.tally.sent, event)
        return json.dumps(
            {
                "event": event,
                "sequenceNumber": str(self._sequence),
                "streamSid": self.tally.stream_sid,
                event: facts,
            }
        )


def is_audio(message: Message) -> bool:
    """True for a message of `Twilio`'s that carries audio."""
    return isinstance(message, str) and message.startswith('{"event": "media"')


def _parsed(message: Message) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise PeerError("the server sent a binary message, which Twilio does not read (31951)")
    if len(message) > MESSAGE_BYTES:
        raise PeerError("the server sent a message that is too long (31951)")
    try:
        said = json.loads(message)
    except (ValueError, RecursionError) as exc:
        raise PeerError("the server sent a message that is not JSON (31951)") from exc
    if not isinstance(said, dict):
        raise PeerError("the server sent JSON that is not a message (31951)")
    return said


def _samples_of(said: Mapping[str, Any]) -> Pcm:
    media = said.get("media")
    payload = media.get("payload") if isinstance(media, dict) else None
    if not isinstance(payload, str):
        raise PeerError("the server sent media without a payload (31951)")
    try:
        sound = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise PeerError("the server sent a payload that is not base64 (31951)") from exc
    if sound.startswith(b"RIFF"):
        raise PeerError("the server sent a file header for audio: it would be heard as a click")
    return np.asarray(decode(sound), dtype=np.int16)


def _name_of(said: Mapping[str, Any]) -> str:
    mark = said.get("mark")
    name = mark.get("name") if isinstance(mark, dict) else None
    if not isinstance(name, str):
        raise PeerError("the server sent a mark without a name (31951)")
    return name


def _count(counts: dict[str, int], event: str) -> None:
    counts[event] = counts.get(event, 0) + 1
