"""A peer's side of a call: 16 kHz comes in, 24 kHz goes out at the pace at which it is played.

Binary messages of 16-bit samples both ways, over a WebSocket; the text `ready` says that the peer
listens. A sound card in place of the frameworks' own transports, which need a media server or a
browser. Runs in the peers' environments: it imports nothing of theirs, and little of ours.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import typer
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

IN_RATE_HZ = 16_000
OUT_RATE_HZ = 24_000
FRAME_S = 0.02
FRAME_BYTES = 2 * round(OUT_RATE_HZ * FRAME_S)
LEAD_S = 0.04
"""So much is under way before it is played: two frames, as a sound card has."""
READY = "ready"


class Line:
    """One call."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self._queue = bytearray()
        self._playing = asyncio.Event()
        self._playing.set()
        self._drained = asyncio.Event()
        self._drained.set()
        self._sent_s = 0.0

    async def ready(self) -> None:
        await self._socket.send(READY)

    async def incoming(self) -> AsyncIterator[bytes]:
        """The person's samples, until they hang up."""
        try:
            async for message in self._socket:
                if isinstance(message, bytes):
                    yield message
        except ConnectionClosed:
            return

    @property
    def sent_s(self) -> float:
        """Seconds that have left since the call began."""
        return self._sent_s

    def put(self, pcm: bytes) -> None:
        if pcm:
            self._queue += pcm
            self._drained.clear()

    def clear(self) -> None:
        """Drop what has not left."""
        self._queue.clear()
        self._drained.set()

    def pause(self) -> None:
        self._playing.clear()

    def resume(self) -> None:
        self._playing.set()

    async def drained(self) -> None:
        """Everything that was put has left, or was dropped."""
        await self._drained.wait()

    async def pace(self) -> None:
        """Send frames in real time, for as long as the call lasts."""
        now = asyncio.get_running_loop().time
        due_s = now()
        while True:
            await self._playing.wait()
            if not self._queue:
                self._drained.set()
                await asyncio.sleep(FRAME_S / 4)
                continue
            due_s = max(due_s, now() - LEAD_S)
            frame = bytes(self._queue[:FRAME_BYTES])
            del self._queue[:FRAME_BYTES]
            await self._socket.send(frame)
            self._sent_s += len(frame) / 2 / OUT_RATE_HZ
            due_s += FRAME_S
            await asyncio.sleep(due_s - LEAD_S - now())


async def serve_lines(port: int, converse: Callable[[Line], Awaitable[None]]) -> None:
    """Print the address, and `converse` over each call until the process ends."""

    async def call(socket: ServerConnection) -> None:
        line = Line(socket)
        pacing = asyncio.ensure_future(line.pace())
        try:
            await converse(line)
        finally:
            pacing.cancel()

    async with serve(call, "127.0.0.1", port, compression=None) as server:
        bound = next(iter(server.sockets)).getsockname()[1]
        typer.echo(f"ws://127.0.0.1:{bound}/")
        await asyncio.Event().wait()
