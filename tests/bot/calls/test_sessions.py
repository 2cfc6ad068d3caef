"""Admission and the drain, without a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.browser.codec import BrowserCodec
from bot.calls.limits import Limits
from bot.calls.sessions import Doors, RefusedError, Sessions, Visitor
from bot.server.telemetry import Metrics
from pipelines.core.exchange import LineDropped
from tests.echo import EchoEngine, FakeSocket, ready


class House:
    """Sessions with an echo engine behind them, and callers."""

    def __init__(self, max_calls: int = 2, *, broken: bool = False) -> None:
        self.engine = EchoEngine(broken=broken)
        self.metrics = Metrics()
        self.sessions = Sessions(self.engine, self.metrics, Limits(calls=max_calls))

    async def call(
        self, tasks: asyncio.TaskGroup, address: str = "", key: str = "", library: str = "stock"
    ) -> tuple[FakeSocket, asyncio.Task[None]]:
        """A caller who is ready, and is in conversation."""
        socket = FakeSocket(ready(library))
        codec = BrowserCodec("call-1", lambda: "noon")
        visitor = Visitor("browser", "call-1", address, key)
        task = tasks.create_task(self.sessions.carry(visitor, socket, codec))
        await socket.until_sent("bot-ready")
        return socket, task

    async def refused_caller(self) -> FakeSocket:
        socket = FakeSocket(ready())
        await self.sessions.carry(
            Visitor("browser", "x"), socket, BrowserCodec("x", lambda: "noon")
        )
        return socket

    def figures(self) -> list[str]:
        return self.metrics.text().decode().splitlines()


@asynccontextmanager
async def opened(max_calls: int = 2) -> AsyncIterator[tuple[House, asyncio.TaskGroup]]:
    house = House(max_calls)
    await house.sessions.open()
    async with asyncio.TaskGroup() as tasks:
        yield house, tasks


def test_no_call_is_taken_before_the_models_are_loaded() -> None:
    house = House()
    with pytest.raises(RefusedError, match="still loading"):
        house.sessions.check()
    assert 'halfsecond_calls_refused_total{reason="loading"} 1.0' in house.figures()


def test_the_doors_open_once_the_engine_is_open() -> None:
    async def scenario() -> None:
        house = House()
        await house.sessions.open()
        assert await house.sessions.until(Doors.OPEN) is Doors.OPEN
        house.sessions.check()

    asyncio.run(scenario())


def test_an_engine_that_cannot_be_opened_breaks_the_server() -> None:
    async def scenario() -> None:
        house = House(broken=True)
        await house.sessions.open()
        assert house.sessions.doors is Doors.BROKEN
        house.sessions.leave()
        assert house.sessions.doors is Doors.BROKEN
        with pytest.raises(RefusedError, match="could not start"):
            house.sessions.check()

    asyncio.run(scenario())


def test_an_engine_that_opens_after_the_signal_opens_no_doors() -> None:
    async def scenario() -> None:
        house = House()
        house.sessions.leave()
        await house.sessions.open()
        assert house.sessions.doors is Doors.DRAINING

    asyncio.run(scenario())


def test_one_call_too_many_is_refused_until_another_ends() -> None:
    async def scenario() -> None:
        async with opened(max_calls=1) as (house, tasks):
            first, task = await house.call(tasks)
            with pytest.raises(RefusedError, match="busy"):
                house.sessions.check()
            second = await house.refused_caller()
            assert second.closed == (1013, "all lines are busy")
            assert 'halfsecond_calls_active{door="browser"} 1.0' in house.figures()

            first.inbox.put_nowait(None)
            await task
            house.sessions.check()
        assert len(house.engine.calls) == 1
        assert 'halfsecond_calls_active{door="browser"} 0.0' in house.figures()
        ended = 'halfsecond_calls_total{door="browser",outcome="left"} 1.0'
        assert ended in house.figures()

    asyncio.run(scenario())


def test_calls_finish_in_their_own_time_while_the_server_drains() -> None:
    async def scenario() -> None:
        async with opened() as (house, tasks):
            socket, _ = await house.call(tasks)
            house.sessions.leave()
            drained = tasks.create_task(house.sessions.drain(within_s=3600))
            late = await house.refused_caller()
            assert late.closed == (1013, "the server is shutting down")
            assert not drained.done()
            house.engine.calls[0].over.set()
            await drained
        assert socket.closed == (1000, "")
        assert house.sessions.calls == 0

    asyncio.run(scenario())


def test_calls_that_outlast_the_drain_are_ended() -> None:
    async def scenario() -> None:
        async with opened() as (house, tasks):
            sockets = [(await house.call(tasks))[0] for _ in range(2)]
            house.sessions.leave()
            await house.sessions.drain(within_s=0.0)
        assert [socket.closed for socket in sockets] == [(1012, "the server is shutting down")] * 2
        assert 'halfsecond_calls_total{door="browser",outcome="drained"} 2.0' in house.figures()

    asyncio.run(scenario())


def test_a_second_word_to_leave_ends_the_drain() -> None:
    async def scenario() -> None:
        async with opened() as (house, tasks):
            socket, _ = await house.call(tasks)
            house.sessions.leave()
            drained = tasks.create_task(house.sessions.drain(within_s=3600))
            await asyncio.sleep(0)
            house.sessions.leave()
            await drained
        assert socket.closed == (1012, "the server is shutting down")

    asyncio.run(scenario())


def test_a_call_that_fails_is_counted_and_gives_its_place_back() -> None:
    async def scenario() -> None:
        async with opened(max_calls=1) as (house, tasks):
            socket, _ = await house.call(tasks)
            socket.inbox.put_nowait("text")
        house.sessions.check()
        ended = 'halfsecond_calls_total{door="browser",outcome="broke protocol"} 1.0'
        assert ended in house.figures()

    asyncio.run(scenario())


def test_an_address_may_have_so_many_calls_and_no_more() -> None:
    async def scenario() -> None:
        async with opened(max_calls=9) as (house, tasks):
            calls = [await house.call(tasks, "192.0.2.1") for _ in range(4)]
            with pytest.raises(RefusedError, match="too many calls from this address") as refused:
                house.sessions.check("192.0.2.1")
            assert refused.value.status == 429
            house.sessions.check("192.0.2.2")
            calls[0][0].inbox.put_nowait(None)
            await calls[0][1]
            house.sessions.check("192.0.2.1")
            house.sessions.leave()
            house.sessions.leave()
        assert 'halfsecond_calls_refused_total{reason="address"} 1.0' in house.figures()

    asyncio.run(scenario())


def test_a_caller_who_was_cut_off_keeps_the_place_and_comes_back_to_it() -> None:
    async def scenario() -> None:
        async with opened(max_calls=1) as (house, tasks):
            socket, first = await house.call(tasks, key="secret", library="halfsecond-web")
            socket.inbox.put_nowait(ConnectionError())
            await house.engine.calls[0].until_heard(LineDropped())

            with pytest.raises(RefusedError, match="busy"):
                house.sessions.check()
            with pytest.raises(RefusedError, match="busy"):
                house.sessions.check(key="wrong")
            house.sessions.check(key="secret")
            for wrong in ("", "wrong"):
                assert not await house.sessions.come_back(wrong, FakeSocket())

            second = FakeSocket(ready("halfsecond-web"), None)
            assert await house.sessions.come_back("secret", second)
            await first
        assert second.closed == (1000, "")
        assert (house.sessions.calls, len(house.engine.calls)) == (0, 1)
        assert not await house.sessions.come_back("secret", FakeSocket())

    asyncio.run(scenario())


def test_callers_without_a_key_are_not_mistaken_for_one_another() -> None:
    async def scenario() -> None:
        async with opened(max_calls=1) as (house, tasks):
            await house.call(tasks, key="")
            with pytest.raises(RefusedError, match="busy"):
                house.sessions.check(key="")
            house.sessions.leave()
            house.sessions.leave()

    asyncio.run(scenario())
