"""Prompts as Pipecat's context, which processors between the turn and the model may change."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipecat.processors.aggregators.llm_context import LLMContext

from pipelines.core.memory.chat import ChatMessage, Image, ToolCall
from pipelines.services.llm.llm_dialect import written


def context_of(messages: Sequence[ChatMessage]) -> LLMContext:
    return LLMContext([written(message) for message in messages])  # type: ignore[misc]


def messages_of(context: LLMContext) -> list[ChatMessage]:
    """Messages of one vendor's own kind are left out: an OpenAI-compatible model knows none."""
    said = context.get_messages()
    return [_message(message) for message in said if isinstance(message, Mapping)]


def _message(message: Mapping[str, Any]) -> ChatMessage:
    content = message.get("content") or ""
    parts = () if isinstance(content, str) else tuple(_part(part) for part in content)
    has_images = any(isinstance(part, Image) for part in parts)
    role = message.get("role", "user")
    return ChatMessage(
        role="system" if role == "developer" else role,
        content=content if isinstance(content, str) else _text(parts),
        tool_calls=tuple(_call(call) for call in message.get("tool_calls") or ()),
        answers=message.get("tool_call_id") or "",
        parts=parts if has_images else (),
    )


def _text(parts: Sequence[str | Image]) -> str:
    return "\n".join(part for part in parts if isinstance(part, str))


def _part(part: Mapping[str, Any]) -> str | Image:
    if part.get("type") == "image_url":
        image = part["image_url"]
        return Image(image["url"], image.get("detail", ""))
    return str(part.get("text", ""))


def _call(call: Mapping[str, Any]) -> ToolCall:
    function = call.get("function", {})
    return ToolCall(call.get("id", ""), function.get("name", ""), function.get("arguments", ""))
