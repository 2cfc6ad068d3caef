"""Messages as the chat API has them: what a language model is told, and what it asks for."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a function called; `arguments` are what it wrote, JSON or not."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Image:
    url: str
    """The image itself: data:image/png;base64,..."""
    detail: str = ""
    """auto, low or high, where it was said."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Calls that an assistant's message asks for."""
    answers: str = ""
    """On a tool's message: the `call_id` whose result it is."""
    parts: tuple[str | Image, ...] = ()
    """A user's text and images in their order; `content` is the text alone. Empty: no images."""
