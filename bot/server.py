"""uvicorn, with our limits, a drain before its shutdown, and goodbyes that no client holds up."""

import asyncio
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bot.app import create_app
from bot.sessions import Doors, Engine, Sessions
from bot.telemetry import Metrics

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

MAX_MESSAGE = 64 * 1024
"""Bytes in one WebSocket message: two seconds of a caller's audio."""

PING_S = 20.0
"""How often a client is asked whether it is there, and how long it may take to say so."""

LEAVING_S = 5
"""What connections may take to close, once the calls are over."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_log = structlog.get_logger(__name__)


async def run(  # noqa: PLR0913
    engine: Engine,
    metrics: Metrics,
    listener: socket.socket,
    *,
    max_calls: int,
    drain_s: float,
    web: Path | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> bool:
    """Serve until told to leave (SIGTERM, SIGINT); False if the engine could not be opened.

    The first signal stops admission and lets calls finish for up to `drain_s`, the second ends
    them at once, the third is the system's own.
    """
    sessions = Sessions(engine, metrics, max_calls)
    config = configure(create_app(sessions, metrics, web=web))
    await Server(config, sessions, drain_s, on_ready).serve([listener])
    return sessions.doors is not Doors.BROKEN


def configure(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="on",
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        timeout_graceful_shutdown=LEAVING_S,
        log_config=None,
        access_log=False,
        server_header=False,
    )


class Server(uvicorn.Server):
    """uvicorn closes every socket in the instant that it is told to leave: tell it later."""

    def __init__(
        self,
        config: uvicorn.Config,
        sessions: Sessions,
        drain_s: float,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._sessions = sessions
        self._drain_s = drain_s
        self._on_ready = on_ready

    async def main_loop(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().main_loop())
            settled = (Doors.OPEN, Doors.DRAINING, Doors.BROKEN)
            if await self._sessions.until(*settled) is Doors.OPEN:
                self._on_ready()
            await self._sessions.until(Doors.DRAINING, Doors.BROKEN)
            _log.info("leaving", calls=self._sessions.calls)
            await self._sessions.drain(self._drain_s)
            self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._leave, loop)
        try:
            yield
        finally:
            self._let_go(loop)

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._sessions.doors is Doors.DRAINING:
            self._let_go(loop)
        self._sessions.leave()

    @staticmethod
    def _let_go(loop: asyncio.AbstractEventLoop) -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """As it is in uvicorn 0.54, but no client can hold up its end by not reading.

    There a close frame waits until the client has read what came before it, and a socket that
    is closed stays until all that was written is read: minutes, for a client that has vanished.
    """

    _abort: asyncio.TimerHandle | None = None

    async def send(self, message: "ASGISendEvent") -> None:
        if message["type"] == "websocket.close":
            self.writable.set()
        await super().send(message)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        if not self.disconnected:
            self._abort = self.loop.call_later(LEAVING_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._abort is not None:
            self._abort.cancel()
        super().connection_lost(exc)
