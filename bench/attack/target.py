"""The server under attack, as strangers reach it: connections by hand, from many addresses."""

import asyncio
import base64
import os
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from bench.attack.wire import CLOSE, PING, PONG, frame, request

TOKEN = "a-token-for-attacks"
SIGNS_WITH = "a-signing-key-for-attacks"
ADDRESSES = 24
"""Strangers come from so many, 127.0.1.1 and on; good calls come from 127.0.0.1."""
BROKEN = -1
"""Stands for a close code where the connection broke without one."""


class SurpriseError(Exception):
    """The server did what it should not have; the message says what."""


class HandshakeRefusedError(Exception):
    """The server answered a WebSocket's handshake with another status than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass(slots=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        """The status of the next answer, whose body is left unread. Raises OSError, EOFError."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1])

    async def code(self, within_s: float) -> int | None:
        """The close code that comes in time, BROKEN without one; None where it is open still.

        Pings are answered, the rest is thrown away.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    opcode, payload = await self._frame()
                    if opcode == CLOSE:
                        return int(struct.unpack("!H", payload[:2])[0]) if payload else 1005
                    if opcode == PING:
                        await self.send(frame(PONG, payload))
        except TimeoutError:
            return None
        except (OSError, EOFError):
            return BROKEN

    async def _frame(self) -> tuple[int, bytes]:
        first, size = await self.reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
        return first & 15, await self.reader.readexactly(size)


@dataclass(frozen=True, slots=True)
class Target:
    url: str

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    @asynccontextmanager
    async def connection(self, chance: Random) -> AsyncIterator[Connection]:
        """From one of the strangers' addresses; left, it is reset. Raises OSError."""
        here = (f"127.0.1.{chance.randint(1, ADDRESSES)}", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=here)
        try:
            yield Connection(reader, writer)
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    @asynccontextmanager
    async def websocket(
        self, path: str, chance: Random, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Connection]:
        """Raises HandshakeRefusedError, OSError, EOFError."""
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
        }
        async with self.connection(chance) as connection:
            await connection.send(request("GET", path, head={**upgrade, **(headers or {})}))
            if (status := await connection.status()) != 101:
                raise HandshakeRefusedError(status)
            yield connection

    async def ask(self, chance: Random, data: bytes) -> int:
        """The status of the answer to a whole request. Raises OSError, EOFError."""
        async with self.connection(chance) as connection:
            with suppress(OSError):  # it may refuse before it has read all of it
                await connection.send(data)
            return await connection.status()
