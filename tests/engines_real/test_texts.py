"""The text door in front of a real llama-server, whose own slots say what it is at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from bot.settings import Settings
from bot.texts.sharing import SharedModel
from bot.wiring.model import failover_for_texts
from tests.bot.texts.test_door_images import DOT, showing
from tests.engines_real import llama_server
from tests.engines_real.llama_server import FAQ, LlamaServer, decoding
from tests.engines_real.tiny_gemma3 import counting
from tests.patience import until
from tests.serving import Served, serving

pytestmark = pytest.mark.needs("llama-server")

PLACES = 2
COUNTS_TO = 1000


@asynccontextmanager
async def texts(model: Path) -> AsyncIterator[tuple[LlamaServer, Served, openai.AsyncOpenAI]]:
    async with llama_server.running(model, slots=PLACES) as engine:
        settings = Settings.model_validate({"llm_base_url": engine.url, "llm_temperature": 0})
        llm, shared = failover_for_texts(settings, engine.url), SharedModel(PLACES, 64)
        await llm.open()
        shared.open(llm, "tiny")
        async with serving(shared=shared) as served:
            url = f"http://127.0.0.1:{served.port}/v1"
            async with openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as client:
                yield engine, served, client
        await llm.close()


def waiting(served: Served) -> float:
    [line] = [one for one in served.figures() if one.startswith('halfsecond_queue_waiting{kind="t')]
    return float(line.split()[-1])


@pytest.mark.soak
def test_thirty_two_clients_have_no_more_slots_than_there_are_and_a_leaver_frees_its_own(
    tmp_path: Path,
) -> None:
    model = counting(tmp_path / "counting.gguf", COUNTS_TO, idle_layers=64)

    async def ask(client: openai.AsyncOpenAI, number: int, ended: list[int]) -> None:
        stream = await client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "Count."}],
            user=str(number),
            stream=True,
            max_tokens=4000 if number < PLACES else 3,
        )
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(said).startswith("Sure")
        ended.append(number)

    async def scenario() -> list[int]:
        ended: list[int] = []
        async with texts(model) as (engine, served, client), asyncio.TaskGroup() as tasks:
            asking = []
            for number in range(32):
                asking.append(tasks.create_task(ask(client, number, ended)))
                if number >= PLACES:
                    await until(lambda: waiting(served) == number - 1)  # noqa: B023
                else:
                    while len(await decoding(engine.http)) <= number:
                        pass
            assert len(await decoding(engine.http)) == PLACES
            asking[0].cancel()  # in mid-answer: the others are served on its slot, one by one
            await asyncio.wait(asking[PLACES:])
            assert len(await decoding(engine.http)) == 1
            asking[1].cancel()
            await engine.until_idle()
        return ended

    assert asyncio.run(scenario()) == list(range(PLACES, 32))


def test_llama_server_is_known_by_what_it_says_and_draws_as_it_is_asked_to() -> None:
    async def scenario() -> None:
        async with texts(FAQ) as (_, _, client):

            async def ask(content: Any = "What are your opening hours?", **fields: Any) -> str:
                messages: Any = [{"role": "user", "content": content}]
                create = client.chat.completions.create
                answer = await create(model="tiny", messages=messages, **fields)
                return answer.choices[0].message.content or ""

            usual = await ask(extra_body={"top_k": 1, "min_p": 0.1, "repetition_penalty": 1.0})
            assert usual.startswith("We are open from nine in the morning")
            assert await ask(extra_body={"repetition_penalty": 9.0}, max_tokens=20) != usual
            assert await ask(extra_body={"ignore_eos": True}, max_tokens=40) != usual

            with pytest.raises(openai.BadRequestError) as caught:
                await ask(extra_body={"min_tokens": 5})
            assert (caught.value.param, caught.value.code) == (
                "min_tokens",
                "unsupported_parameter",
            )
            with pytest.raises(openai.BadRequestError, match="does not see images"):
                await ask(showing(DOT))

    asyncio.run(scenario())
