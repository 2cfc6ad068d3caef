"""The browser's protocol: RTVI 2.x in protobuf, over binary WebSocket messages.

Frames: https://github.com/pipecat-ai/pipecat/blob/main/src/pipecat/frames/frames.proto
Messages: https://docs.pipecat.ai/client/rtvi-standard

What RTVI has no message for travels in two that strangers ignore:

* `client-message {t, d}`: `played {generation, samples, at}`, `mute {muted}`, `stop-speaking`,
  `expect {kind, size}`; `at` is in seconds of the client's own clock, and may be left out
* `server-message`: `flush {generation}`, `state {state}`, `turn {row}`, `cut-off {turn, heard}`,
  `in-use {facts, shares_s}`: engines and budget, as the call begins;
  `session {resume, resumed}`: the key by which to come back, and whether it has just been used
"""

import json
from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from bot.browser.browser_pb2 import AudioRawFrame, Frame, MessageFrame
from bot.browser.metrics import metrics_of
from bot.calls.errors import PeerError, UsageError
from bot.calls.messages import Closed, FromClient, Opened, ToClient
from pipelines.core.exchange import (
    AnswerMeasured,
    AudioIn,
    AudioOut,
    CallBegan,
    CallState,
    Caption,
    Dtmf,
    Expect,
    Fault,
    Flush,
    Muted,
    Played,
    StateChanged,
    StopSpeaking,
    TurnMeasured,
    Typed,
)
from pipelines.core.turn.expectation import Expected

IN_RATE_HZ = 16_000
"""Rate in Hz of the stock client's microphone."""

OUT_RATE_HZ = 24_000
"""The rate in Hz that the stock client plays, whatever a frame says."""

LABEL = "rtvi-ai"
PROTOCOL_VERSION = "2.0.0"
"""Said to a client that does not say its own; the oldest that has all that we send."""

OUR_CLIENT = "halfsecond"
"""How `about.library` begins in clients that obey `flush` and report `played`."""

KEYS = frozenset("0123456789*#")
MAX_KEYS = 32
"""In one `dtmf` message."""

LONGEST_TYPED = 8192
"""Characters of one text: five pages."""

MAX_SIZE = 64
"""The largest answer that can be waited for."""

OPEN_SEGMENTS = 64
"""Phrases of an answer that are told to be spoken at its end, all at once; those before them as it
goes on: a phrase is shown when its sound is sent.
"""

MAX_COUNT = 2**53 - 1
"""The largest whole number that every JSON library carries exactly."""

_SPEAKING: dict[CallState, tuple[str, str]] = {
    "hearing": ("user-started-speaking", "user-stopped-speaking"),
    "speaking": ("bot-started-speaking", "bot-stopped-speaking"),
}


class BrowserCodec:
    """One call's state: whether it was opened, and what the bot has been shown to say."""

    in_rate_hz = IN_RATE_HZ
    out_rate_hz = OUT_RATE_HZ

    def __init__(
        self, session_id: str, time_stamp: Callable[[], str], resume_key: str = ""
    ) -> None:
        """`time_stamp` gives the wall clock's time in ISO 8601, for captions.

        `resume_key` is given to a client that can come back with it when its socket drops.
        """
        self._session_id = session_id
        self._resume_key = resume_key
        self._time_stamp = time_stamp
        self._opened = False
        self._state: CallState = "listening"
        self._replies: list[str | bytes] = []
        self._turn: int | None = None
        self._segments: list[tuple[int, str]] = []
        """The answer to `_turn`: id and text of what was shown, and not told to be spoken."""
        self._next_segment = 1

    def receive(self, message: str | bytes) -> list[FromClient]:
        """Raises PeerError for what is no frame, no RTVI message, or audio of the wrong kind.

        A message that RTVI would know, with data that it would not, is answered in `replies`.
        """
        if isinstance(message, str):
            raise PeerError("messages must be binary", close_code=1003)
        try:
            frame = Frame.FromString(message)
        except DecodeError:
            raise PeerError("torn protobuf frame") from None
        match frame.WhichOneof("frame"):
            case "audio":
                return _audio_in(frame.audio)
            case "message":
                return self._message(frame.message.data)
            case None:
                raise PeerError("empty protobuf frame")
            case _:
                return []  # text, transcription, interruption: a server's to send

    def replies(self) -> list[str | bytes]:
        """The answers that are due to what was received, since last asked."""
        replies, self._replies = self._replies, []
        return replies

    def send(self, request: ToClient) -> list[str | bytes]:
        """Raises UsageError before the client has opened, and for what cannot be written."""
        if not self._opened:
            raise UsageError("the client is not ready")
        match request:
            case AudioOut(pcm):
                messages = [_audio_out(pcm)]
            case Flush(generation):
                messages = [_server_message("flush", generation=generation)]
            case StateChanged(state):
                messages = self._change_state(state)
            case Caption():
                messages = self._captioned(request)
            case TurnMeasured(row):
                metrics = metrics_of(row)
                messages = [_rtvi("metrics", metrics)] if metrics else []
                messages.append(_server_message("turn", row=dict(row)))
            case CallBegan(facts, shares_s):
                messages = [_server_message("in-use", facts=dict(facts), shares_s=dict(shares_s))]
            case Fault(message, fatal):
                messages = [_rtvi("error", {"error": message, "fatal": fatal})]
            case AnswerMeasured():
                messages = []  # the page shows turns alone
        return list(messages)

    def _captioned(self, caption: Caption) -> list[bytes]:
        if caption.speaker == "user":
            return [self._transcription(caption)]
        return self._answer(caption)

    # ---- what the client says ----

    def _message(self, text: str) -> list[FromClient]:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise PeerError("message is not JSON") from None
        match message:
            case {"label": "rtvi-ai", "type": str(kind), "id": str(message_id)}:
                return self._act(kind, message_id, message.get("data"))
            case {"label": str(label)} if label != LABEL:
                return []
            case _:
                raise PeerError("not an RTVI message")

    def _act(self, kind: str, message_id: str, data: object) -> list[FromClient]:
        events: list[FromClient] | None
        match kind:
            case "client-ready":
                return self._open(message_id, data)
            case "client-message":
                return self._client_message(message_id, data)
            case "disconnect-bot":
                events = [Closed()]
            case "send-text" if _is_long(data):
                said = f"a text has at most {LONGEST_TYPED} characters"
                return self._refuse(message_id, said)
            case "send-text":
                events = _typed(data)
            case "dtmf":
                events = _keys(data)
            case _:
                return self._refuse(message_id, "unsupported message type")
        return self._refuse(message_id, "invalid data") if events is None else events

    def _open(self, message_id: str, data: object) -> list[FromClient]:
        version, library = PROTOCOL_VERSION, ""
        match data:
            case {"version": str(version), "about": {"library": str(library)}}:
                pass
            case {"version": str(version)}:
                pass
            case _:
                pass
        ready = {"version": version, "about": {"library": OUR_CLIENT}}
        self._replies.append(_rtvi("bot-ready", ready, message_id))
        is_ours = library.startswith(OUR_CLIENT)
        if is_ours and self._resume_key:
            session = {"resume": self._resume_key, "resumed": self._opened}
            self._replies.append(_server_message("session", **session))
        if self._opened:
            self._replies.append(_server_message("state", state=self._state))
        self._opened = True
        return [Opened(self._session_id, flushes=is_ours, sends_always=is_ours)]

    def _client_message(self, message_id: str, data: object) -> list[FromClient]:
        event: FromClient
        match data:
            case {"t": "played", "d": {"generation": g, "samples": n, **rest}} if _are_counts(g, n):
                return [Played(g, n, _seconds(rest.get("at")))]  # ten times a second: not answered
            case {"t": "mute" as t, "d": {"muted": bool(muted)}}:
                event = Muted(muted)
            case {"t": "stop-speaking" as t}:
                event = StopSpeaking()
            case {"t": "expect" as t, "d": {"kind": str(kind), "size": int(n)}} if _can_be(kind, n):
                event = Expect(Expected(kind), n)
            case {"t": "expect" as t, "d": {"kind": str(kind), **rest}} if not rest and _can_be(
                kind, 1
            ):
                event = Expect(Expected(kind))
            case _:
                return self._refuse(message_id, "unknown client message, or invalid data")
        if message_id:
            self._replies.append(_rtvi("server-response", {"t": t}, message_id))
        return [event]

    def _refuse(self, message_id: str, reason: str) -> list[FromClient]:
        if message_id:
            self._replies.append(_rtvi("error-response", {"error": reason}, message_id))
        return []

    # ---- what we say ----

    def _change_state(self, state: CallState) -> list[bytes]:
        was, self._state = self._state, state
        messages: list[bytes] = []
        if was != state and was in _SPEAKING:
            messages.append(_rtvi(_SPEAKING[was][1]))
        if was != state and state in _SPEAKING:
            messages.append(_rtvi(_SPEAKING[state][0]))
        return [*messages, _server_message("state", state=state)]

    def _transcription(self, caption: Caption) -> bytes:
        data = {
            "text": caption.text,
            "user_id": "",
            "timestamp": self._time_stamp(),
            "final": caption.final,
        }
        return _rtvi("user-transcription", data)

    def _answer(self, caption: Caption) -> list[bytes]:
        """A caption that is not final is the next phrase; a final one is the whole answer."""
        messages: list[bytes] = []
        if caption.turn != self._turn:
            self._turn, self._segments = caption.turn, []
        if not caption.final or (caption.heard is None and not self._segments):
            messages += self._phrase(caption.text)
        if caption.final:
            messages += self._end_of_answer(caption)
        return messages

    def _phrase(self, text: str) -> list[bytes]:
        begins = not self._segments
        segment = (self._next_segment, text)
        self._segments.append(segment)
        self._next_segment += 1
        past = self._segments[:-OPEN_SEGMENTS]
        del self._segments[: len(past)]
        started = [_rtvi("bot-llm-started"), _rtvi("bot-tts-started")] if begins else []
        return [
            *started,
            _rtvi("bot-llm-text", {"text": text.rstrip() + " "}),  # clients join them as they are
            _rtvi("bot-tts-text", {"text": text}),
            _bot_output(segment, spoken=False),
            *(_bot_output(one, spoken=True) for one in past),
        ]

    def _end_of_answer(self, caption: Caption) -> list[bytes]:
        segments, self._segments = self._segments, []
        stopped = [_rtvi("bot-llm-stopped"), _rtvi("bot-tts-stopped")]
        if caption.heard is None:
            return [*(_bot_output(segment, spoken=True) for segment in segments), *stopped]
        cut_off = _server_message("cut-off", turn=caption.turn, heard=caption.heard)
        return [*stopped, _rtvi("bot-interrupted"), cut_off]


def _audio_in(audio: AudioRawFrame) -> list[FromClient]:
    if audio.sample_rate != IN_RATE_HZ or audio.num_channels != 1:
        raise PeerError(f"audio must be {IN_RATE_HZ} Hz mono", close_code=1003)
    if len(audio.audio) % 2:
        raise PeerError("audio ends within a sample")
    if not audio.audio:
        return []
    return [AudioIn(audio.audio, audio.pts / 1e9 if audio.HasField("pts") else None)]


def _audio_out(pcm: bytes) -> bytes:
    if len(pcm) % 2:
        raise UsageError("audio ends within a sample")
    audio = AudioRawFrame(audio=pcm, sample_rate=OUT_RATE_HZ, num_channels=1)
    return Frame(audio=audio).SerializeToString()


def _rtvi(kind: str, data: dict[str, Any] | None = None, message_id: str | None = None) -> bytes:
    message: dict[str, Any] = {"label": LABEL, "type": kind}
    if message_id is not None:
        message["id"] = message_id
    if data is not None:
        message["data"] = data
    try:
        text = json.dumps(message, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{kind} cannot be written as JSON") from error
    return Frame(message=MessageFrame(data=text)).SerializeToString()


def _server_message(kind: str, **fields: object) -> bytes:
    return _rtvi("server-message", {"type": kind, **fields})


def _bot_output(segment: tuple[int, str], *, spoken: bool) -> bytes:
    """With the fields of RTVI 2 and, for older clients, `spoken` of RTVI 1."""
    number, text = segment
    said, unsaid = (text, "") if spoken else ("", text)
    data = {
        "text": text,
        "output_type": "sentence",
        "aggregated_by": "sentence",
        "segment_id": number,
        "spoken": spoken,
        "will_be_spoken": True,
        "spoken_status": "completed" if spoken else "new",
        "spoken_progress": {"accumulated_text": said, "remaining_text": unsaid},
    }
    return _rtvi("bot-output", data)


def _is_long(data: object) -> bool:
    text = data.get("content") if isinstance(data, dict) else None
    return isinstance(text, str) and len(text) > LONGEST_TYPED


def _can_be(kind: str, size: int) -> bool:
    return kind in set(Expected) and 0 < size <= MAX_SIZE


def _typed(data: object) -> list[FromClient] | None:
    match data:
        case {"content": str(text), "options": {"run_immediately": bool(interrupts)}}:
            pass
        case {"content": str(text)}:
            interrupts = True
        case _:
            return None
    return [Typed(text, interrupts)] if text.strip() and _is_unicode(text) else None


def _keys(data: object) -> list[FromClient] | None:
    match data:
        case {"buttons": [*keys]}:
            pass
        case {"button": key}:  # before RTVI 2.1
            keys = [key]
        case _:
            return None
    if not 0 < len(keys) <= MAX_KEYS or not all(isinstance(k, str) and k in KEYS for k in keys):
        return None
    return [Dtmf(key) for key in keys]


def _are_counts(*numbers: object) -> bool:
    return all(type(n) is int and 0 <= n <= MAX_COUNT for n in numbers)


def _seconds(number: object) -> float | None:
    """None for what is no time."""
    if not isinstance(number, int | float) or isinstance(number, bool):
        return None
    return float(number) if 0 <= number <= MAX_COUNT else None


def _is_unicode(text: str) -> bool:
    """JSON can spell half of a surrogate pair, which is no character."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
