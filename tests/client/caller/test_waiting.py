"""A server that still loads, on loopback: ours, and some of a few lines."""

import asyncio
import socket

import pytest

from bot.calls.sessions import Doors
from client.caller import waiting
from client.caller.door import CallError
from client.caller.waiting import until_ready
from tests.client.caller.loopback import answering
from tests.echo import EchoEngine
from tests.serving import serving

LONG_S = 60.0


def test_a_server_that_loads_is_waited_for_and_its_own_words_are_told_once() -> None:
    async def scenario() -> tuple[list[str], Doors]:
        told: list[str] = []
        engine = EchoEngine()
        engine.may_open.clear()

        def tell(why: str) -> None:
            told.append(why)
            asyncio.get_running_loop().call_later(1.5 * waiting.ASK_EVERY_S, engine.may_open.set)

        async with serving(engine, settle=False) as served:
            await until_ready(f"http://127.0.0.1:{served.port}/", LONG_S, tell)
            return told, served.sessions.doors

    assert asyncio.run(scenario()) == (["the models are still loading"], Doors.OPEN)


def test_one_that_stays_silent_is_waited_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "ANSWER_WITHIN_S", 0.1)

    async def scenario() -> list[str]:
        told: list[str] = []
        with socket.create_server(("127.0.0.1", 0)) as nobody_takes_it:
            port = nobody_takes_it.getsockname()[1]
            with pytest.raises(CallError, match=r"not ready after 0.3 s \(it listens, and does"):
                await until_ready(f"http://127.0.0.1:{port}", 0.3, told.append)
        return told

    assert asyncio.run(scenario()) == [waiting.NO_ANSWER]


def test_who_has_waited_long_enough_is_told_what_for() -> None:
    async def scenario() -> str:
        loading = {"status": "loading", "detail": "the models are still loading"}
        async with answering(lambda path: (503, loading)) as url:
            with pytest.raises(CallError) as caught:
                await until_ready(url, 0.1, lambda why: None)
        return str(caught.value).removeprefix(url)

    assert asyncio.run(scenario()) == (
        ": not ready after 0.1 s (the models are still loading): "
        "see what it prints, or give it longer with --wait"
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (503, {"status": "draining", "detail": "the server is shutting down"}),
        (503, {"status": "broken"}),
        (503, {}),
        (404, {"status": "loading"}),
        (200, {"status": "open"}),
    ],
)
def test_nobody_waits_for_a_server_that_will_not_open_or_is_another(
    status: int, told: dict[str, str]
) -> None:
    async def scenario() -> list[str]:
        asked: list[str] = []

        def answer(path: str) -> tuple[int, dict[str, str]]:
            asked.append(path)
            return status, told

        async with answering(answer) as url:
            await until_ready(url, LONG_S, asked.append)
        return asked

    assert asyncio.run(scenario()) == ["/readyz"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://[", "ws://127.0.0.1:1/ws", "ftp://x"]
)
def test_nobody_waits_where_there_is_no_server_to_ask(url: str) -> None:
    told: list[str] = []
    asyncio.run(until_ready(url, LONG_S, told.append))
    assert told == []
