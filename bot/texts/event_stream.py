"""An answer that is written while it is made, and whose making ends when the client goes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

STALLED_S = 5.0
"""A client that reads nothing for so long is gone: what it holds up is wanted by others."""

QUIET_S = 15.0
"""Proxies close a line on which nothing came for a minute, some for half of that."""

_log = structlog.get_logger(__name__)


class Writer:
    """The response: its head goes out with the first piece of the body."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self.headers = dict(headers)
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
        if self.began:
            return
        self.began = True
        head = Response(headers=self.headers, media_type="text/event-stream").raw_headers
        headers = [(name, value) for name, value in head if name != b"content-length"]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})


Produce = Callable[[Writer], Awaitable[Response | None]]


class EventStream(Response):
    """Server-sent events, or what `produce` returns in their place before it has written any.

    `produce` is cancelled when the client goes.
    """

    def __init__(
        self, produce: Produce, headers: Mapping[str, str], *, quiet: bytes = b": waiting\n\n"
    ) -> None:
        super().__init__()
        self._produce = produce
        self._said = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", **headers}
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            making = tasks.create_task(self._make(scope, receive, send))
            watching = tasks.create_task(_cancel_once_gone(receive, making))
            making.add_done_callback(lambda _: watching.cancel())

    async def _make(self, scope: Scope, receive: Receive, send: Send) -> None:
        writer = Writer(send, self._said)
        try:
            instead = await self._produced(writer)
            if instead is None:
                await writer.end()
            else:
                await instead(scope, receive, send)
        except* TimeoutError:  # then uvicorn closes the connection, since this has no end
            _log.info("a client reads no more")

    async def _produced(self, writer: Writer) -> Response | None:
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(writer.keep_alive(self._quiet))
            try:
                return await self._produce(writer)
            finally:
                beating.cancel()


async def _cancel_once_gone(receive: Receive, task: "asyncio.Task[None]") -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    task.cancel()
