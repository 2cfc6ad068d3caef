"""Listen first, then ask: the text door for pages, on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

import bot.texts.pages
from tests.bot.texts.texting import ANSWER, Texting, on_a_server
from tests.patience import until


@dataclass
class Answer:
    places: list[int] = field(default_factory=list)
    text: str = ""
    end: str = ""


class Page:
    """A page and its events, as an EventSource would hear them: a name and its data."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> tuple[str, dict[str, Any]]:
        name = "message"
        while not (line := await anext(self._lines)).startswith("data: "):
            name = line.removeprefix("event: ") if line.startswith("event: ") else name
        return name, json.loads(line[6:])

    async def answers(self, count: int = 1) -> dict[str, Answer]:
        """By the request, once so many have ended."""
        heard: dict[str, Answer] = {}
        while sum(bool(answer.end) for answer in heard.values()) < count:
            name, told = await self.next()
            answer = heard.setdefault(told.get("id") or told["request_id"], Answer())
            match name, told:
                case "queued", _:
                    answer.places.append(told["place"])
                case "error", _:
                    answer.end = told["error"]["code"]
                case _, {"choices": [{"finish_reason": None, "delta": delta}]}:
                    answer.text += delta["content"]
                case _, {"choices": [{"finish_reason": str(reason)}]}:
                    answer.end = reason
                case _:
                    pass
        return heard

    async def until_over(self) -> None:
        async for _ in self._lines:
            pass


@asynccontextmanager
async def listening(on: Texting, client_id: str) -> AsyncIterator[Page]:
    async with on.served.http.stream("GET", f"/api/v1/chat/stream/{client_id}") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        page = Page(answer.aiter_lines())
        assert await page.next() == ("ready", {"client_id": client_id, "model": "tiny"})
        yield page


async def submit(
    on: Texting, client_id: str, prompt: str, context: object = None
) -> httpx2.Response:
    asked = {"client_id": client_id, "prompt": prompt, "context": context}
    return await on.served.http.post("/api/v1/chat/submit", json=asked)


def test_who_listens_may_ask_and_is_answered_on_its_own_stream() -> None:
    async def play(on: Texting) -> None:
        async with listening(on, "ann") as ann, listening(on, "bob") as bob:
            accepted = await submit(on, "ann", "hello", "Be brief.")
            assert accepted.status_code == 202
            told = accepted.json()
            assert told["place"] == 0
            assert await ann.answers() == {told["request_id"]: Answer([], ANSWER, "stop")}
            before = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
            told = (await submit(on, "bob", "again", before)).json()
            assert await bob.answers() == {told["request_id"]: Answer([], ANSWER, "stop")}
        asked = [[(one.role, one.content) for one in messages] for messages in on.llm.requests]
        assert asked == [
            [("system", "Be brief."), ("user", "hello")],
            [("user", "x"), ("assistant", "y"), ("user", "again")],
        ]

    on_a_server(play)


def test_who_does_not_listen_is_told_to() -> None:
    async def play(on: Texting) -> None:
        answer = await submit(on, "ann", "hello")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "no_such_client"
        async with listening(on, "ann"):
            pass
        await until(lambda: on.served.sessions.calls == 0)
        for _ in range(1000):
            if (await submit(on, "ann", "hello")).status_code == 404:
                break
        else:
            raise AssertionError("it listens no more, and may ask")
        assert (await submit(on, "not a name", "hello")).status_code == 400
        assert (await submit(on, "ann", "")).status_code == 400
        assert (await on.served.http.get("/api/v1/chat/stream/not.a.name")).status_code == 422

    on_a_server(play)


def test_it_hears_its_place_and_its_queue_can_be_full() -> None:
    async def play(on: Texting) -> None:
        async with listening(on, "ann") as ann, listening(on, "bob") as bob:
            await submit(on, "ann", "long")
            accepted = [(await submit(on, "bob", f"hello {i}")).json() for i in range(2)]
            assert [told["place"] for told in accepted] == [1, 2]
            full = await submit(on, "bob", "one more")
            assert full.status_code == 429
            assert "your part of the queue is full" in full.json()["error"]["message"]
            async with listening(on, "ann") as heir:  # what was asked under the name is over
                await ann.until_over()
                heard = await bob.answers(2)
                assert list(heard.values()) == [
                    Answer([1], ANSWER, "stop"),
                    Answer([2, 1], ANSWER, "stop"),
                ]
                assert list(heard) == [told["request_id"] for told in accepted]
                await submit(on, "ann", "fail")
                [failed] = (await heir.answers()).values()
                assert failed.end == "engine_failed"
            assert on.llm.closed_early == 2

    on_a_server(play, places=1, size=4)


def test_who_goes_takes_along_what_it_asked() -> None:
    async def play(on: Texting) -> None:
        async with listening(on, "bob") as bob:
            async with listening(on, "ann"):
                for _ in range(3):
                    await submit(on, "ann", "silent")
                told = (await submit(on, "bob", "hello")).json()
                assert told["place"] == 2  # in turn with her second
            assert list(await bob.answers()) == [told["request_id"]]
        assert on.asked() == ["silent", "hello"]
        assert on.figure('answers_cancelled_total{kind="text",where="waiting"}') == 2
        assert on.figure('answers_cancelled_total{kind="text",where="served"}') == 1

    on_a_server(play, places=1)


def test_only_so_many_may_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.texts.pages, "PAGES_LIMIT", 1)

    async def play(on: Texting) -> None:
        async with listening(on, "ann"):
            answer = await on.served.http.get("/api/v1/chat/stream/bob")
            assert (answer.status_code, answer.json()["error"]["code"]) == (429, "full")
            async with listening(on, "ann"):
                pass

    on_a_server(play)


def test_of_many_that_begin_to_listen_at_once_only_so_many_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.texts.pages, "PAGES_LIMIT", 3)

    async def play(on: Texting) -> None:
        connections = []
        for n in range(12):
            reader, writer = await asyncio.open_connection("127.0.0.1", on.served.port)
            connections.append((reader, writer, n))
        for _, writer, n in connections:
            head = f"GET /api/v1/chat/stream/client-{n} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            writer.write(head.encode())
        statuses = [(await reader.readline()).split()[1] for reader, _, _ in connections]
        for _, writer, _ in connections:
            writer.transport.abort()
        assert sorted(statuses) == [b"200"] * 3 + [b"429"] * 9

    on_a_server(play)


def test_when_the_server_leaves_what_was_asked_is_the_last() -> None:
    async def play(on: Texting) -> None:
        async with listening(on, "ann") as ann, listening(on, "idle") as idle:
            await submit(on, "ann", "hello")
            on.served.sessions.leave()
            assert next(iter((await ann.answers()).values())).text == ANSWER
            await ann.until_over()
            await idle.until_over()

    on_a_server(play)
