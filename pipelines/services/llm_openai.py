"""Any OpenAI-compatible endpoint, as a stream of text.

The vendor's retries and timeouts are off: the policy is ours. A stream that ends without a
finish_reason has failed, whether or not `[DONE]` came; so has one that ends without a spoken
character, since a model that only thinks leaves the caller in silence.
"""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast
from urllib.parse import urlsplit

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from pipelines.services.protocols import (
    AS_SET,
    ChatMessage,
    Delta,
    Finished,
    Sampling,
    ServiceError,
    TextDelta,
)

_T = TypeVar("_T")

CONNECTIONS = httpx2.Limits(
    max_connections=1000, max_keepalive_connections=100, keepalive_expiry=60.0
)
"""httpx forgets an idle connection after 5 s, less than many a turn takes."""
USAGE_WITHIN_S = 0.2
"""After the finish_reason: the last words must not wait until somebody has counted them."""
DRAIN_WITHIN_S = 0.2
"""A response that is read to its end leaves its connection to the next request."""


@dataclass(kw_only=True)
class OpenAiLanguageModel:
    """`LanguageModel`: one connection pool. Neighbours of one role are sent as one message."""

    base_url: str
    api_key: str | None = None
    """None and "" are values: they are sent as "EMPTY"."""
    model: str
    max_tokens: int = 256
    temperature: float = 0.7
    extra_body: Mapping[str, object] | None = None
    """Goes into the request's body as it is."""
    first_token_s: float = 10.0
    """From the request to the first text: connecting, waiting and thinking are all in it."""
    idle_s: float = 5.0
    """Between two chunks after that."""
    _counts_usage: bool = field(default=True, init=False)
    _client: AsyncOpenAI | None = field(default=None, init=False)

    async def open(self) -> None:
        """Opens no connection yet."""
        self._client = AsyncOpenAI(
            base_url=self.base_url,
            api_key=self.api_key or "EMPTY",
            max_retries=0,
            http_client=openai.DefaultAsyncHttpx2Client(
                # A proxy from the environment cannot reach an engine on this machine.
                trust_env=not is_loopback(self.base_url),
                limits=CONNECTIONS,
                timeout=None,
            ),
        )

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        if self._client is None:
            raise ServiceError("llm", "is not open", retryable=False)
        now = asyncio.get_running_loop().time
        answer = _Answer()
        with _as_service_errors():
            async with asyncio.timeout(self.first_token_s) as first_token:
                chunks = await self._ask(self._client, messages, sampling)
            deadline = first_token.when()
            try:
                while (chunk := await _next(chunks, deadline)) is not None:
                    if text := answer.take(chunk):
                        yield TextDelta(text)
                    if answer.finish_reason is not None:
                        break
                    if answer.spoken:
                        deadline = now() + self.idle_s
                if answer.finish_reason is not None and self._counts_usage:
                    await _count(chunks, answer, now() + USAGE_WITHIN_S)
                yield answer.finished()
                await _drain(chunks)
            finally:
                await chunks.close()

    async def _ask(
        self, client: AsyncOpenAI, messages: Sequence[ChatMessage], sampling: Sampling
    ) -> AsyncStream[ChatCompletionChunk]:
        try:
            return await self._request(client, messages, sampling)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as exc:
            if not self._counts_usage or "stream_options" not in f"{exc.message} {exc.body}":
                raise
            self._counts_usage = False
            return await self._request(client, messages, sampling)

    async def _request(
        self, client: AsyncOpenAI, messages: Sequence[ChatMessage], sampling: Sampling
    ) -> AsyncStream[ChatCompletionChunk]:
        return await client.chat.completions.create(
            model=self.model,
            messages=merged(messages),
            max_tokens=either(sampling.max_tokens, self.max_tokens),
            temperature=either(sampling.temperature, self.temperature),
            stream=True,
            stream_options={"include_usage": True} if self._counts_usage else openai.omit,
            extra_body={**(self.extra_body or {}), **sampling.others},
        )


class _Answer:
    """What has been said so far, of chunks that any field may be missing from."""

    def __init__(self) -> None:
        self.spoken = False
        self.finish_reason: str | None = None
        self._usage: object = None

    @property
    def counted(self) -> bool:
        return self._usage is not None

    def take(self, chunk: ChatCompletionChunk) -> str:
        """The text to be spoken; "" for a role, reasoning, usage or a comment."""
        self._usage = getattr(chunk, "usage", None) or self._usage
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list) or not choices:
            return ""
        self.finish_reason = getattr(choices[0], "finish_reason", None) or self.finish_reason
        text = getattr(getattr(choices[0], "delta", None), "content", None)
        if not isinstance(text, str):
            return ""
        self.spoken = self.spoken or bool(text.strip())
        return text

    def finished(self) -> Finished:
        if self.finish_reason is None:
            raise ServiceError("llm", "the stream ended without a finish_reason", retryable=True)
        if not self.spoken:
            raise ServiceError("llm", "an answer without a spoken word", retryable=True)
        details = getattr(self._usage, "prompt_tokens_details", None)
        return Finished(
            self.finish_reason,
            prompt_tokens=getattr(self._usage, "prompt_tokens", None),
            cached_tokens=getattr(details, "cached_tokens", None),
            completion_tokens=getattr(self._usage, "completion_tokens", None),
        )


async def _next(
    chunks: AsyncStream[ChatCompletionChunk], deadline: float | None
) -> ChatCompletionChunk | None:
    async with asyncio.timeout_at(deadline):
        return await anext(chunks, None)


async def _count(
    chunks: AsyncStream[ChatCompletionChunk], answer: _Answer, deadline: float
) -> None:
    """Usage comes with the finish_reason, after it, or never: the answer is whole without it."""
    with contextlib.suppress(TimeoutError, openai.OpenAIError, ValueError):
        while not answer.counted and (chunk := await _next(chunks, deadline)) is not None:
            answer.take(chunk)


async def _drain(chunks: AsyncStream[ChatCompletionChunk]) -> None:
    with contextlib.suppress(TimeoutError, openai.OpenAIError, ValueError):
        async with asyncio.timeout(DRAIN_WITHIN_S):
            while await anext(chunks, None) is not None:
                pass


@contextlib.contextmanager
def _as_service_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError as exc:
        raise ServiceError("llm", "too slow", retryable=True) from exc
    except openai.APIStatusError as exc:
        retryable = exc.status_code >= 500 or exc.status_code in (408, 429)
        quota = exc.code == "insufficient_quota"
        message = f"status {exc.status_code}"
        raise ServiceError("llm", message, retryable=retryable and not quota) from exc
    except (openai.OpenAIError, httpx2.HTTPError, ValueError) as exc:  # torn JSON is a ValueError
        raise ServiceError("llm", type(exc).__name__, retryable=True) from exc
    except httpx2.InvalidURL as exc:
        raise ServiceError("llm", "the base URL is not one", retryable=False) from exc


def either(wish: _T | None, default: _T) -> _T:
    return default if wish is None else wish


def merged(messages: Sequence[ChatMessage]) -> list[ChatCompletionMessageParam]:
    """As the API takes them. After a barge-in there may be no answer between two user turns,
    which strict chat templates refuse: neighbours of one role become one message.
    """
    joined: list[dict[str, str]] = []
    for message in messages:
        if joined and joined[-1]["role"] == message.role:
            joined[-1]["content"] += "\n" + message.content
        else:
            joined.append({"role": message.role, "content": message.content})
    return cast(list[ChatCompletionMessageParam], joined)


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
