"""One streamed answer of any OpenAI-compatible endpoint, timed as it comes in.

It reads the stream itself: a client's retries, fallbacks and hedges would hide what is measured.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from pipelines.addresses import printable

ANSWER_LIMIT_S = 120.0


class AskError(Exception):
    """The endpoint did not answer. The message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    first_s: float
    """From the request to the first text; a role, or a thought, is none."""
    gaps_s: tuple[float, ...]
    """Between pieces of text after it."""
    tokens: int
    """As the endpoint counts them, else its pieces."""
    cached_tokens: int | None
    """The prompt's cached tokens, if it says so."""

    @property
    def between_s(self) -> float:
        """For each token after the first: a piece may hold several."""
        return sum(self.gaps_s) / max(1, self.tokens - 1)


@dataclass(frozen=True, slots=True)
class LoadTarget:
    base_url: str
    """Up to and including /v1."""
    model: str
    api_key: str
    max_tokens: int


async def ask(
    http: httpx2.AsyncClient,
    endpoint: LoadTarget,
    messages: Sequence[Mapping[str, str]],
    now: Callable[[], float],
) -> TimedAnswer:
    """Raises AskError."""
    body = {
        "model": endpoint.model,
        "messages": list(messages),
        "max_tokens": endpoint.max_tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    url = f"{endpoint.base_url}/chat/completions"
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    asked_s, came_s, usage = now(), list[float](), dict[str, Any]()
    try:
        async with http.stream(
            "POST", url, json=body, headers=headers, timeout=ANSWER_LIMIT_S
        ) as answer:
            if answer.status_code != 200:
                said = (await answer.aread()).decode(errors="replace")
                raise AskError(f"{printable(url)} answers {answer.status_code}: {_one_line(said)}")
            async for line in answer.aiter_lines():
                if line.startswith("data:") and (data := line[5:].strip()) != "[DONE]":
                    text, counted = _read(data)
                    usage = counted or usage
                    came_s += [now()] if text else []
    except (httpx2.HTTPError, ValueError) as error:
        raise AskError(
            f"{printable(url)}: {type(error).__name__} {_one_line(str(error))}"
        ) from error
    if not came_s:
        raise AskError(f"{endpoint.model} at {printable(endpoint.base_url)} answers without a word")
    details = usage.get("prompt_tokens_details") or {}
    return TimedAnswer(
        first_s=came_s[0] - asked_s,
        gaps_s=tuple(b - a for a, b in zip(came_s, came_s[1:], strict=False)),
        tokens=usage.get("completion_tokens") or len(came_s),
        cached_tokens=details.get("cached_tokens"),
    )


def _read(data: str) -> tuple[str, dict[str, Any] | None]:
    """The text of a chunk, and its usage."""
    chunk = json.loads(data)
    if not isinstance(chunk, dict) or "error" in chunk:
        raise ValueError(f"an error in the stream: {data[:200]}")
    choices = chunk.get("choices") or [{}]
    return (choices[0].get("delta") or {}).get("content") or "", chunk.get("usage")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
