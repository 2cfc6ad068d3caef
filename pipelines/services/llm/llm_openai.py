"""Any OpenAI-compatible endpoint, as a stream of text.

The vendor's retries and timeouts are off: the policy is ours, and so is the reading of what comes,
since servers differ. A stream that ends without a finish_reason has failed, whether or not `[DONE]`
came; so has one without a spoken character, since a model that only thinks leaves the caller in
silence. A finish_reason is not the end where words come with it or after it.
"""

import asyncio
import contextlib
import copy
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import cast

import httpx2
import openai
import structlog
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from pipelines.addresses import host_of, place_of
from pipelines.core.thinking.leaks import LeakFilter
from pipelines.core.thinking.text_calls import schemas_of
from pipelines.core.thinking.turn_marks import TurnMarks
from pipelines.services.llm.llm_answer import LONGEST_ALOUD, LONGEST_ANSWER, Answer
from pipelines.services.llm.llm_dialect import EndpointDialect
from pipelines.services.llm.llm_events import Chunk, EventReader
from pipelines.services.llm.llm_faults import as_llm_errors, unsupported, words_of
from pipelines.services.llm.llm_server import STANDARD, UNKNOWN, LanguageModelServer, look, needs_of
from pipelines.services.openai_client import new_client
from pipelines.services.pacing import paced
from pipelines.services.protocols import (
    AS_SET,
    ChatMessage,
    Delta,
    Sampling,
    ServiceError,
    TextDelta,
)

USAGE_WITHIN_S = 0.2
"""After the finish_reason: the last words must not wait until somebody has counted them."""
DRAIN_WITHIN_S = 0.2
"""A response that is read to its end leaves its connection to the next request."""
MOST_ADAPTATIONS = 6
"""Requests that one question may cost while it is found out what an endpoint does not take."""
KNOWN_FOR_S = 60.0
"""Another server, or another model, may be started at the same address."""
WARM_WITHIN_S = 10.0
COUNT_WITHIN_S = 1.0
SLEEPERS = ("runpod.ai",)
"""Hosts of endpoints that go to sleep when nobody asks, and take minutes to wake."""

log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class OpenAiLanguageModel:
    """`LanguageModel` and `PromptCache`: one connection pool."""

    base_url: str
    api_key: str | None = None
    """None and "" are values: they are sent as "EMPTY"."""
    model: str
    max_tokens: int = 256
    temperature: float = 0.7
    extra_body: Mapping[str, object] | None = None
    """Goes into the request's body as it is, until the endpoint refuses it."""
    first_token_s: float = 10.0
    """From the request to the first text: connecting, waiting and thinking are all in it."""
    idle_s: float = 5.0
    """Between two chunks after that."""
    _dialect: EndpointDialect = field(default_factory=EndpointDialect, init=False)
    _ends_unopened: bool = field(default=False, init=False)
    """Its last answer ended a thought that had not begun: the chat template begins them."""
    _counts_tokens: bool = field(default=True, init=False)
    _ever_answered: bool = field(default=False, init=False)
    _server: LanguageModelServer | None = field(default=None, init=False)
    _known_until_s: float = field(default=0.0, init=False)
    _client: AsyncOpenAI | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """For the log and the metrics."""
        return f"{self.model}@{place_of(self.base_url)}"

    async def open(self) -> None:
        """Opens no connection yet."""
        self._client = new_client(self.base_url, self.api_key, "lines")

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        if self._client is None:
            raise ServiceError("llm", "is not open", retryable=False)
        answer, needed = self._new_answer(sampling), needs_of(messages, sampling)
        with as_llm_errors(lambda: self.may_be_cold and not answer.begun, needed):
            async with asyncio.timeout(self.first_token_s) as first_token:
                server = await self._server_that_takes(needed, self._client)
                chunks = await self._ask(self._client, messages, sampling, server)
            answered = self._answered(answer, _read(chunks.response), first_token.when())
            async with chunks, aclosing(answered):
                async for delta in answered:
                    yield delta

    async def _answered(
        self, answer: Answer, chunks: AsyncGenerator[Chunk | None, None], deadline: float | None
    ) -> AsyncGenerator[Delta, None]:
        now = asyncio.get_running_loop().time
        async with aclosing(chunks):
            while (chunk := await _next(chunks, answer, deadline)) is not None:
                async with aclosing(_taken(answer, chunk)) as taken:
                    async for delta in taken:
                        yield delta
                if answer.begun:
                    self._ever_answered = True
                    deadline = self._deadline(answer, deadline, now())
                if answer.turn_incomplete:
                    yield answer.finished()
                    return
                if answer.is_full:
                    break
            if (text := answer.finish()) or answer.anew:
                yield TextDelta(text, anew=answer.anew)
            self._ends_unopened = answer.leaks.ended_unopened
            yield answer.finished()
            if not answer.is_full:
                await _drain(chunks)

    def _new_answer(self, sampling: Sampling) -> Answer:
        tools = schemas_of(sampling.tools)
        leaks = LeakFilter(tools, aloud=sampling.aloud, unopened=self._ends_unopened)
        longest = LONGEST_ALOUD if sampling.aloud else LONGEST_ANSWER
        return Answer(leaks, TurnMarks() if sampling.judges_turn else None, longest)

    def _deadline(self, answer: Answer, deadline: float | None, now: float) -> float | None:
        """When the next chunk has to be here."""
        if answer.finish_reason is not None and not answer.is_premature:
            soon = now + USAGE_WITHIN_S
            return soon if deadline is None else min(deadline, soon)
        return now + self.idle_s if answer.moved else deadline

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        """One token is asked for, and thrown away."""
        brief = Sampling(max_tokens=1, temperature=0.0, tools=sampling.tools)
        if self._client is None:
            return
        with contextlib.suppress(ServiceError), as_llm_errors(lambda: self.may_be_cold):
            async with asyncio.timeout(WARM_WITHIN_S):
                chunks = await self._ask(self._client, messages, brief)
                read = _read(chunks.response)
                try:
                    await _drain(read, WARM_WITHIN_S)
                finally:
                    await read.aclose()
                    await chunks.close()

    async def count(self, text: str) -> int | None:
        """By `/tokenize`, which vLLM and llama.cpp have beside /v1."""
        if self._client is None or not self._counts_tokens:
            return None
        root = self.base_url.rstrip("/").removesuffix("/v1")
        asked = {"model": self.model, "prompt": text, "content": text, "add_special_tokens": False}
        try:
            async with asyncio.timeout(COUNT_WITHIN_S):
                said = await self._client.post(f"{root}/tokenize", body=asked, cast_to=object)
        except (TimeoutError, openai.OpenAIError, httpx2.HTTPError, ValueError):
            said = None
        match said:
            case {"count": int(count)}:
                return count
            case {"tokens": list(tokens)}:
                return len(tokens)
            case _:
                self._counts_tokens = False
                return None

    @property
    def may_be_cold(self) -> bool:
        """It has not answered yet, or goes to sleep when nobody asks."""
        return not self._ever_answered or host_of(self.base_url).endswith(SLEEPERS)

    async def _server_that_takes(
        self, needed: frozenset[str], client: AsyncOpenAI
    ) -> LanguageModelServer:
        """Asks the server what it is where that matters. Raises ServiceError by a field's name."""
        if refused := min(needed & self._dialect.left_out, default=""):
            raise unsupported(refused)
        if needed <= STANDARD:
            return UNKNOWN
        now = asyncio.get_running_loop().time()
        if self._server is None or now >= self._known_until_s:
            self._server = await look(client, self.base_url, self.model)
            self._known_until_s = now + KNOWN_FOR_S
        if refused := self._server.missing(needed):
            raise unsupported(refused)
        return self._server

    async def _ask(
        self,
        client: AsyncOpenAI,
        messages: Sequence[ChatMessage],
        sampling: Sampling,
        server: LanguageModelServer = UNKNOWN,
    ) -> AsyncStream[ChatCompletionChunk]:
        """A refused field is left out, and remembered if that was the mend."""
        fields, dialect, left_out = self._fields(sampling), self._dialect, list[str]()
        own = fields.keys() - sampling.required
        while True:
            body = dialect.body(fields, sampling, server.takes)
            try:
                chunks = await self._request(client, dialect.messages(messages), body)
            except openai.APIStatusError as exc:
                if len(left_out) == MOST_ADAPTATIONS or exc.status_code not in (400, 422, 500, 501):
                    raise
                dialect = copy.deepcopy(dialect)
                named = dialect.learn(exc.status_code, words_of(exc), body, own)
                if not named:
                    raise
                left_out.append(named)
            else:
                if left_out:
                    self._dialect = dialect
                    without = ", ".join(left_out)
                    log.warning("an endpoint takes less", endpoint=self.name, without=without)
                return chunks

    def _fields(self, sampling: Sampling) -> dict[str, object]:
        length, warmth = sampling.max_tokens, sampling.temperature
        return {
            "max_tokens": self.max_tokens if length is None else length,
            "temperature": self.temperature if warmth is None else warmth,
            **(self.extra_body or {}),
        }

    async def _request(
        self, client: AsyncOpenAI, written: list[dict[str, object]], body: Mapping[str, object]
    ) -> AsyncStream[ChatCompletionChunk]:
        return await client.chat.completions.create(
            model=self.model,
            messages=cast(list[ChatCompletionMessageParam], written),
            stream=True,
            extra_body=body,
        )


async def _taken(answer: Answer, chunk: Chunk) -> AsyncGenerator[TextDelta, None]:
    """A chunk's text as it is taken, between whose pieces the event loop has its turn."""
    text, is_all = answer.take(chunk), False
    while not is_all:
        if text or answer.anew:
            yield TextDelta(text, anew=answer.anew)
        is_all = not answer.has_more
        if not is_all:
            await asyncio.sleep(0)
            text = answer.more()


async def _read(response: httpx2.Response) -> AsyncGenerator[Chunk | None, None]:
    """The chunks of an answer; None once it has ended, and the body may go on.

    Raises ValueError for what cannot be read.
    """
    events, told = EventReader(), False
    async with aclosing(paced(response.aiter_bytes())) as pieces:
        async for piece in pieces:
            for chunk in events.feed(piece):
                yield chunk
            if events.is_done and not told:
                told = True
                yield None
    for chunk in events.finish():
        yield chunk


async def _next(
    chunks: AsyncGenerator[Chunk | None, None], answer: Answer, deadline: float | None
) -> Chunk | None:
    """None at the end: what fails after a finish_reason is the end, too."""
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(chunks, None)
    except (TimeoutError, openai.OpenAIError, httpx2.HTTPError, ValueError):
        if answer.finish_reason is None:
            raise
        return None


async def _drain(
    chunks: AsyncGenerator[Chunk | None, None], within_s: float = DRAIN_WITHIN_S
) -> None:
    with contextlib.suppress(TimeoutError, openai.OpenAIError, httpx2.HTTPError, ValueError):
        async with asyncio.timeout(within_s):
            async for _ in chunks:
                pass
