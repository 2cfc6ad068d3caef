"""A peer's line, from both sides, over a loopback socket and in real time."""

import asyncio

import numpy as np
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from bench.peers.door import LineDialect
from bench.peers.line import FRAME_BYTES, Line


def test_the_caller_knows_when_the_peer_listens_and_plays_what_it_says() -> None:
    dialect = LineDialect()
    assert not LineDialect().is_ready
    dialect.take("ready", 1.0)
    dialect.take(np.full(2400, 9000, "<i2").tobytes(), 2.0)

    assert dialect.is_ready
    assert dialect.speaker.sounds[0][0] == 2.0
    assert dialect.say(np.zeros(320, np.int16), "", 0.0) == [bytes(640)]


def test_speech_leaves_at_the_pace_at_which_it_is_played_and_can_be_dropped() -> None:
    received: list[int] = []

    async def scenario() -> None:
        cleared = asyncio.Event()

        async def call(socket: ServerConnection) -> None:
            line = Line(socket)
            pacing = asyncio.ensure_future(line.pace())
            line.put(bytes(FRAME_BYTES * 50))  # a second
            await asyncio.sleep(0.1)
            line.clear()
            await line.drained()
            cleared.set()
            await asyncio.sleep(0.1)
            pacing.cancel()

        async with serve(call, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}", proxy=None) as socket:
                received.extend([len(message) async for message in socket])
        assert cleared.is_set()

    asyncio.run(scenario())
    assert 1 <= len(received) <= 15
    assert set(received) == {FRAME_BYTES}
