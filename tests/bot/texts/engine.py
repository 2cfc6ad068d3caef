"""The text door in front of an engine that is scripted on the wire, as vLLM or llama.cpp is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import openai

from bot.settings import Settings
from bot.texts.sharing import SharedModel
from bot.wiring.model import failover_for_texts
from tests.pipelines.services.scripted_endpoint import DONE, Reply, ScriptedEndpoint, delta, finish
from tests.serving import TOKEN, Served, serving

MODEL = "gemma"

FINE = Reply([delta(content="Machine"), delta(content=" learning."), finish(), DONE])


def refusal(words: str, status: int = 400) -> Reply:
    return Reply([b'{"error":{"message":"%s"}}' % words.encode()], status)


def listed(owner: str) -> dict[str, object]:
    entry = {"id": MODEL, "object": "model", "created": 0, "owned_by": owner}
    return {"/v1/models": {"object": "list", "data": [entry]}}


def llama_cpp(*, vision: bool) -> dict[str, object]:
    abilities = ["completion", "multimodal"] if vision else ["completion"]
    pages = listed("llamacpp")
    models = [{"name": MODEL, "capabilities": abilities}]
    return {
        "/v1/models": {**pages["/v1/models"], "models": models},  # type: ignore[dict-item]
        "/props": {"modalities": {"vision": vision, "audio": False}},
    }


VLLM = listed("vllm")


@dataclass
class Door:
    served: Served
    engines: list[ScriptedEndpoint]
    client: openai.AsyncOpenAI

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.served.port}"

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The bodies that the first engine was sent."""
        return self.engines[0].requests

    async def create(self, content: object = "hello", **fields: Any) -> Any:
        messages: Any = [{"role": "user", "content": content}]
        return await self.client.chat.completions.create(model=MODEL, messages=messages, **fields)

    async def refused(self, content: object = "hello", **fields: Any) -> Any:
        """The error that the stock client raises."""
        try:
            await self.create(content, **fields)
        except openai.BadRequestError as error:
            return error
        raise AssertionError("it was not refused")


@asynccontextmanager
async def door(*engines: ScriptedEndpoint, **settings: object) -> AsyncIterator[Door]:
    async with AsyncExitStack() as stack:
        first, *others = [await stack.enter_async_context(engine) for engine in engines]
        wanted = Settings.model_validate(
            {
                "llm_base_url": first.url,
                "llm_model": MODEL,
                "llm_fallbacks": tuple(f"{MODEL}@{one.url}" for one in others),
                **settings,
            }
        )
        llm, shared = failover_for_texts(wanted, first.url), SharedModel(8, 64)
        await llm.open()
        shared.open(llm, MODEL)
        served = await stack.enter_async_context(serving(shared=shared))
        url = f"http://127.0.0.1:{served.port}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
            yield Door(served, list(engines), client)
        await llm.close()


def before(
    engines: Sequence[ScriptedEndpoint], play: Callable[[Door], Awaitable[None]], **settings: object
) -> None:
    async def scenario() -> None:
        async with door(*engines, **settings) as on:
            await play(on)

    asyncio.run(scenario())
