"""The calls' language model for a program of one's own: a prompt in, text out.

    from pipelines.services.llm.llm_client import LLMClient

    async with LLMClient("http://localhost:8000/v1", "google/gemma-3-4b-it") as llm:
        print(await llm.generate("Name three rivers."))
        async for piece in llm.generate_streaming("Now tell me a story.", temperature=1.0):
            print(piece, end="", flush=True)

It asks as a call does: through `FailoverLanguageModel`, with its clocks, its fallbacks and its
hedge. Answers are text without thoughts or control tokens, and never empty.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from pipelines.core.thinking.failover import Hedge, Patience
from pipelines.services.llm.llm_failover import Endpoint, FailoverLanguageModel
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import ChatMessage, TextDelta, sampling_of

PLACES = 30
"""Requests at once, the default of LLM_MAX_CONCURRENCY; more wait until one of them ends."""

NONE: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """An endpoint that is asked when those before it fail, or are too slow."""

    base_url: str
    """Up to and including /v1."""
    model: str
    api_key: str | None = None


class LLMClient:
    """Any OpenAI-compatible endpoint and its fallbacks, behind two methods.

    Belongs to one event loop, and to all tasks on it. `open` and `close`, or `async with`, go
    around its use; opening makes no request. A new one costs some ten milliseconds: keep it.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        fallbacks: Sequence[Fallback] = (),
        patience: Patience | None = None,
        hedge: Hedge = "auto",
    ) -> None:
        """`patience`: seconds to the first token (1.5), from there to a first clause (1.5), and
        for all of that (3.0), before the answer is given up. A slow engine needs longer ones.

        `hedge`: seconds of silence after which the first fallback is asked as well; "auto" is 2.5
        times the usual wait, at most 0.4 s; "off".
        """
        first = Fallback(base_url=base_url, model=model, api_key=api_key)
        kept = patience or Patience()
        endpoints: list[Endpoint] = [
            OpenAiLanguageModel(
                base_url=one.base_url,
                api_key=one.api_key,
                model=one.model,
                first_token_s=max(kept.first_token_s, kept.apology_s),
            )
            for one in (first, *fallbacks)
        ]
        self._llm = FailoverLanguageModel(endpoints, kept, hedge)
        self._places = asyncio.Semaphore(PLACES)

    async def open(self) -> None:
        await self._llm.open()

    async def close(self) -> None:
        await self._llm.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def generate(  # noqa: PLR0913 - the API's fields are its arguments
        self,
        prompt: str | Sequence[ChatMessage],
        *,
        system: str = "",
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        others: Mapping[str, object] = NONE,
    ) -> str:
        """The whole answer to a prompt, or to a conversation that ends with a question.

        `system` is what the model is told before. `temperature` (0.7 where it is None), `top_p`,
        `max_tokens` (256) and `seed` are those of the API's request; `others` are more of its
        fields, such as `{"stop": ["END"]}`, or vLLM's: `{"top_k": 20}`.

        Raises ServiceError where no endpoint answers in time, an answer breaks off, or a field is
        not taken (`error.trouble.param` names it); ValueError where there is nothing to ask.
        """
        streaming = self.generate_streaming(
            prompt,
            system=system,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            seed=seed,
            others=others,
        )
        async with aclosing(streaming) as pieces:
            return "".join([piece async for piece in pieces])

    async def generate_streaming(  # noqa: PLR0913 - the API's fields are its arguments
        self,
        prompt: str | Sequence[ChatMessage],
        *,
        system: str = "",
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        others: Mapping[str, object] = NONE,
    ) -> AsyncGenerator[str, None]:
        """The same in pieces as they come, from the first clause on; joined, they are the answer.

        A loop that is left early should be within `contextlib.aclosing`, which ends the request.
        Raises as `generate` does, ServiceError in mid-answer too.
        """
        messages = _messages(prompt, system)
        drawn = {"top_p": top_p, "seed": seed, **others}
        sampling = sampling_of(max_tokens, temperature, drawn)
        async with self._places, aclosing(self._llm.stream(messages, sampling)) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    yield delta.text


def _messages(prompt: str | Sequence[ChatMessage], system: str) -> list[ChatMessage]:
    asked = [ChatMessage("user", prompt)] if isinstance(prompt, str) else list(prompt)
    if not prompt:
        raise ValueError("there is nothing to ask")
    return [ChatMessage("system", system), *asked] if system else asked
