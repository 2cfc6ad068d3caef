"""An OpenAI-compatible `/v1/audio/transcriptions` on loopback: a small ASGI app that keeps the
wire contract (multipart form, bearer key, `{"text"}` or plain text, errors as the API words them).
"""

import asyncio
import io
import wave
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from typing import cast

import numpy as np
import openai
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipelines.services.protocols import EAR_RATE_HZ, Samples

KEY, MODEL = "sk-loopback", "tones-1"


class TranscriptionServer:
    """`heard` says what is in the audio. `fails`: statuses of the next answers. `client` is one
    to ask it with, for who closes none.
    """

    def __init__(self, heard: Callable[[Samples], str]) -> None:
        self.forms: list[dict[str, str]] = []
        """The fields of each request but the file."""
        self.fails: list[int] = []
        self.hangs = False
        self.asked = asyncio.Event()
        self.at_once = 0
        self.most_at_once = 0
        self._heard = heard
        self._let_go = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    async def open(self) -> None:
        routes = [Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"])]
        config = uvicorn.Config(Starlette(routes=routes), port=0, log_config=None, lifespan="off")
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup()
        self.client = openai.DefaultAsyncHttpx2Client()
        self._port = self._server.servers[0].sockets[0].getsockname()[1]

    async def close(self) -> None:
        await self.client.aclose()
        self._let_go.set()
        await self._server.shutdown()

    async def _transcribe(self, request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer(request)
        finally:
            self.at_once -= 1

    async def _answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_api_key")
        fields, file = _form(request.headers["content-type"], await request.body())
        self.forms.append(fields)
        self.asked.set()
        if self.hangs:
            await self._let_go.wait()
        if self.fails:
            return _error(self.fails.pop(0), "scripted")
        if fields.get("model") != MODEL:
            return _error(404, "model_not_found")
        try:
            text = self._heard(_samples(file))
        except (wave.Error, EOFError):
            return _error(400, "invalid_file_format")
        if fields.get("response_format") == "text":
            return PlainTextResponse(text)
        return JSONResponse({"text": text})


def _error(status: int, code: str) -> Response:
    body = {"error": {"message": code, "type": "invalid_request_error", "code": code}}
    return JSONResponse(body, status)


def _form(content_type: str, body: bytes) -> tuple[dict[str, str], bytes]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields, file = {}, b""
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = cast(bytes, part.get_payload(decode=True))
        if part.get_filename():
            file = data
        else:
            fields[name] = data.decode()
    return fields, file


def _samples(file: bytes) -> Samples:
    """At the rate of the ears, whatever the file's: not clean, but the tones survive it."""
    with wave.open(io.BytesIO(file)) as sound:
        pcm = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768
        at = np.arange(0, len(pcm), sound.getframerate() / EAR_RATE_HZ)
    return np.interp(at, np.arange(len(pcm)), pcm).astype(np.float32)
