"""The resources of a connection, below the call."""

import asyncio

import pytest
from websockets.asyncio.client import connect

import bot.server.transport
from tests.echo import audio, kind, ready
from tests.serving import serving


def test_a_call_outlives_the_deadline_of_the_request_that_it_began_as(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.server.transport, "REQUEST_S", 1.0)

    async def scenario() -> None:
        async with serving() as served, connect(await served.ws_url()) as client:
            await client.send(ready())
            assert kind(await client.recv(decode=False)) == "bot-ready"
            passed = asyncio.Event()
            asyncio.get_running_loop().call_later(1.5, passed.set)
            await passed.wait()
            await client.send(audio(b"\1\2" * 160))
            assert kind(await client.recv(decode=False)) == "audio"

    asyncio.run(scenario())
