"""A loopback HTTP server that plays one scripted answer after another, and counts."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

HANG: Final = "hang"
"""Say nothing more, until the client goes."""
TEAR: Final = "tear"
"""Cut the connection in the middle of the body."""

RESET: Final = "reset"
"""Have the kernel say that there never was a connection."""

Step = Mapping[str, Any] | str | bytes | float


@dataclass(frozen=True)
class Reply:
    """`steps`: an event's JSON, raw bytes, seconds to wait, `HANG`, `TEAR` or `RESET`."""

    steps: Sequence[Step] = ()
    status: int | None = 200
    """None: the steps are all that is sent, and there is no HTTP about them."""
    headers: tuple[str, ...] = ()


@dataclass
class ScriptedEndpoint:
    replies: list[Reply]
    pages: dict[str, object] = field(default_factory=dict)
    """The answers to a GET, by path, in JSON; any other path is not found."""
    looked: list[str] = field(default_factory=list)
    """The paths of such requests."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    answering: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """No answer is on its way, after one was."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """A client went away in the middle of an answer."""

    async def __aenter__(self) -> Self:
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await asyncio.gather(*self._serving)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            self._writers.discard(writer)
            self.open_connections -= 1
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if head.startswith("GET "):
            self.looked.append(path := head.split(" ", 2)[1])
            known = path in self.pages
            body = json.dumps(self.pages.get(path, {}))
            page = Reply(
                [body.encode()], 200 if known else 404, ("content-type: application/json",)
            )
            return await self._answer(page, reader, writer)
        length = next(
            int(line.split(":")[1])
            for line in head.splitlines()
            if line.lower().startswith("content-length")
        )
        self.headers.append(head)
        self.requests.append(json.loads(await reader.readexactly(length)))
        reply = self.replies.pop(0)
        self.answering += 1
        self.asked.set()
        self.quiet.clear()
        try:
            return await self._answer(reply, reader, writer)
        finally:
            self.answering -= 1
            if not self.answering:
                self.quiet.set()

    async def _answer(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if reply.status is None:
            return await self._send(reply, reader, writer, bare=True)
        kind = "text/event-stream" if reply.status == 200 else "application/json"
        headers = reply.headers or (f"content-type: {kind}",)
        head = [f"HTTP/1.1 {reply.status} X", *headers, "transfer-encoding: chunked", "", ""]
        writer.write("\r\n".join(head).encode())
        return await self._send(reply, reader, writer, bare=False)

    async def _send(
        self,
        reply: Reply,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        bare: bool,
    ) -> bool:
        for step in reply.steps:
            if isinstance(step, float):
                if await self._gone(reader, step):
                    return False
                continue
            if step == TEAR:
                return False
            if step == RESET:
                await writer.drain()
                linger = struct.pack("ii", 1, 0)
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return False
            if step == HANG:
                await writer.drain()
                await reader.read(1)
                self.left.set()
                return False
            data = step if isinstance(step, bytes) else f"data: {json.dumps(step)}\n\n".encode()
            writer.write(data if bare else b"%x\r\n%s\r\n" % (len(data), data))
            await writer.drain()
        if bare:
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _gone(self, reader: asyncio.StreamReader, within_s: float) -> bool:
        """True if the client has gone away by then: it has nothing else to say."""
        try:
            async with asyncio.timeout(within_s):
                await reader.read(1)
        except TimeoutError:
            return False
        self.left.set()
        return True


def delta(**fields: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def finish(reason: str = "stop", **fields: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], **fields}


USAGE: Final = {
    "choices": [],
    "usage": {
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 8},
    },
}
DONE: Final = b"data: [DONE]\n\n"
