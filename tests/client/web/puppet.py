"""Our own server on loopback, in a thread, with calls that do what a test tells them."""

import asyncio
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import uvicorn

from bot.calls.connection import Send
from bot.calls.limits import Limits
from bot.calls.sessions import Doors, Sessions
from bot.commands.serve import WEB
from bot.server.access import AccessPolicy
from bot.server.telemetry import Metrics
from bot.wiring.app import create_app
from bot.wiring.serving import Terms, configure
from pipelines.cascade import CallFormat
from pipelines.core.exchange import AudioIn, AudioOut, Flush, FromCaller, ToCaller

WAIT_S = 20.0
"""For what must come: a bound, not a measure."""

OUT_HZ = 24_000
FRAME = 480

Event = TypeVar("Event")


class PuppetCall:
    """Records what the page does; sends what the test says. Methods are for the test's thread."""

    def __init__(self, form: CallFormat, send: Send) -> None:
        self.form = form
        self.audio = bytearray()
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._events: queue.Queue[FromCaller] = queue.Queue()
        self._over = asyncio.Event()
        self._generation = 0
        self._sent = 0
        self.left = threading.Event()

    # ---- on the server's loop ----

    def push(self, event: FromCaller) -> None:
        if isinstance(event, AudioIn):
            self.audio += event.pcm
        else:
            self._events.put(event)

    async def run(self) -> None:
        try:
            await self._over.wait()
        finally:
            self.left.set()

    # ---- on the test's ----

    def say(self, *requests: ToCaller) -> None:
        for request in requests:
            self._loop.call_soon_threadsafe(self._send, request)

    def speak(self, pcm: bytes) -> None:
        """All of it at once, in frames of 20 ms."""
        for at in range(0, len(pcm), 2 * FRAME):
            piece = pcm[at : at + 2 * FRAME]
            self.say(AudioOut(piece, self._generation, self._sent))
            self._sent += len(piece) // 2

    def flush(self) -> None:
        self._generation += 1
        self._sent = 0
        self.say(Flush(self._generation))

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)

    def has(self, kind: type[Event], so: Callable[[Event], bool] = lambda _: True) -> bool:
        return any(isinstance(event, kind) and so(event) for event in list(self._events.queue))

    def next(self, kind: type[Event], so: Callable[[Event], bool] = lambda _: True) -> Event:
        """The next event of that kind; others are passed over."""
        while True:
            event = self._events.get(timeout=WAIT_S)
            if isinstance(event, kind) and so(event):
                return event


class PuppetEngine:
    def __init__(self) -> None:
        self.calls: queue.Queue[PuppetCall] = queue.Queue()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def new_call(self, form: CallFormat, send: Send) -> PuppetCall:
        call = PuppetCall(form, send)
        self.calls.put(call)
        return call

    def next_call(self) -> PuppetCall:
        return self.calls.get(timeout=WAIT_S)


class Puppeteer:
    """The server. It ends all calls, and itself, when it is left."""

    def __init__(self, max_calls: int) -> None:
        self.engine = PuppetEngine()
        self.port = 0
        self._max_calls = max_calls
        self._ready = threading.Event()
        self._leave: Callable[[], object] = lambda: None
        self._drop: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def drop_sockets(self) -> None:
        """As if the network had gone: every connection is cut without a word."""
        self._drop()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(WAIT_S)

    def stop(self) -> None:
        self._leave()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        metrics = Metrics()
        terms = Terms(
            access=AccessPolicy(token="not asked for on loopback"),
            limits=Limits(calls=self._max_calls, calls_per_address=self._max_calls),
        )
        sessions = Sessions(self.engine, metrics, terms.limits)
        app = create_app(sessions, metrics, terms.access, web=WEB)
        server = uvicorn.Server(configure(app, terms))
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            serving = asyncio.ensure_future(server.serve([listener]))
            await sessions.until(Doors.OPEN)
            leaving = asyncio.Event()
            self._leave = partial(loop.call_soon_threadsafe, leaving.set)
            self._drop = partial(loop.call_soon_threadsafe, _cut, server)
            self._ready.set()
            await leaving.wait()
            sessions.leave()
            await sessions.drain(0.0)
            server.should_exit = True
            await serving


def _cut(server: uvicorn.Server) -> None:
    for connection in list(server.server_state.connections):
        connection.transport.abort()


@contextmanager
def puppeteer(max_calls: int = 64) -> Iterator[Puppeteer]:
    server = Puppeteer(max_calls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
