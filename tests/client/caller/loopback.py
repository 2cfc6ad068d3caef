"""A small server of the browser's protocol, for the caller's tests: it opens a loopback socket.

It counts the microphone's samples, and answers with a tone a set number of them after the last
loud one: so it answers in media time, whatever this machine's clock is doing.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bot.browser import browser_pb2

OUT_RATE_HZ = 24_000
CHUNK = 480


def tone(duration_s: float, rate_hz: int) -> NDArray[np.int16]:
    """440 Hz at -12 dBFS RMS or so: audible from the first window to the last."""
    angles = np.arange(round(duration_s * rate_hz)) * (2 * np.pi * 440 / rate_hz)
    return np.asarray(np.rint(11_000 * np.cos(angles)), dtype=np.int16)


def rtvi(kind: str, data: dict[str, Any], message_id: str = "0") -> bytes:
    frame = browser_pb2.Frame()
    frame.message.data = json.dumps(
        {"label": "rtvi-ai", "type": kind, "id": message_id, "data": data}
    )
    return frame.SerializeToString()


def speech(pcm: NDArray[np.int16]) -> bytes:
    frame = browser_pb2.Frame()
    frame.audio.audio = pcm.tobytes()
    frame.audio.sample_rate = OUT_RATE_HZ
    frame.audio.num_channels = 1
    return frame.SerializeToString()


@dataclass
class Server:
    """The caller's peer: how it behaves, and what it saw."""

    answer_after_s: float = 0.2
    answer_s: float = 0.3
    silence_between_s: float = 0.1
    """A silence of this length ends a turn."""
    answers: int = 99
    """Turns that it answers, before it falls silent for good."""
    greets_back: bool = True
    on_turn: Callable[["Server", ServerConnection], Awaitable[None]] | None = None
    url: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    answered_at_s: list[float] = field(default_factory=list)
    """When each answer's first sample was sent, on the clock that this process shares."""
    goodbye: asyncio.Event = field(default_factory=asyncio.Event)
    _heard: int = 0
    _last_loud: int | None = None

    async def converse(self, socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                assert isinstance(message, bytes)
                frame = browser_pb2.Frame.FromString(message)
                if frame.WhichOneof("frame") == "audio":
                    await self._hear(socket, np.frombuffer(frame.audio.audio, dtype="<i2"))
                else:
                    await self._obey(socket, json.loads(frame.message.data))
        self.goodbye.set()

    async def _obey(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if message["type"] == "client-ready" and self.greets_back:
            await socket.send(rtvi("bot-ready", {"version": "2.2.0"}, message["id"]))

    async def _hear(self, socket: ServerConnection, pcm: NDArray[np.int16]) -> None:
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 1_000)
        if loud.size:
            self._last_loud = self._heard + int(loud[-1]) + 1
        self._heard += pcm.size
        if self._last_loud is None or self.answers == 0:
            return
        if self._heard - self._last_loud >= self.answer_after_s * 16_000:
            self._last_loud = None
            self.answers -= 1
            await self._answer(socket)

    async def _answer(self, socket: ServerConnection) -> None:
        await socket.send(rtvi("user-transcription", {"text": "a tone", "final": True}))
        self.answered_at_s.append(asyncio.get_running_loop().time())
        if self.on_turn is not None:
            await self.on_turn(self, socket)
            return
        await say(socket, self.answer_s)
        await socket.send(rtvi("bot-output", {"text": "another tone"}))
        row = {"segments": {"endpointing": self.answer_after_s}}
        await socket.send(rtvi("server-message", {"type": "turn", "row": row}))


async def say(socket: ServerConnection, duration_s: float) -> None:
    """All of it at once, as a server with a long lead would."""
    pcm = tone(duration_s, OUT_RATE_HZ)
    for at in range(0, pcm.size, CHUNK):
        await socket.send(speech(pcm[at : at + CHUNK]))


@contextlib.asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    async with serve(server.converse, "127.0.0.1", 0, compression=None) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/ws"
        yield server


@contextlib.asynccontextmanager
async def answering(answer: Callable[[str], tuple[int, dict[str, str]]]) -> AsyncIterator[str]:
    """The address of a server that gives each path a status and a line of JSON."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status, told = answer(request.split()[1].decode())
        body = json.dumps(told)
        head = f"HTTP/1.1 {status} As told\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
