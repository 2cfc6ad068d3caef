"""Parameters that one endpoint turned out not to take, and a request without it.

Servers differ in what they refuse, and say so in words. A field that a refusal names is left out of
the next request, and once that is answered, of all that follow: an endpoint is asked the same wrong
thing once, and one bad question takes nothing from the others.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from pipelines.services.protocols import ChatMessage, Image, Sampling

OPENING = "(The call begins.)"
"""Said for the person where a template wants the person to begin."""

_TOO_LONG = re.compile(
    r"context.{0,12}(length|size|window)|exceed\w*.{0,30}context|too many tokens|prompt is too long"
)
_NO_IMAGES = re.compile(
    # vLLM; vLLM with --limit-mm-per-prompt; llama.cpp; gateways, and the demo engine
    r"not a multimodal model|at most 0 image|image input is not supported"
    r"|(not support|not see|takes no|no support for) (images?\b|vision)"
)
_SYSTEM = re.compile(r"system.{0,20}(role|message|instruction|prompt)|role.{0,20}system")
_ALTERNATE = re.compile(r"alternat")
_TOOLS = re.compile(r"\btools?\b|tool[_-]|function.call")
_NAMED = re.compile(r"[a-z_]+")


@dataclass
class EndpointDialect:
    """The dialect of one endpoint."""

    counts_usage: bool = True
    takes_tools: bool = True
    takes_system: bool = True
    person_begins: bool = False
    length_field: str = "max_tokens"
    left_out: set[str] = field(default_factory=set)

    def body(
        self,
        fields: Mapping[str, object],
        sampling: Sampling,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, object]:
        """The request's, without model and messages. `fields` are the endpoint's own; `names`
        those that the server behind it has for some of them.
        """
        wanted = {**fields, **sampling.others}
        for name in wanted.keys() & fields.keys():
            wanted[name] = _joined(fields[name], wanted[name])
        asked = sampling.required
        body = {n: value for n, value in wanted.items() if n in asked or n not in self.left_out}
        body = {names.get(name, name): value for name, value in body.items()}
        if "max_tokens" in body and self.length_field != "max_tokens":
            body[self.length_field] = body.pop("max_tokens")
        if self.counts_usage:
            body["stream_options"] = {"include_usage": True}
        if sampling.tools and self.takes_tools:
            body["tools"] = list(sampling.tools)
        return body

    def messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
        """As the API takes them. After a barge-in there may be no answer between two user turns,
        which strict chat templates refuse: neighbours of one role become one message.
        """
        said = list(messages) if self.takes_tools else _in_words(messages)
        if not self.takes_system:
            said = _folded(said)
        if self.person_begins:
            said = _begun_by_person(said)
        return merged(said)

    def learn(
        self, status: int, words: str, body: Mapping[str, object], own: Collection[str]
    ) -> str:
        """The field that it leaves out from now on, by its name; "" where nothing more can be.

        `words` are what the endpoint said to `body`. Of its fields only those in `own` are ours
        to leave out: what one question alone asked for says nothing of the next.
        """
        words = words.lower()
        if is_too_long(words) or refuses_images(words):
            return ""
        return (
            self._options(words, body)
            or self._roles(words)
            or self._fields(status, words, set(body) & set(own))
        )

    def _options(self, words: str, body: Mapping[str, object]) -> str:
        if "stream_options" in body and re.search(r"stream_options|include_usage", words):
            self.counts_usage = False
            return "stream_options"
        if "tools" in body and _TOOLS.search(words):
            self.takes_tools = False
            return "tools"
        if "max_tokens" in body and "max_completion_tokens" in words:
            self.length_field = "max_completion_tokens"
            return "max_tokens"
        return ""

    def _roles(self, words: str) -> str:
        alternate = _ALTERNATE.search(words) is not None
        if alternate and not self.person_begins:
            self.person_begins = True
            return "an answer before the first question"
        if self.takes_system and (alternate or _SYSTEM.search(words)):
            self.takes_system = False
            return "the system role"
        return ""

    def _fields(self, status: int, words: str, own: set[str]) -> str:
        own -= {"max_tokens"} if "support" in words else {"max_tokens", "temperature"}
        named = set(_NAMED.findall(words)) & own
        if not named and status in (400, 422):
            named = own - {"temperature"}
        self.left_out |= named
        return ", ".join(sorted(named))


def is_too_long(words: str) -> bool:
    return _TOO_LONG.search(words.lower()) is not None


def refuses_images(words: str) -> bool:
    """True if the model behind an endpoint, by the endpoint's words, sees no images."""
    return _NO_IMAGES.search(words.lower()) is not None


def _joined(own: object, asked: object) -> object:
    """Options within a field add to those that are set; all else takes their place."""
    return {**own, **asked} if isinstance(own, dict) and isinstance(asked, dict) else asked


def merged(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Tool calls and results stay apart; all else is one message for each speaker."""
    joined: list[dict[str, Any]] = []
    for message in messages:
        plain = not message.tool_calls and message.role != "tool"
        if plain and joined and set(joined[-1]) == {"role", "content"}:
            last = joined[-1]
            if last["role"] == message.role:
                last["content"] = _after(last["content"], _content(message))
                continue
        joined.append(written(message))
    return joined


def _content(message: ChatMessage) -> str | list[dict[str, Any]]:
    return [_part(part) for part in message.parts] or message.content


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    detail = {"detail": part.detail} if part.detail else {}
    return {"type": "image_url", "image_url": {"url": part.url, **detail}}


def _after(
    first: str | list[dict[str, Any]], then: str | list[dict[str, Any]]
) -> str | list[dict[str, Any]]:
    if isinstance(first, str) and isinstance(then, str):
        return f"{first}\n{then}"
    before = [_part(f"{first}\n")] if isinstance(first, str) else first
    return [*before, *([_part(f"\n{then}")] if isinstance(then, str) else then)]


def written(message: ChatMessage) -> dict[str, Any]:
    """As the API has it."""
    fields: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.tool_calls:
        fields["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": _readable(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        fields["tool_call_id"] = message.answers
    return fields


def _readable(arguments: str) -> str:
    """A server that cannot read one call's arguments refuses the whole prompt."""
    try:
        given = json.loads(arguments)
        json.dumps(given, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # half a character, too, is a ValueError
        return "{}"
    return arguments if isinstance(given, dict) else "{}"


def _in_words(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """For those who know no tools: what was called before, by another endpoint, and its result."""
    calls = {call.call_id: call for message in messages for call in message.tool_calls}
    said: list[ChatMessage] = []
    for message in messages:
        if message.role == "tool":
            call = calls.get(message.answers)
            asked = "" if call is None else f"{call.name} {_readable(call.arguments)}"
            said.append(ChatMessage("system", f"Tool {asked}: {message.content}"))
        elif message.content or not message.tool_calls:
            said.append(replace(message, tool_calls=()))
    return said


def _folded(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The system's words, said by the person: before the first words, and in its place later."""
    at = next((n for n, message in enumerate(messages) if message.role != "system"), len(messages))
    told = "\n".join(message.content for message in messages[:at])
    rest = [
        ChatMessage("user", message.content) if message.role == "system" else message
        for message in messages[at:]
    ]
    if not told:
        return rest
    if rest and rest[0].role == "user":
        begun, before = rest[0], f"{told}\n\n"
        parts = (before, *begun.parts) if begun.parts else ()
        return [replace(begun, content=before + begun.content, parts=parts), *rest[1:]]
    return [ChatMessage("user", told), *rest]


def _begun_by_person(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    at = next((n for n, message in enumerate(messages) if message.role != "system"), len(messages))
    begins = at < len(messages) and messages[at].role == "user"
    opening = [] if begins else [ChatMessage("user", OPENING)]
    return [*messages[:at], *opening, *messages[at:]]
