"""uvicorn, with our limits, and a drain before its shutdown."""

import asyncio
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from bot.calls.limits import Limits
from bot.calls.sessions import CallEngine, Doors, Sessions
from bot.phone.line import TelephoneConfig
from bot.server.access import AccessPolicy
from bot.server.crowd import CONNECTIONS_PER_ADDRESS, Crowd
from bot.server.files import file_limit, most_connections
from bot.server.lag import watched
from bot.server.leaving import LAST_S, end_within
from bot.server.listening import CountingListener
from bot.server.telemetry import Metrics
from bot.server.transport import REQUEST_S, CountedState, HttpProtocol, WebSocketProtocol
from bot.texts.sharing import SharedModel
from bot.wiring.app import create_app
from pipelines.services.minding import Minders

ACCEPTED_AT_ONCE = 64
"""Connections for which there is a place, before anything else has its turn."""
LOOK_EVERY_S = 1.0
"""How often answers that are not read are looked for."""
SHUTDOWN_S = 2
"""Seconds that connections may take to close, once the calls are over."""
TELL_EVERY_S = 10.0
"""Connections that are refused are a line in the log no more often."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two PEM files."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which the server serves."""

    access: AccessPolicy
    limits: Limits = field(default_factory=Limits)
    drain_s: float = 30.0
    web: Path | None = None
    """The folder of the page."""
    certificate: Certificate | None = None
    phone: TelephoneConfig = field(default_factory=TelephoneConfig)
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses whose word is taken for whom they speak for; it decides no more than a limit."""
    minders: Minders = field(default_factory=Minders)
    """The processes without which no call is answered."""


async def run(
    engine: CallEngine,
    metrics: Metrics,
    listener: socket.socket,
    terms: Terms,
    *,
    shared: SharedModel | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> bool:
    """Serve until told to leave (SIGTERM, SIGINT, SIGHUP); False if the engine could not be opened.

    The first signal stops admission and lets calls and texts finish for up to `drain_s`, the
    second ends them at once, the third is the system's own. SIGHUP never is a second: a terminal
    that is closed may send it twice. The process ends within `drain_s` and `LAST_S` of the first,
    whatever holds it. With `shared`, it takes texts too.
    """
    sessions = Sessions(engine, metrics, terms.limits, terms.minders)
    app = create_app(
        sessions,
        metrics,
        terms.access,
        web=terms.web,
        shared=shared,
        phone=terms.phone,
    )
    config = configure(app, terms)
    end = partial(end_within, terms.drain_s + LAST_S)
    server = DrainingServer(config, sessions, terms.drain_s, on_ready, shared, end)
    async with watched(metrics.lagged):
        await server.serve([listener])
    return sessions.doors is not Doors.BROKEN


def configure(app: FastAPI, terms: Terms) -> uvicorn.Config:
    certificate = terms.certificate
    return uvicorn.Config(
        app,
        lifespan="on",
        http=HttpProtocol,
        ws=WebSocketProtocol,
        backlog=ACCEPTED_AT_ONCE,
        ws_max_size=terms.limits.message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=terms.limits.ping_s,
        ws_ping_timeout=terms.limits.pong_s,
        timeout_graceful_shutdown=SHUTDOWN_S,
        forwarded_allow_ips=list(terms.proxies),
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
        log_config=None,
        access_log=False,  # it would write tickets
        server_header=False,
    )


def trusted_proxies(config: uvicorn.Config) -> list[str]:
    trusted = config.forwarded_allow_ips
    return [trusted] if isinstance(trusted, str) else list(trusted or ())


class DrainingServer(uvicorn.Server):
    """uvicorn closes every socket in the instant that it is told to leave: tell it later."""

    def __init__(
        self,
        config: uvicorn.Config,
        sessions: Sessions,
        drain_s: float,
        on_ready: Callable[[], None],
        shared: SharedModel | None = None,
        on_signal: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_signal` is called whenever the process is told to leave, in the main thread, also
        while something holds the event loop.
        """
        super().__init__(config)
        self._crowd = Crowd(
            most_connections(sessions.limits.calls, file_limit()[0]),
            sessions.limits.calls_per_address + CONNECTIONS_PER_ADDRESS,
            trusted_proxies(config),
        )
        self.server_state = CountedState(self._crowd)
        self._looked_s = self._told_s = 0.0
        self._told_refused = 0
        self._sessions = sessions
        self._drain_s = drain_s
        self._on_ready = on_ready
        self._on_signal = on_signal
        self._shared = shared
        self._texts: asyncio.Task[None] | None = None
        """Waits for those that are being answered."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """The `sockets` are used up."""
        listeners = [CountingListener(one, self._crowd) for one in sockets or []]
        try:
            await super().serve(list(listeners))
        finally:  # uvicorn leaves them open where it was told to leave before it had begun
            for listener in listeners:
                listener.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """With our time limits for TLS: uvicorn has no way to say them, and asyncio's are 60 s."""
        loop = asyncio.get_running_loop()
        create = loop.create_server
        if self.config.is_ssl:
            within = {"ssl_handshake_timeout": REQUEST_S, "ssl_shutdown_timeout": float(SHUTDOWN_S)}
            loop.create_server = partial(create, **within)  # type: ignore[method-assign]
        try:
            await super().startup(sockets)
        finally:
            loop.create_server = create  # type: ignore[method-assign]

    async def on_tick(self, counter: int) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now
            for connection in list(self.server_state.connections):
                if isinstance(connection, HttpProtocol | WebSocketProtocol):
                    connection.cut_if_unread(now)
            self._tell_refused(now)
        return await super().on_tick(counter)

    def _tell_refused(self, now: float) -> None:
        refused = self._crowd.refused - self._told_refused
        if refused and now - self._told_s >= TELL_EVERY_S:
            self._told_s, self._told_refused = now, self._crowd.refused
            _log.warning("connections are refused", refused=refused, open=len(self._crowd))

    async def main_loop(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().main_loop())
            settled = (Doors.OPEN, Doors.DRAINING, Doors.BROKEN)
            if await self._sessions.until(*settled) is Doors.OPEN:
                self._on_ready()
            await self._sessions.until(Doors.DRAINING, Doors.BROKEN)
            _log.info("leaving", calls=self._sessions.calls)
            await self._drain()
            self.should_exit = True

    async def _drain(self) -> None:
        async with asyncio.TaskGroup() as draining:
            draining.create_task(self._sessions.drain(self._drain_s))
            if self._shared is not None:
                self._texts = draining.create_task(self._shared.drain(self._drain_s))

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                loop.add_signal_handler(number, self._leave, loop, number)
                # The loop is woken by the interpreter itself, whatever is called here.
                signal.signal(number, lambda *_: self._on_signal())
                signal.siginterrupt(number, False)
        try:
            yield
        finally:
            self._let_go(loop)

    def _leave(self, loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
        if self._sessions.doors is Doors.DRAINING:
            if number is signal.SIGHUP:
                return
            self._let_go(loop)
            if self._texts is not None:
                self._texts.cancel()
        self._sessions.leave()

    @staticmethod
    def _let_go(loop: asyncio.AbstractEventLoop) -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
