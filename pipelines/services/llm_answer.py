"""An answer put together from chunks that any field may be missing from."""

from dataclasses import dataclass, field

from openai.types.chat import ChatCompletionChunk

from pipelines.core.channels import ChannelFilter
from pipelines.services.protocols import Finished, ServiceError, ToolCall

MOST_TOOL_CALLS = 16
LONGEST_ARGUMENTS = 65_536
"""Characters."""


@dataclass
class _Wanted:
    call_id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class Answer:
    spoken: bool = False
    """There was a character that can be heard."""
    begun: bool = False
    """There was text, or the beginning of a tool's call."""
    finish_reason: str | None = None
    _thought: bool = False
    _usage: object = None
    _channels: ChannelFilter = field(default_factory=ChannelFilter)
    _wanted: dict[object, _Wanted] = field(default_factory=dict)
    """By index; where a server gives none, by its own order."""

    @property
    def counted(self) -> bool:
        return self._usage is not None

    def take(self, chunk: ChatCompletionChunk) -> str:
        """The text to be spoken; "" for a role, reasoning, usage, a tool's call or a comment."""
        self._usage = getattr(chunk, "usage", None) or self._usage
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list) or not choices:
            return ""
        delta = getattr(choices[0], "delta", None)
        self._take_calls(getattr(delta, "tool_calls", None))
        self._thought = self._thought or any(
            getattr(delta, name, None) for name in ("reasoning", "reasoning_content")
        )
        content = getattr(delta, "content", None)
        text = self._channels.feed(_written(content)) if isinstance(content, str) else ""
        self.finish_reason = getattr(choices[0], "finish_reason", None) or self.finish_reason
        if self.finish_reason is not None:
            text += self._channels.finish()
        self.spoken = self.spoken or bool(text.strip())
        self.begun = self.begun or self.spoken or bool(self._wanted)
        return text

    def finished(self) -> Finished:
        """Raises ServiceError where it was no answer."""
        if self.finish_reason is None:
            raise ServiceError("llm", "the stream ended without a finish_reason", retryable=True)
        calls = tuple(
            ToolCall(wanted.call_id or f"call_{n}", wanted.name, wanted.arguments)
            for n, wanted in enumerate(self._wanted.values())
            if wanted.name
        )
        if not self.spoken and not calls:
            why = "only thoughts" if self._thought else "an answer without a spoken word"
            raise ServiceError("llm", why, retryable=True)
        details = getattr(self._usage, "prompt_tokens_details", None)
        return Finished(
            self.finish_reason,
            prompt_tokens=getattr(self._usage, "prompt_tokens", None),
            cached_tokens=getattr(details, "cached_tokens", None),
            completion_tokens=getattr(self._usage, "completion_tokens", None),
            tool_calls=calls,
        )

    def _take_calls(self, pieces: object) -> None:
        """A call comes whole or in pieces; several may come in one chunk."""
        if not isinstance(pieces, list):
            return
        for n, piece in enumerate(pieces):
            function = getattr(piece, "function", None)
            name, arguments = getattr(function, "name", None), getattr(function, "arguments", None)
            call_id = getattr(piece, "id", None)
            key = getattr(piece, "index", None)
            if key is None:
                key = call_id or (f"unnumbered {n}" if not name else f"{len(self._wanted)} {name}")
            if key not in self._wanted and len(self._wanted) >= MOST_TOOL_CALLS:
                continue
            wanted = self._wanted.setdefault(key, _Wanted())
            wanted.call_id = wanted.call_id or (call_id if isinstance(call_id, str) else "")
            wanted.name = wanted.name or (name if isinstance(name, str) else "")
            if isinstance(arguments, str):
                wanted.arguments = (wanted.arguments + arguments)[:LONGEST_ARGUMENTS]


def _written(content: str) -> str:
    """Half of a character that a server has cut in two cannot be written anywhere."""
    return content.encode("utf-8", "replace").decode()
