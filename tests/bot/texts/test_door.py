"""The text door as OpenAI's own clients find it, on a real socket."""

import asyncio
import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import uvicorn
from openai.types.chat import ChatCompletionMessageParam

import bot.texts.event_stream
from bot.calls.sessions import Doors
from bot.server.access import AccessPolicy
from bot.texts.door import CLIENT_HEADERS, PLACE
from bot.texts.sharing import SharedModel
from tests.bot.browser.test_door import signal_server
from tests.bot.texts.texting import ANSWER, MODEL, WORDS, Texting, on_a_server
from tests.client.web.npm import node_modules
from tests.patience import until
from tests.serving import TOKEN, serving


def saying(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def body(text: str, **fields: object) -> dict[str, object]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **fields}


async def post(on: Texting, asked: object) -> httpx2.Response:
    return await on.served.http.post("/v1/chat/completions", json=asked)


# ---- the stock clients ----


def test_the_stock_client_is_answered_whole_and_in_pieces() -> None:
    async def play(on: Texting) -> None:
        async with on.client() as client:
            assert [model.id async for model in client.models.list()] == [MODEL]
            create = client.chat.completions.create
            whole = await create(model=MODEL, messages=saying("hello"), seed=3, stop="END")
            assert whole.choices[0].message.content == ANSWER
            assert whole.choices[0].finish_reason == "stop"
            assert on.llm.samplings[0].others == {"seed": 3, "stop": "END"}

            stream = await create(
                model=MODEL, messages=saying("hello"), stream=True, temperature=0, max_tokens=9
            )
            chunks = [chunk async for chunk in stream]
            assert len({chunk.id for chunk in chunks}) == 1
            assert chunks[0].choices[0].delta.role == "assistant"
            said = [chunk.choices[0].delta.content for chunk in chunks]
            assert said == ["", *WORDS, None]
            assert chunks[-1].choices[0].finish_reason == "stop"
            assert (on.llm.samplings[1].max_tokens, on.llm.samplings[1].temperature) == (9, 0.0)

    on_a_server(play)


def test_the_stock_client_that_blocks_is_answered_too() -> None:
    def ask(base_url: str) -> tuple[str | None, str]:
        with openai.OpenAI(base_url=base_url, api_key=TOKEN, max_retries=0) as client:
            create = client.chat.completions.create
            whole = create(model=MODEL, messages=saying("hello"))
            stream = create(model=MODEL, messages=saying("hello"), stream=True)
            streamed = [chunk.choices[0].delta.content or "" for chunk in stream]
            return whole.choices[0].message.content, "".join(streamed)

    async def play(on: Texting) -> None:
        assert await asyncio.to_thread(ask, on.base_url) == (ANSWER, ANSWER)

    on_a_server(play)


@pytest.mark.needs("npm")
def test_the_stock_javascript_client_is_answered_too() -> None:
    modules = node_modules()
    source = modules.parent / "stranger.mjs"
    shutil.copy(Path(__file__).with_name(source.name), source)

    def ask(base_url: str) -> dict[str, Any]:
        command = ["node", str(source), base_url, TOKEN, MODEL]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    async def play(on: Texting) -> None:
        told = await asyncio.to_thread(ask, on.base_url)
        assert told["models"] == [MODEL]
        assert (told["whole"], told["helped"]) == (ANSWER, ANSWER)
        assert (told["streamed"], told["reason"]) == (WORDS, "stop")
        assert (told["broken"], told["error"]) == (["One "], ["APIError", "engine_failed"])
        assert told["unknown"] == ["NotFoundError", 404, "model_not_found"]
        await until(lambda: on.llm.answering == 0)  # it broke off in the last answer
        assert on.asked()[-1] == "long"

    on_a_server(play)


# ---- what cannot be ----


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
    ({"temperature": 3}, "temperature"),
    ({"max_tokens": "5"}, "max_tokens"),
    ({"n": 2}, "n"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
    ({"response_format": {"type": "json_object"}}, "response_format.type"),
    ({"logprobs": True}, "logprobs"),
    ({"modalities": ["text", "audio"]}, "modalities.1"),
]


def test_what_we_do_not_do_is_refused_by_name() -> None:
    async def play(on: Texting) -> None:
        for fields, param in REFUSED:
            answer = await post(on, body("hello", **fields))
            assert answer.status_code == 400
            error = answer.json()["error"]
            assert (error["type"], error["param"]) == ("invalid_request_error", param)
        assert on.llm.requests == []

    on_a_server(play)


def test_junk_and_too_much_are_refused() -> None:
    async def play(on: Texting) -> None:
        for content in (b"", b"\xff[", b"[]", b'{"model":"tiny","messages":"hello"}'):
            answer = await on.served.http.post("/v1/chat/completions", content=content)
            assert (answer.status_code, "error" in answer.json()) == (400, True)
        answer = await on.served.http.post("/v1/chat/completions", content=bytes(1024 * 1024 + 1))
        assert answer.status_code == 413
        with pytest.raises(openai.NotFoundError, match="`another` does not exist"):
            async with on.client() as client:
                await client.chat.completions.create(model="another", messages=saying("hello"))

    on_a_server(play)


def test_a_model_that_fails_says_so_without_its_details() -> None:
    async def play(on: Texting) -> None:
        async with on.client() as client:
            create = client.chat.completions.create
            for streams in (False, True):
                with pytest.raises(openai.InternalServerError) as failed:
                    await create(model=MODEL, messages=saying("fail"), stream=streams)
                assert failed.value.status_code == 502
                assert failed.value.response.headers["x-should-retry"] == "false"
                assert "secret" not in str(failed.value)
            stream = await create(model=MODEL, messages=saying("break"), stream=True)
            said = [(await anext(stream)).choices[0].delta.content for _ in range(2)]
            with pytest.raises(openai.APIError) as broken:
                await anext(stream)
            assert said == ["", "One "]
            assert broken.value.code == "engine_failed"
            assert "secret" not in str(broken.value)

    on_a_server(play)


def test_before_the_model_is_there_nothing_is_taken() -> None:
    async def scenario() -> None:
        async with serving(shared=SharedModel(1, 1)) as served:
            assert (await served.http.get("/v1/models")).json() == {"object": "list", "data": []}
            answer = await served.http.post("/v1/chat/completions", json=body("hello"))
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

    asyncio.run(scenario())


# ---- who may ----


def test_the_access_token_is_the_api_key() -> None:
    async def play(on: Texting) -> None:
        async with on.client(TOKEN) as right, on.client("wrong") as wrong:
            whole = await right.chat.completions.create(model=MODEL, messages=saying("hello"))
            assert whole.choices[0].message.content == ANSWER
            with pytest.raises(openai.AuthenticationError):
                await wrong.chat.completions.create(model=MODEL, messages=saying("hello"))
        assert len(on.llm.requests) == 1

    on_a_server(play, access=AccessPolicy(token=TOKEN, listens_beyond_loopback=True))


def test_a_page_that_was_allowed_can_use_the_stock_client() -> None:
    shop = "https://shop.example"

    async def play(on: Texting) -> None:
        asks = {"Origin": shop, "Access-Control-Request-Method": "POST"}
        asks["Access-Control-Request-Headers"] = ",".join(
            ["authorization", "content-type", *map(str.lower, CLIENT_HEADERS)]
        )
        preflight = await on.served.http.options("/v1/chat/completions", headers=asks)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == shop
        answer = await on.served.http.post(
            "/v1/chat/completions", headers={"Origin": shop}, json=body("hello")
        )
        assert answer.headers["access-control-allow-origin"] == shop
        assert PLACE in answer.headers["access-control-expose-headers"]
        other = {"Origin": "https://other.example"}
        answer = await on.served.http.post(
            "/v1/chat/completions", headers=other, json=body("hello")
        )
        assert answer.status_code == 403

    on_a_server(play, access=AccessPolicy(token=TOKEN, origins=frozenset({shop})))


# ---- the queue ----


class Client:
    """One that asks, and notes what it is told: places, then words."""

    def __init__(self, on: Texting, text: str, user: str) -> None:
        self.told: list[str] = []
        self._on = on
        self._asked = body(text, stream=True, user=user)

    async def ask(self) -> None:
        url = "/v1/chat/completions"
        async with self._on.served.http.stream("POST", url, json=self._asked) as answer:
            assert answer.status_code == 200
            self.told.append(answer.headers[PLACE])
            async for line in answer.aiter_lines():
                if line.startswith(": place"):
                    self.told.append(line.split()[2])
                elif line.startswith("data: {"):
                    said = json.loads(line[6:])["choices"][0]["delta"].get("content")
                    self.told.extend([said] if said else [])


def test_thirty_two_clients_at_two_places_are_served_in_order_and_fairly() -> None:
    """Each of 16 users asks twice: all first questions go before any second one. Two leave."""

    async def play(on: Texting) -> None:
        first = [Client(on, "silent", "0"), Client(on, "long", "1")]
        later = [Client(on, f"{user}/{i}", str(user)) for user in range(2, 17) for i in (0, 1)]
        async with asyncio.TaskGroup() as tasks:
            holding = [tasks.create_task(client.ask()) for client in first]
            await until(lambda: on.figure('queue_served{kind="text"}') == 2)
            asking = []
            for i, client in enumerate(later):
                asking.append(tasks.create_task(client.ask()))
                await until(lambda: on.figure('queue_waiting{kind="text"}') == i + 1)  # noqa: B023
            assert on.llm.answering == 2
            asking[6].cancel()  # user 5's first, while it waits
            await until(lambda: on.figure('queue_waiting{kind="text"}') == 29)
            assert len(on.llm.requests) == 2
            holding[0].cancel()  # in mid-answer: its place is free at once
            await until(lambda: len(on.llm.requests) == 3)
            assert on.llm.closed_early == 1
            await until(lambda: all(task.done() for task in asking))
            holding[1].cancel()
        order = [f"{user}/{i}" for i in (0, 1) for user in range(2, 17)]
        order.remove("5/0")
        order.remove("5/1")
        order.insert(3, "5/1")  # it moved up into its user's turn
        assert on.asked()[2:] == order
        stayed = [client.told for client in later if client is not later[6]]
        assert all(told[-3:] == WORDS for told in stayed)
        waited = [[int(place) for place in told[:-3]] for told in stayed]
        assert [places[0] for places in waited[:4]] == [1, 2, 2, 4]  # as they found it
        assert all(places[-1] == 1 for places in waited)
        cancelled = 'answers_cancelled_total{kind="text",where="waiting"}'
        assert on.figure(cancelled) == 1

    on_a_server(play, places=2, size=64)


def test_a_full_queue_turns_away_and_says_when_to_come_again() -> None:
    async def play(on: Texting) -> None:
        clients = [Client(on, "silent", user) for user in "ab"]
        async with asyncio.TaskGroup() as tasks, on.client() as stock:
            asking = [tasks.create_task(client.ask()) for client in clients]
            await until(lambda: on.figure('queue_waiting{kind="text"}') == 1)
            with pytest.raises(openai.RateLimitError) as full:
                await stock.chat.completions.create(model=MODEL, messages=saying("hello"))
            assert full.value.code == "queue_full"
            assert full.value.response.headers["retry-after"] == "1"
            for task in asking:
                task.cancel()
        await until(lambda: on.figure('queue_served{kind="text"}') == 0)

    on_a_server(play, places=1, size=1)


def test_who_leaves_is_cancelled_on_the_engine() -> None:
    async def play(on: Texting) -> None:
        for left, streams in enumerate((False, True), 1):
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(post(on, body("silent", stream=streams)))
                await until(lambda: on.llm.answering == 1)
                asking.cancel()
            await until(lambda: on.llm.closed_early == left)  # noqa: B023
            assert on.figure('answers_cancelled_total{kind="text",where="served"}') == left

    on_a_server(play)


def test_a_text_that_is_being_answered_is_answered_to_its_end_when_the_server_leaves() -> None:
    async def play(on: Texting) -> None:
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(post(on, body("slow", stream=s))) for s in (True, False)]
            await until(lambda: on.llm.answering == 1)  # the other waits for its turn
            on.served.sessions.leave()
            assert (await post(on, body("hello"))).status_code == 503
        streamed, whole = (one.result() for one in asking)
        assert streamed.text.rstrip().endswith("[DONE]")
        assert whole.json()["choices"][0]["message"]["content"] == ANSWER
        await on.served.over

    on_a_server(play, places=1, drain_s=60.0, change=at_once)


def test_a_text_that_outlasts_the_drain_is_cut_off() -> None:
    async def play(on: Texting) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(is_cut_off(on))
            await until(lambda: on.llm.answering == 1)
            on.served.sessions.leave()

    on_a_server(play, drain_s=0.0, change=at_once)


def test_a_second_signal_cuts_the_texts_off_too() -> None:
    async def play(on: Texting) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(is_cut_off(on))
            await until(lambda: on.llm.answering == 1)
            signal_server(signal.SIGTERM)
            await on.served.sessions.until(Doors.DRAINING)
            signal_server(signal.SIGINT)

    on_a_server(play, drain_s=3600.0, change=at_once)


async def is_cut_off(on: Texting) -> None:
    with pytest.raises(httpx2.RemoteProtocolError):
        await post(on, body("long", stream=True))


def at_once(config: uvicorn.Config) -> None:
    """After the drain no request has any time."""
    config.timeout_graceful_shutdown = 0


def test_who_reads_no_more_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.texts.event_stream, "STALLED_S", 0.05)

    async def play(on: Texting) -> None:
        asked = json.dumps(body("flood", stream=True)).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(asked)}"
        shown = f"\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        _, writer = await asyncio.open_connection("127.0.0.1", on.served.port, limit=1024)
        writer.write(head.encode() + shown.encode() + asked)
        await until(lambda: on.llm.answering == 1)
        await stalled(on)
        writer.transport.abort()

    on_a_server(play)


async def stalled(on: Texting) -> None:
    for _ in range(3000):
        if on.llm.closed_early:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it is still served")


def test_a_line_on_which_nothing_comes_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.texts.event_stream, "QUIET_S", 0.02)

    async def play(on: Texting) -> None:
        url = "/v1/chat/completions"
        asked = body("long", stream=True)
        async with on.served.http.stream("POST", url, json=asked) as answer:
            lines = answer.aiter_lines()
            comments = 0
            while comments < 3:
                comments += await anext(lines) == ": waiting"

    on_a_server(play)
