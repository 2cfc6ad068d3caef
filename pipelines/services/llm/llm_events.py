"""The objects of a completion's body, read as leniently as servers write them."""

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST_BODY = 1 << 20
"""Characters of a body that is no stream of events, or of one event in many lines."""

_LINE_END = re.compile(r"\r\n|\n|\r")
_OTHER_FIELDS = ("event", "id", "retry", "")
"""Fields of server-sent events, beside "data"; a comment is one without a name."""

_TWICE = re.compile(r"^(?:data:\s*)+")
"""A proxy that wraps a stream of events in another writes the field's name again."""

Chunk = Mapping[str, Any]


class EventReader:
    """Bytes in, JSON objects out; one for each response. Its cuts change nothing.

    Server-sent events are read with or without a blank line between two, and so are lines of
    JSON without "data:", or a body that is a single JSON text. Comments count for nothing, also
    where a server sends them as data. `feed` and `finish` raise ValueError for torn JSON.
    """

    def __init__(self) -> None:
        self.is_done = False
        """`[DONE]` was read: nothing follows."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line: list[str] = []
        self._data: list[str] = []
        self._bare: list[str] = []
        self._kept = 0
        """Characters in `_data` and `_bare`."""

    def feed(self, piece: bytes) -> Iterator[Chunk]:
        *whole, rest = _LINE_END.split(self._decoder.decode(piece))
        for line in whole:
            self._line.append(line)
            yield from self._take("".join(self._line))
            self._line.clear()
        self._line.append(rest)

    def finish(self) -> Iterator[Chunk]:
        """The rest, when the body is over."""
        yield from self._take("".join(self._line))
        yield from self._dispatch()
        body = "\n".join(self._bare).strip()
        if body.startswith(("{", "[")):
            found = _read(body)
            for one in found if isinstance(found, list) else [found]:
                if isinstance(one, dict):
                    yield one

    def _take(self, line: str) -> Iterator[Chunk]:
        line = line.removeprefix("\ufeff")
        name, colon, value = line.partition(":")
        if self.is_done:
            return
        if not line.strip():
            yield from self._dispatch()
        elif colon and name.strip() == "data":
            yield from self._take_data(_TWICE.sub("", value.strip()))
        elif not (colon and name.strip() in _OTHER_FIELDS):
            yield from self._take_bare(line)

    def _take_data(self, value: str) -> Iterator[Chunk]:
        if value.startswith("[DONE]"):
            yield from self._dispatch()
            self.is_done = True
        elif not self._data and (whole := _object(value)) is not None:
            yield whole
        else:
            self._keep(self._data, value)

    def _take_bare(self, line: str) -> Iterator[Chunk]:
        whole = None if self._bare else _object(line)
        if whole is not None:
            yield whole
        else:
            self._keep(self._bare, line)

    def _dispatch(self) -> Iterator[Chunk]:
        data = "\n".join(self._data)
        self._data.clear()
        if data.startswith("{") and isinstance(found := _read(data), dict):
            yield found

    def _keep(self, lines: list[str], line: str) -> None:
        self._kept += len(line)
        if self._kept > LONGEST_BODY:
            raise ValueError("a body without an end")
        lines.append(line)


def _object(text: str) -> Chunk | None:
    try:
        found = _read(text) if text.startswith("{") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _read(text: str) -> object:
    """Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON in too many layers") from None
