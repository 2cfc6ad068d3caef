"""Real processes: started, asked, ended. Each test starts one or two, which takes a second."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from openai import AsyncOpenAI

from bench.engine import ANSWER
from bench.servers import BenchEngine, Running, ServerError, running
from bench.turns import MODEL

ENGINE = ["bench.engine", "--profile", "none"]


def with_engine(body: Callable[[Running, BenchEngine], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with running("engine", ENGINE) as server, httpx2.AsyncClient(trust_env=False) as http:
            await body(server, BenchEngine(server.url, http))

    asyncio.run(scenario())


async def ask(url: str, *said: str) -> str:
    async with AsyncOpenAI(base_url=url, api_key="EMPTY", max_retries=0) as client:
        answer = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": words} for words in said]
        )
    return answer.choices[0].message.content or ""


def test_a_process_is_ready_at_its_address_and_ends_with_the_body() -> None:
    pids: list[int] = []

    async def body(server: Running, engine: BenchEngine) -> None:
        assert server.url.endswith("/v1")
        server.check()
        pids.append(server.process.pid)

    with_engine(body)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_process_ends_when_the_body_fails() -> None:
    pids: list[int] = []

    async def body(server: Running, engine: BenchEngine) -> None:
        pids.append(server.process.pid)
        raise ServerError("the body's own")

    with pytest.raises(ServerError, match="the body's own"):
        with_engine(body)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_process_that_does_not_start_says_why() -> None:
    async def scenario() -> None:
        async with running("engine", ["bench.engine", "--profile", "nonesuch"]):
            pytest.fail("it started")

    with pytest.raises(ServerError, match="(?s)engine did not start.*nonesuch"):
        asyncio.run(scenario())


def test_a_process_that_is_gone_is_noticed() -> None:
    async def body(server: Running, engine: BenchEngine) -> None:
        server.process.terminate()
        await server.process.wait()
        with pytest.raises(ServerError, match="engine has ended"):
            server.check()

    with_engine(body)


def test_everyone_gets_the_same_answer_and_what_they_said_is_kept() -> None:
    async def body(server: Running, engine: BenchEngine) -> None:
        await ask(server.url, "before")
        await engine.begin()
        assert await ask(server.url, "my number is four", "seven two") == ANSWER
        assert await ask(server.url, "hello") == ANSWER
        told = await engine.requests()
        assert (told.opened, told.finished, told.cancelled) == (2, 2, 0)
        assert told.asked == ("my number is four seven two", "hello")

    with_engine(body)


def test_the_answers_first_sentence_is_as_short_as_an_assistants() -> None:
    first = ANSWER.split(". ")[0]
    assert len(first.split()) <= 8
    assert len(ANSWER.split()) >= 50  # long enough to be interrupted
