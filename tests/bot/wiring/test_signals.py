"""Signals to the server, on a real socket: a closed terminal is no reason to cut a call."""

import asyncio
import os
import signal

import pytest
from websockets.asyncio.client import connect

from bot.calls.sessions import Doors
from tests.bot.browser.test_door import closing, enter
from tests.echo import typed
from tests.serving import Served, serving


async def in_a_call(served: Served, *numbers: signal.Signals) -> tuple[int | None, Doors]:
    """How the call is closed after these signals, where the caller says goodbye after them."""
    async with connect(await served.ws_url()) as client:
        await enter(client)
        for number in numbers:
            os.kill(os.getpid(), number)
            await served.sessions.until(Doors.DRAINING)
            await asyncio.sleep(0)
        await client.send(typed("goodbye"))
        code, _ = await closing(client)
        return code, served.sessions.doors


@pytest.mark.parametrize(
    "numbers",
    [
        (signal.SIGHUP,),
        (signal.SIGHUP, signal.SIGHUP),
        (signal.SIGTERM, signal.SIGHUP),
        (signal.SIGINT, signal.SIGHUP, signal.SIGHUP),
    ],
)
def test_a_closed_terminal_lets_a_call_finish(numbers: tuple[signal.Signals, ...]) -> None:
    async def scenario() -> None:
        async with serving(drain_s=30.0) as served:
            assert await in_a_call(served, *numbers) == (1000, Doors.DRAINING)
            await served.over
            assert served.ended("finished") == 1

    asyncio.run(scenario())


def test_a_server_that_was_told_to_ignore_a_closed_terminal_goes_on() -> None:
    async def scenario() -> None:
        async with serving(drain_s=30.0) as served:
            os.kill(os.getpid(), signal.SIGHUP)
            async with connect(await served.ws_url()) as client:
                await enter(client)
                assert served.sessions.doors is Doors.OPEN

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        asyncio.run(scenario())
    finally:
        signal.signal(signal.SIGHUP, before)
