"""An answer put together from chunks that any field may be missing from, or stand elsewhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.core.thinking.leaks import LeakFilter
from pipelines.core.thinking.turn_marks import TurnMarks
from pipelines.services.llm.llm_dialect import is_too_long
from pipelines.services.llm.llm_tool_calls import ToolCallCollector
from pipelines.services.protocols import (
    FailureDetails,
    FailureKind,
    Finished,
    ServiceError,
    ToolCall,
)

LONGEST_ANSWER = 262_144
"""Characters, of all that is sent: 32,768 tokens have fewer."""
LONGEST_ALOUD = 16_384
"""Characters of an answer that is spoken: a quarter of an hour."""
PIECE = 512
"""Characters of a chunk that are taken at a time."""

_THOUGHTS = ("reasoning", "reasoning_content", "reasoning_details", "thinking")
_TEXTS = ("text", "output_text")
"""Types of a content's parts that are said."""
_NO_REASON = frozenset({"", "null", "none"})
"""Written where there is no finish_reason."""
_LENGTHS = frozenset({"length", "max_tokens", "model_length", "max_output_tokens"})
"""Finish reasons of OpenAI, Gemini and Anthropic, Mistral, OpenAI's responses."""
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", '"', "”", ")")
_LEAST_REPEATED = 4
"""Characters in which a message that holds all that was sent before is told from a word."""
_LEAST_SUMMED = 3
"""Words after which a piece that says them all again is no repetition of the model's own."""

Chunk = Mapping[str, Any]


@dataclass
class Answer:
    leaks: LeakFilter = field(default_factory=LeakFilter)
    marks: TurnMarks | None = None
    """Set where the model was asked whether the turn is over."""
    longest: int = LONGEST_ANSWER
    """Characters without what leaks: one more, and it is over."""
    is_full: bool = False
    """It was longer, and ends here."""
    spoken: bool = False
    """There was a character that can be heard."""
    begun: bool = False
    """There was text, or the beginning of a tool's call."""
    moved: bool = False
    """The last chunk brought something."""
    finish_reason: str | None = None
    is_premature: bool = False
    """A finish_reason came with the first words, or before others: it is not the end."""
    _thought: bool = False
    _usage: Mapping[str, Any] = field(default_factory=dict)
    _unread: str = ""
    """The chunk's text, which is taken in pieces."""
    _read_to: int = 0
    _given: int = 0
    """Characters returned."""
    _said: str = ""
    """The content as it was sent."""
    _is_by_messages: bool = False
    _is_cumulative: bool = False
    """Each piece of content holds again what came before."""
    _wanted: ToolCallCollector = field(default_factory=ToolCallCollector)

    @property
    def anew(self) -> bool:
        """The text that was returned last begins the answer: what came before was a thought."""
        return self.leaks.anew

    @property
    def turn_incomplete(self) -> bool:
        """It is the mark that the person has not finished: whatever comes after it is dropped."""
        return self.marks is not None and self.marks.is_incomplete

    @property
    def counted(self) -> bool:
        return bool(self._usage)

    def take(self, chunk: Chunk) -> str:
        """The text to be spoken; "" for a role, reasoning, usage, a tool's call or a comment.

        Of a long one its beginning: while it `has_more`, `more` is owed.
        Raises ServiceError where the chunk tells of a failure.
        """
        if chunk.get("error") and self.finish_reason is None:
            raise _failure(chunk["error"])
        usage = chunk.get("usage")
        self._usage = usage if isinstance(usage, dict) and usage else self._usage
        choice = _choice(chunk)
        message, is_whole = _message(choice)
        size = self._wanted.size
        content = self._new_of(_content(message), is_whole=is_whole)
        self._wanted.take(message)
        thinks = any(message.get(name) for name in _THOUGHTS)
        self._thought = self._thought or thinks
        self._note_end(_finish_reason(choice), came=bool(content))
        self.moved = bool(content) or thinks or self._wanted.size > size
        room = LONGEST_ANSWER - len(self._said) + len(content)
        self._unread, self._read_to = content[:room], 0
        if len(content) > room:
            self._fill()
        return self.more()

    @property
    def has_more(self) -> bool:
        """There is more of the text of the last chunk."""
        return self._read_to < len(self._unread)

    def more(self) -> str:
        """The next piece of the text of the last chunk."""
        piece = self._unread[self._read_to : self._read_to + PIECE]
        self._read_to += PIECE
        text = self._filtered(self.leaks.feed(piece))
        self._given = len(text) + (0 if self.anew else self._given)
        if self._given <= self.longest:
            return text
        self._fill()
        self._unread = ""
        return text[: len(text) - (self._given - self.longest)]

    def _fill(self) -> None:
        self.is_full, self.is_premature, self.finish_reason = True, False, "length"

    def finish(self) -> str:
        """The rest, when the stream is over."""
        if self._given > self.longest:
            return ""
        text = self._filtered(self.leaks.finish())
        is_over = self.finish_reason is not None
        if self.marks is not None and is_over and not (self._wanted.size or self.leaks.calls):
            self.marks.finish()
        return text

    def finished(self) -> Finished:
        """Comes after `finish`, or with the mark. Raises ServiceError where it was no answer."""
        if self.turn_incomplete:
            return Finished("stop", turn_incomplete=True)
        if self.finish_reason is None:
            raise ServiceError("llm", "the stream ended without a finish_reason", retryable=True)
        calls = self._wanted.calls() or tuple(
            ToolCall(f"call_{n}", call.name, call.arguments)
            for n, call in enumerate(self.leaks.calls)
        )
        if not self.spoken and not calls:
            why = "only thoughts" if self._thought else "an answer without a spoken word"
            raise ServiceError("llm", why, retryable=True)
        details = self._usage.get("prompt_tokens_details")
        return Finished(
            self.finish_reason,
            prompt_tokens=self._usage.get("prompt_tokens"),
            cached_tokens=details.get("cached_tokens") if isinstance(details, dict) else None,
            completion_tokens=self._usage.get("completion_tokens"),
            tool_calls=calls,
        )

    def _new_of(self, content: str, *, is_whole: bool) -> str:
        """A whole message may hold again what came in pieces before."""
        if is_whole and self._said and not self._is_by_messages:
            content = ""
        elif self._holds_again(content, is_whole=is_whole):
            content = content[len(self._said) :]
        self._is_by_messages = self._is_by_messages or is_whole
        self._said += content
        return content

    def _holds_again(self, content: str, *, is_whole: bool) -> bool:
        """True if `content` begins with all that was sent before, and not for its own sake."""
        if not self._said or not content.startswith(self._said):
            return False
        if is_whole:
            return len(self._said) >= _LEAST_REPEATED
        first = self._said.strip()
        is_laughter = content.count(first) > 1 and not any(
            map(str.isalnum, content.replace(first, ""))
        )  # "ha" and "haha" may be "hahaha"
        goes_on = len(content) > len(self._said) and any(map(str.isalpha, first))
        self._is_cumulative = self._is_cumulative or (goes_on and not is_laughter)
        is_sum = content == self._said and len(first.split()) >= _LEAST_SUMMED
        return self._is_cumulative or is_sum

    def _note_end(self, reason: str | None, *, came: bool) -> None:
        if came and self.finish_reason is not None:
            self.is_premature = True
        if reason is not None:
            is_whole = self._wanted.size > 0 or self._said.rstrip().endswith(_SENTENCE_ENDS)
            self.is_premature = self.is_premature or not (self.begun or is_whole)
            self.finish_reason = reason

    def _filtered(self, text: str) -> str:
        if self.anew:
            self.spoken = False
        if self.marks is not None:
            self.marks = TurnMarks() if self.anew else self.marks
            text = self.marks.feed(text)
        self.spoken = self.spoken or bool(text.strip())
        self.begun = self.begun or self.spoken or self._wanted.size > 0 or self.turn_incomplete
        return text


def _failure(error: object) -> ServiceError:
    trouble = FailureDetails(
        kind=FailureKind.TOO_LONG if is_too_long(json.dumps(error)) else FailureKind.ILL
    )
    said = "it began to answer, and sent an error"
    return ServiceError("llm", said, retryable=not trouble.too_long, trouble=trouble)


def _choice(chunk: Chunk) -> Chunk:
    """The first choice; the chunk itself where it holds a message without one, as Ollama's does."""
    choices = chunk.get("choices")
    if isinstance(choices, list):
        return next((one for one in choices if isinstance(one, dict)), {})
    if isinstance(choices, dict):
        return choices
    return chunk if isinstance(chunk.get("message") or chunk.get("delta"), dict) else {}


def _message(choice: Chunk) -> tuple[Chunk, bool]:
    """The text, and whether that is a whole message, as without streaming."""
    delta, message, text = choice.get("delta"), choice.get("message"), choice.get("text")
    if isinstance(delta, dict) and delta:
        return delta, False
    if isinstance(message, dict) and message:
        return message, True
    return {"content": text if text is not None else delta}, False


def _content(message: Chunk) -> str:
    content = message.get("content")
    text = _text_of(content)
    return text or _text_of(message.get("refusal"))


def _text_of(content: object) -> str:
    match content:
        case str():
            # Half of a character that a server has cut in two cannot be written anywhere.
            return content.encode("utf-8", "replace").decode()
        case list():
            return "".join(map(_text_of, content))
        case {"text": text, "type": kind}:
            return _text_of(text) if kind in _TEXTS else ""
        case {"text": text}:
            return _text_of(text)
        case {"value": str(text)}:
            return text
        case _:
            return ""


def _finish_reason(choice: Chunk) -> str | None:
    reason = choice.get("finish_reason") or choice.get("done_reason")
    if not isinstance(reason, str) or reason.lower() in _NO_REASON:
        return None
    return "length" if reason.lower() in _LENGTHS else reason
