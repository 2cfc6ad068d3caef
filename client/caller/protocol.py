"""The browser's protocol from the client's side: protobuf frames around audio and RTVI JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from google.protobuf.message import DecodeError

from bot.browser import browser_pb2
from bot.calls.errors import PeerError
from client.caller.microphone import MICROPHONE_RATE_HZ
from client.caller.player import PLAY_RATE_HZ, PlaybackReport
from pipelines.audio.pcm import Pcm

LABEL = "rtvi-ai"
RTVI_VERSION = "2.2.0"
LIBRARY = "halfsecond-caller"
"""A client of this name flushes when told to, and reports what it has played."""
STOCK_LIBRARY = "stock-caller"
"""Behaves as Pipecat's own clients do: plays whatever it was sent, and reports nothing."""


@dataclass(frozen=True, slots=True)
class Audio:
    pcm: Pcm
    """At PLAY_RATE_HZ."""


@dataclass(frozen=True, slots=True)
class Rtvi:
    kind: str
    id: str
    data: Mapping[str, Any]


FromServer: TypeAlias = Audio | Rtvi


def client_ready(ready_id: str, *, stock: bool) -> bytes:
    library = STOCK_LIBRARY if stock else LIBRARY
    return _message(
        "client-ready", ready_id, {"version": RTVI_VERSION, "about": {"library": library}}
    )


def disconnect() -> bytes:
    return _message("disconnect-bot", "bye", {})


def report(played: PlaybackReport, report_id: str) -> bytes:
    facts = {"generation": played.generation, "samples": played.samples}
    return _message("client-message", report_id, {"t": "played", "d": facts})


def audio(pcm: Pcm) -> bytes:
    """Microphone samples at MICROPHONE_RATE_HZ."""
    frame = browser_pb2.Frame()
    frame.audio.audio = pcm.astype("<i2").tobytes()
    frame.audio.sample_rate = MICROPHONE_RATE_HZ
    frame.audio.num_channels = 1
    return frame.SerializeToString()


def receive(message: str | bytes) -> FromServer | None:
    """None for what a page ignores. Raises PeerError for what would break a page."""
    if isinstance(message, str):
        raise PeerError("the server sent a text message, which a page cannot read")
    try:
        frame = browser_pb2.Frame.FromString(message)
    except DecodeError as exc:
        raise PeerError("the server sent a frame that is not protobuf") from exc
    match frame.WhichOneof("frame"):
        case "audio":
            return _audio(frame.audio)
        case "message":
            return _rtvi(frame.message.data)
        case _:
            return None


def _audio(frame: browser_pb2.AudioRawFrame) -> Audio:
    if (frame.sample_rate, frame.num_channels) != (PLAY_RATE_HZ, 1):
        raise PeerError(
            f"the server sends {frame.sample_rate} Hz in {frame.num_channels} channels; "
            f"a page plays {PLAY_RATE_HZ} Hz mono"
        )
    if len(frame.audio) % 2:
        raise PeerError("the server sent half a sample")
    return Audio(np.frombuffer(frame.audio, dtype="<i2").astype(np.int16))


def _rtvi(text: str) -> Rtvi | None:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise PeerError("the server sent a message that is not JSON") from exc
    if not isinstance(message, dict) or message.get("label") != LABEL:
        return None
    data = message.get("data")
    return Rtvi(
        str(message.get("type", "")),
        str(message.get("id", "")),
        data if isinstance(data, dict) else {},
    )


def _message(kind: str, message_id: str, data: Mapping[str, object]) -> bytes:
    frame = browser_pb2.Frame()
    frame.message.data = json.dumps(
        {"label": LABEL, "type": kind, "id": message_id, "data": data}, separators=(",", ":")
    )
    return frame.SerializeToString()
