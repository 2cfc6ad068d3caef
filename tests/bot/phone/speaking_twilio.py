"""Twilio's messages, as its documentation has them."""

import base64
import json
from typing import Any

STREAM = "MZ18ad3ab5a668481ce02b83e7395059f0"
CALL = "CA1234567890abcdef1234567890abcdef"
ACCOUNT = "AC1234567890abcdef1234567890abcdef"

CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
FRAME = bytes([0xFF]) * 160


def start(**parameters: str) -> dict[str, Any]:
    return {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": ACCOUNT,
            "streamSid": STREAM,
            "callSid": CALL,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        },
        "streamSid": STREAM,
    }


def media(payload: bytes = FRAME, *, chunk: int = 1, at_ms: int = 0) -> dict[str, Any]:
    return {
        "event": "media",
        "sequenceNumber": str(chunk + 1),
        "media": {
            "track": "inbound",
            "chunk": str(chunk),
            "timestamp": str(at_ms),
            "payload": base64.b64encode(payload).decode(),
        },
        "streamSid": STREAM,
    }


def mark(name: str) -> dict[str, Any]:
    return {"event": "mark", "sequenceNumber": "4", "streamSid": STREAM, "mark": {"name": name}}


def dtmf(digit: str) -> dict[str, Any]:
    return {
        "event": "dtmf",
        "streamSid": STREAM,
        "sequenceNumber": "5",
        "dtmf": {"track": "inbound_track", "digit": digit},
    }


def stop() -> dict[str, Any]:
    return {
        "event": "stop",
        "sequenceNumber": "5",
        "stop": {"accountSid": ACCOUNT, "callSid": CALL},
        "streamSid": STREAM,
    }


def said(message: dict[str, Any]) -> str:
    return json.dumps(message)
