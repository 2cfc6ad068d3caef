"""uvicorn's two protocols, as they are in uvicorn 0.54, with limits that no client outsits."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.protocol import State

from bot.server.crowd import Crowd
from bot.server.flow import (
    WEBSOCKET_BYTES_BURST,
    WEBSOCKET_BYTES_PER_S,
    WEBSOCKET_FRAMES_BURST,
    WEBSOCKET_FRAMES_PER_S,
    Tap,
    Unread,
)

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

REQUEST_S = 10.0
"""Seconds that one request may take, from the open connection to the body's last byte."""

LEAVING_S = 5
"""Seconds that connections may take to close, once the calls are over."""

HTTP_PIECE_BYTES = 16 * 1024
WEBSOCKET_PIECE_BYTES = 4 * 1024
"""Read at once: so much of the shortest frames, 680 of them, is parsed in some 10 ms."""

UNSENT_BYTES = 32 * 1024
"""Bytes of answers that are kept for a client; while there are more, it is not listened to."""


class CountedState(ServerState):
    """uvicorn's, shared by all connections, which are counted."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__()
        self.crowd = crowd


class _InPieces(asyncio.BufferedProtocol):
    """Reads little at a time: asyncio takes 256 KB at once otherwise, for each stranger."""

    piece_bytes = HTTP_PIECE_BYTES
    _piece: bytearray | None = None
    _unread: Unread | None = None

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._piece is None:
            self._piece = bytearray(self.piece_bytes)
        return memoryview(self._piece)

    def buffer_updated(self, nbytes: int) -> None:
        assert self._piece is not None
        cast(Any, self).data_received(bytes(memoryview(self._piece)[:nbytes]))

    def cut_if_unread(self, now: float) -> None:
        """Ends the connection of a client that does not read what it asked for."""
        transport: asyncio.Transport = cast(Any, self).transport
        if self._unread is None:
            self._unread = Unread()
        if self._unread.is_overdue(transport.get_write_buffer_size(), now):
            transport.abort()


class HttpProtocol(_InPieces, H11Protocol):  # type: ignore[misc]
    """There a connection that never finishes a request is kept for good."""

    _late: asyncio.TimerHandle | None = None
    _socket: int = -1

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=UNSENT_BYTES)
        self._socket = transport.get_extra_info("socket").fileno()
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_protocol() is self:  # else it has been upgraded in the middle of this
            self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        super().handle_websocket_upgrade(event)
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _look(self) -> None:
        """A deadline, for as long as we wait for the client."""
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._forget()
        elif self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(REQUEST_S, self.transport.abort)
            if self._crowd is not None:
                self._crowd.wait(self._socket)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if self._crowd is not None:
            self._crowd.occupy(self._socket)

    @property
    def _crowd(self) -> Crowd | None:
        return self.server_state.crowd if isinstance(self.server_state, CountedState) else None


class WebSocketProtocol(_InPieces, WebSocketsSansIOProtocol):  # type: ignore[misc]
    """No client can hold up its end by not reading, or the loop by what it sends.

    There a close frame waits until the client has read what came before it, and a socket that
    is closed stays until all that was written is read: minutes, for a client that has vanished.
    Control frames are answered as fast as they come, whether the answers are read or not.
    """

    piece_bytes = WEBSOCKET_PIECE_BYTES
    _abort: asyncio.TimerHandle | None = None
    _paying: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._frames = Tap(WEBSOCKET_FRAMES_PER_S, WEBSOCKET_FRAMES_BURST)
        self._bytes = Tap(WEBSOCKET_BYTES_PER_S, WEBSOCKET_BYTES_BURST)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=UNSENT_BYTES)

    # ---- what comes in ----

    def data_received(self, data: bytes) -> None:
        self._bytes.spend(len(data), self.loop.time())
        super().data_received(data)
        self._regulate()

    def handle_events(self) -> None:
        self._frames.spend(len(self.conn.events), self.loop.time())
        super().handle_events()

    async def receive(self) -> "ASGIReceiveEvent":
        message = await super().receive()
        self._regulate()
        return message

    def pause_writing(self) -> None:
        super().pause_writing()
        self._regulate()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._regulate()

    def _regulate(self) -> None:
        """Read on once the last message is taken, the answers are read, and all is paid for."""
        self._stop_paying()
        if self.disconnected:
            return
        now = self.loop.time()
        wait_s = max(self._frames.wait_s(now), self._bytes.wait_s(now))
        if wait_s > 0:
            self._paying = self.loop.call_later(wait_s, self._regulate)
        if wait_s > 0 or self.read_paused or not self.writable.is_set():
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _stop_paying(self) -> None:
        if self._paying is not None:
            self._paying.cancel()
            self._paying = None

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            self.frames = []
            if self.conn.state is State.OPEN:  # else it is being closed already
                self.conn.send_close(1007)  # there it is logged with a traceback
                self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    # ---- how it ends ----

    async def send(self, message: "ASGISendEvent") -> None:
        if message["type"] == "websocket.close":
            self.writable.set()
            self._leave()
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # else a client turned away is logged as an error

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._leave()

    def _leave(self) -> None:
        if not self.disconnected and self._abort is None:
            self._abort = self.loop.call_later(LEAVING_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_paying()
        if self._abort is not None:
            self._abort.cancel()
        super().connection_lost(exc)


def _is_utf8(pieces: list[bytes]) -> bool:
    try:
        b"".join(pieces).decode()
    except UnicodeDecodeError:
        return False
    return True
