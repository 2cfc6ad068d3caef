"""The demo engine as a client sees it. Those that open a socket are in the second half."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

import openai
import pytest
import uvicorn

from bot.engines.demo import MODEL, DemoChatRequest, DemoEngine, Stats, tokenise
from bot.engines.demo_process import DemoProcess
from bot.server.listening import address, listen
from bot.settings.latency_profile import PROFILES, LatencyProfile
from pipelines.services import minding
from replay import virtual_time
from tests.patience import until

NO_WAIT = PROFILES["none"]
NEVER = LatencyProfile(3600.0, 3600.0, 3600.0)


def request(text: str, **fields: object) -> DemoChatRequest:
    messages = [{"role": "user", "content": text}]
    return DemoChatRequest.model_validate({"model": MODEL, "messages": messages, **fields})


def test_tokens_are_due_by_deadline_and_do_not_drift() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        engine = DemoEngine(PROFILES["fixed-150"])
        generation = engine.generation(request("count to twenty"), arrived_s=10.0)
        due = []
        async for _ in generation.paced(engine.stats):
            due.append(loop.time())
            await asyncio.sleep(0.01)  # a slow reader puts nothing off
        assert due == pytest.approx([10.15 + 0.025 * i for i in range(len(due))])
        assert engine.stats.tokens == len(due) == 25

    virtual_time.run(scenario())


def test_answer_and_pace_follow_from_seed_and_conversation() -> None:
    def first_s(seed: int, text: str) -> float:
        return DemoEngine(PROFILES["a100"], seed).generation(request(text), 0.0).first_s

    assert first_s(1, "tell me a joke") == first_s(1, "tell me a joke")
    assert len({first_s(seed, text) for seed in (1, 2) for text in ("one", "two")}) == 4


def test_a_token_is_a_word_with_its_blank_and_punctuation() -> None:
    assert tokenise("Sure, 4 o'clock.") == ["Sure,", " 4", " o'clock."]
    assert tokenise("") == []


def test_content_may_come_in_parts_or_not_at_all() -> None:
    parts = [{"type": "text", "text": "count to "}, {"type": "text", "text": "two"}]
    messages = [{"role": "assistant", "content": None}, {"role": "user", "content": parts}]
    wanted = DemoChatRequest.model_validate({"model": MODEL, "messages": messages})
    generation = DemoEngine(NO_WAIT).generation(wanted, 0.0)
    assert "".join(generation.tokens) == "Sure, here we go. 1, 2. Done."


# ---- over a socket on loopback ----


@asynccontextmanager
async def serving(engine: DemoEngine) -> AsyncIterator[openai.AsyncOpenAI]:
    sock = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        engine.app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[sock]))
        url = f"{address(sock)}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="EMPTY", max_retries=0) as client:
            yield client
        server.should_exit = True


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


async def _until(stats: Stats, open_now: int) -> None:
    """Bounded by the suite's own limit on a test."""
    while stats.open != open_now:  # noqa: ASYNC110  # a dataclass has no event to wait for
        await asyncio.sleep(0)


def test_a_stream_begins_with_a_role_and_ends_with_reason_usage_and_done() -> None:
    async def scenario() -> None:
        engine = DemoEngine(NO_WAIT)
        async with serving(engine) as client:
            response = await client.chat.completions.with_raw_response.create(
                model=MODEL,
                messages=user("count to two"),
                stream=True,
                stream_options={"include_usage": True},
            )
            events = (await response.http_response.aread()).decode().split("\n\n")
        assert events[-2:] == ["data: [DONE]", ""]
        chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
        assert deltas[0] == {"role": "assistant", "content": ""}
        assert [delta["content"] for delta in deltas[1:-1]] == [
            *("Sure,", " here", " we", " go.", " 1,", " 2.", " Done.")
        ]
        assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [
            *[None] * 8,
            "stop",
        ]
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"] == {
            "prompt_tokens": 3,
            "completion_tokens": 7,
            "total_tokens": 10,
        }
        assert engine.stats == Stats(opened=1, finished=1, tokens=7)

    asyncio.run(scenario())


def test_a_whole_answer_is_the_same_words_and_obeys_the_limit() -> None:
    async def scenario() -> None:
        async with serving(DemoEngine(NO_WAIT)) as client:
            create = client.chat.completions.create
            whole = await create(model=MODEL, messages=user("count to two"))
            assert whole.choices[0].message.content == "Sure, here we go. 1, 2. Done."
            assert whole.choices[0].finish_reason == "stop"
            short = await create(model=MODEL, messages=user("count to two"), max_tokens=2)
            assert short.choices[0].message.content == "Sure, here"
            assert short.choices[0].finish_reason == "length"
            assert short.usage is not None
            assert short.usage.completion_tokens == 2
            assert [model.id async for model in client.models.list()] == [MODEL]

    asyncio.run(scenario())


@pytest.mark.parametrize("stream", [False, True])
def test_generation_stops_when_the_client_goes(stream: bool) -> None:
    async def scenario() -> None:
        engine = DemoEngine(NEVER)
        async with serving(engine) as client:
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(
                    client.chat.completions.create(
                        model=MODEL, messages=user("tell me a story"), stream=stream
                    )
                )
                await _until(engine.stats, open_now=1)
                if stream:
                    answer = await asking
                    assert isinstance(answer, openai.AsyncStream)
                    await answer.close()
                else:
                    asking.cancel()
            await _until(engine.stats, open_now=0)
        assert engine.stats == Stats(opened=1, cancelled=1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "gpt-9"}, 404, "model"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "wizard", "content": "hi"}]}, 400, "messages.0.role"),
        ({"temperature": 9}, 400, "temperature"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"n": 2}, 400, "n"),
    ],
)
def test_a_wrong_body_is_refused_as_openai_refuses_it(
    fields: dict[str, Any], status: int, param: str
) -> None:
    async def scenario() -> None:
        engine = DemoEngine(NO_WAIT)
        async with serving(engine) as client:
            with pytest.raises(openai.APIStatusError) as error:
                await client.chat.completions.create(
                    **{"model": MODEL, "messages": user("hi"), **fields}
                )
        assert error.value.status_code == status
        assert error.value.type == "invalid_request_error"
        assert error.value.param == param
        assert engine.stats == Stats()

    asyncio.run(scenario())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"model": 1}'])
def test_junk_is_refused_in_json(body: bytes) -> None:
    async def scenario() -> None:
        async with serving(DemoEngine(NO_WAIT)) as client:
            with pytest.raises(openai.BadRequestError) as error:
                await client.post("/chat/completions", cast_to=object, content=body)
            assert error.value.type == "invalid_request_error"
            with pytest.raises(openai.NotFoundError) as missing:
                await client.get("/embeddings", cast_to=object)
            assert missing.value.type == "invalid_request_error"

    asyncio.run(scenario())


def test_the_process_serves_until_it_is_closed() -> None:
    async def scenario() -> None:
        process = DemoProcess("none")
        url = await process.open()
        async with openai.AsyncOpenAI(base_url=url, api_key="EMPTY", max_retries=0) as client:
            whole = await client.chat.completions.create(model=MODEL, messages=user("thanks"))
            assert whole.choices[0].message.content == "You're welcome. Anything else?"
            await process.close()
            await process.close()
            with pytest.raises(openai.APIConnectionError):
                await client.models.list()

    asyncio.run(scenario())


def test_a_process_that_is_killed_is_back_and_answers_what_was_asked_meanwhile() -> None:
    async def scenario() -> None:
        process = DemoProcess("none")
        url = await process.open()
        async with (
            openai.AsyncOpenAI(base_url=url, api_key="EMPTY", max_retries=0) as client,
            asyncio.TaskGroup() as tasks,
        ):
            minding = tasks.create_task(process.minder.run())
            for _ in range(2):
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
                await until(lambda: process.minder.trouble is not None, 0.01)
                whole = await client.chat.completions.create(model=MODEL, messages=user("thanks"))
                assert whole.choices[0].message.content == "You're welcome. Anything else?"
                await until(lambda: process.minder.trouble is None, 0.01)
            minding.cancel()
        await process.close()

    asyncio.run(scenario())


def test_a_process_that_is_stopped_is_found_out_and_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(minding, "ASK_EVERY_S", 0.1)
    monkeypatch.setattr(minding, "HUNG_S", 0.5)

    async def scenario() -> None:
        process = DemoProcess("none")
        url = await process.open()
        async with (
            openai.AsyncOpenAI(base_url=url, api_key="EMPTY", max_retries=0) as client,
            asyncio.TaskGroup() as tasks,
        ):
            running = tasks.create_task(process.minder.run())
            assert (stopped := process.pid) is not None
            os.kill(stopped, signal.SIGSTOP)
            await until(lambda: process.minder.trouble is not None, 0.01)
            await until(lambda: process.pid != stopped and process.minder.trouble is None, 0.01)
            whole = await client.chat.completions.create(model=MODEL, messages=user("thanks"))
            assert whole.choices[0].message.content == "You're welcome. Anything else?"
            running.cancel()
        await process.close()

    asyncio.run(scenario())


def test_the_demo_tells_the_time_of_its_zone() -> None:
    def said(zone: str) -> str:
        engine = DemoEngine(NO_WAIT, zone=ZoneInfo(zone))
        return "".join(engine.generation(request("what is today's date"), 0.0).tokens)

    assert said("Pacific/Kiritimati") != said("Pacific/Pago_Pago")  # 25 hours apart
