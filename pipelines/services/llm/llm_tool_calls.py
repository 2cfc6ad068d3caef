"""The calls of tools that an answer asks for, put together from their pieces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.services.protocols import ToolCall

MOST_TOOL_CALLS = 16
LONGEST_ARGUMENTS = 65_536
"""Characters."""

Piece = Mapping[str, Any]


@dataclass
class _Call:
    call_id: str = ""
    name: str = ""
    arguments: str = ""

    @property
    def is_whole(self) -> bool:
        return bool(self.name) and _is_object(self.arguments)


@dataclass
class ToolCallCollector:
    """A call comes whole or in pieces; several may come at once, with or without numbers."""

    size: int = 0
    """Characters of all that came."""
    _calls: list[_Call] = field(default_factory=list)
    _by_index: dict[str, _Call] = field(default_factory=dict)
    """The latest with that number."""

    def take(self, message: Mapping[str, Any]) -> None:
        came, old = message.get("tool_calls"), message.get("function_call")
        pieces: list[Any] = came if isinstance(came, list) else [came]
        for at, piece in enumerate(pieces):
            if isinstance(piece, dict):
                self._take(piece, alone=len(pieces) == 1, at=at)
        if isinstance(old, dict) and not came:
            self._take({"index": 0, "function": old}, alone=True, at=0)

    def calls(self) -> tuple[ToolCall, ...]:
        named = [call for call in self._calls if call.name]
        return tuple(
            ToolCall(call.call_id or f"call_{n}", call.name, call.arguments)
            for n, call in enumerate(named)
        )

    def _take(self, piece: Piece, *, alone: bool, at: int) -> None:
        function = piece.get("function")
        function = function if isinstance(function, dict) else piece
        call_id, name = _text(piece.get("id")), _text(function.get("name"))
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        written = _text(arguments)
        index = piece.get("index")
        key = "" if index is None else str(index)
        call = self._which(key, call_id, name, written, at=None if alone else at)
        if call is None:
            return
        self.size += len(call_id) + len(name) + len(written) + 1
        if written == call.arguments and call.is_whole:
            return  # it was sent twice
        call.call_id, call.name = call.call_id or call_id, call.name or name
        is_all_so_far = bool(name and call.arguments) and written.startswith(call.arguments)
        call.arguments = (written if is_all_so_far else call.arguments + written)[
            :LONGEST_ARGUMENTS
        ]

    def _which(
        self, key: str, call_id: str, name: str, written: str, *, at: int | None
    ) -> _Call | None:
        """The call that a piece belongs to; None where it would be one too many."""
        known = next((one for one in self._calls if call_id and one.call_id == call_id), None)
        latest = self._by_index.get(key) if key else known or self._unnumbered(name, at)
        if known is not None and not name:
            return known
        for call in (latest, known if latest is not None else None):
            if call is not None and not _is_another(call, call_id, name, written):
                return call
        if len(self._calls) >= MOST_TOOL_CALLS:
            return None
        call = _Call()
        self._calls.append(call)
        if key:
            self._by_index[key] = call
        return call

    def _unnumbered(self, name: str, at: int | None) -> _Call | None:
        """By the order in its chunk, or else the last one, unless a new name begins another."""
        if name or not self._calls:
            return None
        return self._calls[-1] if at is None or at >= len(self._calls) else self._calls[at]


def _is_another(latest: _Call, call_id: str, name: str, written: str) -> bool:
    """True if a piece under the same number as `latest` begins another call.

    Some servers give every piece of one call a new id, so an id alone does not tell.
    """
    if not name:
        return False
    if call_id and latest.call_id and call_id != latest.call_id:
        return True
    differs = name != latest.name or (_is_object(written) and written != latest.arguments)
    return differs and latest.is_whole


def _is_object(text: str) -> bool:
    if not text.rstrip().endswith("}"):  # it is asked after each piece, of all so far
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _text(value: object) -> str:
    """Half of a character that a server has cut in two cannot be written anywhere."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
