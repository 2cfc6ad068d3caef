"""Answers as a plain text stream: server-sent events whose data is the text, piece by piece.

    data: Machine

    data:  learning

The blank after the colon belongs to the format, all that follows to the text. A piece with a line
break in it is an event of several `data:` lines. Joined, the data of all events without a name is
the answer. How it went is told by events that have one, and comments.
"""

import re
from typing import Literal, TypeAlias

from fastapi.sse import format_sse_event

Format: TypeAlias = Literal["chunks", "text"]
"""OpenAI's chunks, or plain text."""

_JSON_OR_EVENTS = ("application/json", "text/event-stream", "*/*")


READY = b"event: ready\ndata:\n\n"
_END = b"event: end\ndata:\n\n"


class FormatError(Exception):
    """Neither of the formats; the message is for the client."""


def format_of(query: str | None, accept: str) -> Format:
    """The query's `format`; without one, text where the header `Accept` likes it best.

    `text/plain` does so where it is liked better than JSON and events, and so does
    `text/event-stream;format=text`. Raises FormatError.
    """
    match query:
        case "text" | "chunks":
            return query
        case None:
            liked = _liked(accept)
            others = max(liked.get(kind, 0.0) for kind in _JSON_OR_EVENTS)
            return "text" if liked.get("text/plain", 0.0) > others else "chunks"
        case _:
            raise FormatError("format: should be text or chunks")


def _liked(accept: str) -> dict[str, float]:
    """Media types and their weights, after RFC 9110, 12.5.1; one that is not a number is 0."""
    liked: dict[str, float] = {}
    for media in accept.lower().split(","):
        kind, *settings = (part.strip() for part in media.split(";"))
        given = dict(setting.partition("=")[::2] for setting in settings)
        if kind == "text/event-stream" and given.get("format") == "text":
            kind = "text/plain"
        weight = given.get("q", "1")
        liked[kind] = float(weight) if re.fullmatch(r"[01](\.\d{0,3})?", weight) else 0.0
    return liked


class TextEvents:
    """The events of one stream, on which several answers may be under way.

    The event's `id:` (an EventSource's `lastEventId`) is the answer that it is a piece of, and is
    sent when that changes. An answer whose id is "" is alone, and sends none.
    """

    def __init__(self) -> None:
        self._last = ""
        self._ended_in_cr: set[str] = set()

    def piece(self, answer: str, text: str) -> bytes:
        """Empty where there is nothing to send. A CR LF that was cut in two is one line break."""
        if text and answer in self._ended_in_cr:
            self._ended_in_cr.discard(answer)
            text = text.removeprefix("\n")
        if not text:
            return b""
        if text.endswith("\r"):
            self._ended_in_cr.add(answer)
        return self._id(answer) + format_sse_event(data_str=text)

    def end(self, answer: str, reason: str) -> bytes:
        """Its data is empty where the model came to the end, else why it did not: `length`."""
        self._ended_in_cr.discard(answer)
        told = _END if reason == "stop" else format_sse_event(event="end", data_str=reason)
        return self._id(answer) + told

    def error(self, answer: str, message: str) -> bytes:
        self._ended_in_cr.discard(answer)
        return self._id(answer) + format_sse_event(event="error", data_str=message)

    def _id(self, answer: str) -> bytes:
        if answer == self._last:
            return b""
        self._last = answer
        return f"id: {answer}\n".encode()
