"""A small server with OpenAI's `/v1/audio/speech`, as ASGI: it says letters as tones."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

RATE_HZ = 24_000
LETTER = RATE_HZ // 20
REQUIRED = {"model", "input", "voice"}


def spoken(text: str) -> bytes:
    """50 ms a letter, each of its own pitch: int16, little endian."""
    at = np.arange(LETTER) / RATE_HZ
    tones = [np.sin(2 * np.pi * (200 + 10 * (ord(char) % 64)) * at) for char in text]
    return (3000 * np.concatenate([np.zeros(0), *tones])).astype("<i2").tobytes()


@dataclass
class SpeechServer:
    header: bytes = b""
    """Before the samples."""
    content_type: str = "audio/pcm"
    step: int = 1001
    """Bytes in a piece: samples are torn."""
    refuses: list[tuple[int, dict[str, object]]] = field(default_factory=list)
    """A status and a body, for one request each."""
    hangs_after: Callable[[str], int | None] = lambda text: None
    """Bytes after which it says nothing more."""
    tears_after: list[int] = field(default_factory=list)
    """Bytes after which the connection breaks, for one request each."""
    silent: bool = False
    """It answers, without a sample."""
    requests: list[dict[str, object]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    speaking: int = 0
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def speech(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.requests.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        if self.refuses:
            status, answer = self.refuses.pop(0)
            return JSONResponse(answer, status)
        if not body.keys() >= REQUIRED or body.get("response_format") not in ("pcm", "wav"):
            return JSONResponse({"error": {"message": "what?"}}, 400)
        return StreamingResponse(self._pieces(str(body["input"])), media_type=self.content_type)

    async def _pieces(self, text: str) -> AsyncGenerator[bytes, None]:
        data = self.header + (b"" if self.silent else spoken(text))
        hangs = self.hangs_after(text)
        tears = self.tears_after.pop(0) if self.tears_after else None
        end = min(len(data), *(each for each in (hangs, tears) if each is not None), len(data))
        self.speaking += 1
        try:
            for at in range(0, end, self.step):
                yield data[at : min(end, at + self.step)]
                await asyncio.sleep(0)
            if tears is not None:
                raise ConnectionAbortedError
            if hangs is not None:
                await asyncio.Event().wait()
        finally:
            self.speaking -= 1
            if not self.speaking:
                self.quiet.set()


@asynccontextmanager
async def serving(server: SpeechServer) -> AsyncGenerator[SpeechServer, None]:
    app = Starlette(routes=[Route("/v1/audio/speech", server.speech, methods=["POST"])])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    running = uvicorn.Server(config)
    running.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    async with asyncio.TaskGroup() as tasks:
        socket = config.bind_socket()
        server.url = f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
        socket.listen()  # who comes before it has started waits in the queue
        serving_it = tasks.create_task(running.serve([socket]))
        try:
            yield server
        finally:
            running.should_exit = True
            await serving_it
            socket.close()
