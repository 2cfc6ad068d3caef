"""A server on loopback with an echo engine, and clients that keep no rules."""

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvicorn

from bot.calls.limits import Limits
from bot.calls.sessions import Sessions
from bot.phone.line import TelephoneConfig
from bot.server.access import AccessPolicy
from bot.server.telemetry import Metrics
from bot.texts.sharing import SharedModel
from bot.wiring.app import create_app
from bot.wiring.serving import Certificate, DrainingServer, Terms, configure
from pipelines.services.minding import Minders
from tests.certificates import trusting
from tests.echo import EchoEngine

TOKEN = "canary-token-7f3a"


@dataclass
class Served:
    server: DrainingServer
    engine: EchoEngine
    sessions: Sessions
    metrics: Metrics
    port: int
    http: httpx2.AsyncClient
    over: asyncio.Task[None]

    async def ws_url(self, resume: str = "") -> str:
        """Good for one connection."""
        asked = {"resume": resume} if resume else {}
        answer = await self.http.post("/start", json=asked, headers={"Connection": "close"})
        url: str = answer.json()["wsUrl"]
        return url

    def figures(self) -> list[str]:
        return self.metrics.text().decode().splitlines()

    def ended(self, outcome: str, door: str = "browser") -> int:
        """How many calls have ended so."""
        line = f'halfsecond_calls_total{{door="{door}",outcome="{outcome}"}} '
        return sum(int(float(one.removeprefix(line))) for one in self.figures() if line in one)


@asynccontextmanager
async def serving(
    engine: EchoEngine | None = None,
    *,
    limits: Limits | None = None,
    access: AccessPolicy | None = None,
    certificate: Certificate | None = None,
    drain_s: float = 0.0,
    web: Path | None = None,
    shared: SharedModel | None = None,
    phone: TelephoneConfig | None = None,
    settle: bool = True,
    minders: Minders | None = None,
    change: Callable[[uvicorn.Config], None] = lambda config: None,
) -> AsyncIterator[Served]:
    """Left, it drains and stops; then no task of it is left."""
    engine, metrics, ready = engine or EchoEngine(), Metrics(), asyncio.Event()
    terms = Terms(
        access=access or AccessPolicy(token=TOKEN),
        limits=limits or Limits(calls=2),
        certificate=certificate,
    )
    sessions = Sessions(engine, metrics, terms.limits, minders)
    app = create_app(sessions, metrics, terms.access, web=web, shared=shared, phone=phone)
    config = configure(app, terms)
    change(config)
    server = DrainingServer(config, sessions, drain_s, ready.set, shared)
    before = asyncio.all_tasks()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with asyncio.TaskGroup() as tasks:
            over = tasks.create_task(server.serve([listener]))
            if settle:
                await ready.wait()
            scheme = "https" if certificate else "http"
            base_url = f"{scheme}://127.0.0.1:{port}"
            verify = trusting(certificate) if certificate else False
            async with httpx2.AsyncClient(base_url=base_url, verify=verify) as http:
                yield Served(server, engine, sessions, metrics, port, http, over)
            sessions.leave()
    assert asyncio.all_tasks() == before
    assert engine.closed


class RawClient:
    """Speaks as much WebSocket as it takes to get in, and then does as it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def enter(cls, url: str) -> "RawClient":
        _, _, rest = url.partition("://")
        authority, _, path = rest.partition("/")
        host, _, port = authority.partition(":")
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        client = cls(*await asyncio.open_connection(sock=sock, limit=1024))
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET /{path} HTTP/1.1",
            f"Host: {authority}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        client.writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await client.reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101")
        return client

    def send(self, opcode: int, payload: bytes) -> None:
        """One whole frame, masked with zeros."""
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        self.writer.write(bytes([0x80 | opcode]) + length + bytes(4) + payload)

    async def read_frame(self) -> tuple[int, bytes]:
        """Opcode and payload of a short frame."""
        first, size = await self.reader.readexactly(2)
        assert size < 127
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2))
        return first & 0x0F, await self.reader.readexactly(size)

    def vanish(self) -> None:
        self.writer.transport.abort()
