"""Admission and the drain, without a socket."""

import asyncio

import pytest

from bot.limits import Limits
from bot.sessions import Doors, RefusedError, Sessions, Visitor
from bot.telemetry import Metrics
from bot.wire.browser import BrowserCodec
from tests.echo import EchoEngine, FakeSocket, ready


class House:
    """Sessions with an echo engine behind them, and callers."""

    def __init__(self, max_calls: int = 2, *, broken: bool = False) -> None:
        self.engine = EchoEngine(broken=broken)
        self.metrics = Metrics()
        self.sessions = Sessions(self.engine, self.metrics, Limits(calls=max_calls))

    async def call(self, tasks: asyncio.TaskGroup) -> tuple[FakeSocket, asyncio.Task[None]]:
        """A caller who is ready, and is in conversation."""
        socket = FakeSocket(ready())
        codec = BrowserCodec("call-1", lambda: "noon")
        task = tasks.create_task(self.sessions.carry(Visitor("browser", "call-1"), socket, codec))
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
        house = House(max_calls=1)
        await house.sessions.open()
        async with asyncio.TaskGroup() as tasks:
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
        house = House()
        await house.sessions.open()
        async with asyncio.TaskGroup() as tasks:
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
        house = House()
        await house.sessions.open()
        async with asyncio.TaskGroup() as tasks:
            sockets = [(await house.call(tasks))[0] for _ in range(2)]
            house.sessions.leave()
            await house.sessions.drain(within_s=0.0)
        assert [socket.closed for socket in sockets] == [(1012, "the server is shutting down")] * 2
        assert 'halfsecond_calls_total{door="browser",outcome="drained"} 2.0' in house.figures()

    asyncio.run(scenario())


def test_a_second_word_to_leave_ends_the_drain() -> None:
    async def scenario() -> None:
        house = House()
        await house.sessions.open()
        async with asyncio.TaskGroup() as tasks:
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
        house = House(max_calls=1)
        await house.sessions.open()
        async with asyncio.TaskGroup() as tasks:
            socket, _ = await house.call(tasks)
            socket.inbox.put_nowait("text")
        house.sessions.check()
        ended = 'halfsecond_calls_total{door="browser",outcome="broke protocol"} 1.0'
        assert ended in house.figures()

    asyncio.run(scenario())
