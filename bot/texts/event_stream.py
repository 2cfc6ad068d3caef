"""An answer that is written while it is made, and whose making ends when the client goes."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import Response
from starlette.types import Message, Send

STALLED_S = 5.0
"""A client that reads nothing for so long is gone: what it holds up is wanted by others."""

QUIET_S = 15.0
"""Proxies close a line on which nothing came for a minute, some for half of that."""

WAITING = format_sse_event(comment="waiting")
"""A comment: no client's program sees it, and every proxy sees that the line is alive."""

_log = structlog.get_logger(__name__)


def place_comment(place: int) -> bytes:
    return format_sse_event(comment=f"place {place} in the queue")


class Writer:
    """The response as it is written: its head goes out with the first piece of the body."""

    def __init__(self, send: Send, response: Response) -> None:
        self._send = send
        self._response = response
        self.headers = response.headers
        self.began = False
        self._written = asyncio.Event()

    async def write(self, piece: bytes) -> None:
        """Raises TimeoutError when the client reads no more."""
        async with asyncio.timeout(STALLED_S):
            await self._begin()
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._written.set()

    async def end(self) -> None:
        async with asyncio.timeout(STALLED_S):
            await self._begin()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def keep_alive(self, piece: bytes) -> None:
        """Write `piece` whenever nothing was written for a while. Never returns."""
        while True:
            self._written.clear()
            try:
                async with asyncio.timeout(QUIET_S):
                    await self._written.wait()
            except TimeoutError:
                if self.began:
                    await self.write(piece)

    async def _begin(self) -> None:
        if not self.began:
            self.began = True
            headers = self._response.raw_headers
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})


Produce = Callable[[Writer], Awaitable[Response | None]]


class EventStream(EventSourceResponse):
    """Server-sent events, or what `produce` returns in their place before it has written any.

    `produce` is cancelled when the client goes.
    """

    def __init__(self, produce: Produce) -> None:
        super().__init__((), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._produce = produce

    async def stream_response(self, send: Send) -> None:
        writer = Writer(send, self)
        try:
            instead = await self._produced(writer)
            if instead is None:
                await writer.end()
            else:
                await instead({"type": "http"}, _nothing, send)
        except* TimeoutError:  # then uvicorn closes the connection, since this has no end
            _log.info("a client reads no more")

    async def _produced(self, writer: Writer) -> Response | None:
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(writer.keep_alive(WAITING))
            try:
                return await self._produce(writer)
            finally:
                beating.cancel()


async def _nothing() -> Message:
    """All of the request has been read."""
    return {"type": "http.request"}
