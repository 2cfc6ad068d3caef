"""A server on loopback that takes texts, with a scripted model behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import openai
import uvicorn

from bot.phone.line import TelephoneConfig
from bot.server.access import AccessPolicy
from bot.texts.sharing import SharedModel
from pipelines.services.protocols import ChatMessage, ServiceError
from tests.pipelines.services.scripted import ScriptedLanguageModel, Step
from tests.serving import TOKEN, Served, serving

MODEL = "tiny"
WORDS = ["One ", "two ", "three."]
ANSWER = "".join(WORDS)
NEVER_S = 3600.0


def steps(messages: Sequence[ChatMessage]) -> list[Step]:
    """By what is asked; whatever it is, the answer is the same."""
    match messages[-1].content.partition(" ")[0]:
        case "long":
            return [(0.0, "one "), (0.0, "two "), (NEVER_S, "three")]
        case "silent":
            return [(NEVER_S, "never")]
        case "fail":
            return [(0.0, ServiceError("llm", "secret detail", retryable=False))]
        case "break":
            return [(0.0, "One "), (0.0, ServiceError("llm", "secret detail", retryable=True))]
        case "flood":
            return [(0.0, "word " * 4096)] * 4096
        case question:
            return [(0.3 if question == "slow" else 0.004, word) for word in WORDS]


@dataclass
class Texting:
    served: Served
    shared: SharedModel
    llm: ScriptedLanguageModel

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.served.port}/v1"

    def asked(self) -> list[str]:
        return [messages[-1].content for messages in self.llm.requests]

    def figure(self, line: str) -> float:
        lines = [one for one in self.served.figures() if one.startswith(f"halfsecond_{line} ")]
        return float(lines[0].split()[-1]) if lines else 0.0

    def client(self, key: str = TOKEN) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.base_url, api_key=key, max_retries=0)


PHONE = TelephoneConfig(auth_token="a-token", public="https://voice.example")


@asynccontextmanager
async def texting(
    *,
    places: int = 8,
    size: int = 64,
    access: AccessPolicy | None = None,
    model: str = MODEL,
    drain_s: float = 0.0,
    change: Callable[[uvicorn.Config], None] = lambda config: None,
) -> AsyncIterator[Texting]:
    """Left, no request is on the model and none waits."""
    llm, shared = ScriptedLanguageModel(steps), SharedModel(places, size)
    await llm.open()
    shared.open(llm, model)
    async with serving(
        shared=shared, access=access, phone=PHONE, drain_s=drain_s, change=change
    ) as served:
        yield Texting(served, shared, llm)
    assert llm.answering == 0
    waits = [line for line in served.figures() if line.startswith("halfsecond_queue_")]
    assert [
        line for line in waits if "wait_seconds" not in line and not line.endswith(" 0.0")
    ] == []


def on_a_server(play: Callable[[Texting], Awaitable[None]], **options: Any) -> None:
    """`options`: of `texting`."""

    async def scenario() -> None:
        async with texting(**options) as on:
            await play(on)

    asyncio.run(scenario())
