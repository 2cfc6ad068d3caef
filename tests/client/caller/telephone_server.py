"""A small server of Twilio's protocol, for the caller's tests: it opens a loopback socket.

It checks the signatures, and answers with a tone a set number of samples after the last loud one
that it heard, as `loopback` does for the browser's protocol.
"""

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.phone.signature import HEADER, is_signed
from bot.wiring.serving import Certificate
from pipelines.audio.mulaw import decode, encode
from tests.client.caller.loopback import tone

SECRET = "canary-twilio"
FRAME = 160


@dataclass
class Exchange:
    """The caller's peer: how it behaves, and what it saw."""

    twiml: str = (
        '<Response><Connect><Stream url="{media}" statusCallback="{status}">'
        '<Parameter name="token" value="open"/></Stream></Connect>'
        "<Say>Sorry, we were cut off.</Say><Hangup/></Response>"
    )
    public: str = ""
    """Its own name for itself; its address if empty."""
    answer_after_s: float = 0.2
    answer_s: float = 0.3
    on_turn: Callable[["Exchange", WebSocket], Awaitable[None]] | None = None
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    """The form of each webhook, in order."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    """All but audio."""
    media: list[dict[str, Any]] = field(default_factory=list)
    answered_at_s: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """The stream has ended."""
    _heard: int = 0
    _last_loud: int | None = None
    _stream_sid: str = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/twilio/voice", self._ring, methods=["POST"]),
                Route("/twilio/status", self._ring, methods=["POST"]),
                WebSocketRoute("/twilio/media", self._converse),
            ]
        )

    async def _ring(self, request: Request) -> Response:
        form = parse_qsl((await request.body()).decode())
        public = (self.public or self.url) + request.url.path
        if not is_signed(SECRET, public, request.headers.get(HEADER, ""), form):
            return Response(status_code=403)
        self.asked.append(dict(form))
        known = self.public or self.url
        media = f"wss://{known.partition('://')[2]}/twilio/media"
        document = self.twiml.replace("{media}", media)
        return Response(document.replace("{status}", f"{known}/twilio/status"), 200, {}, "text/xml")

    async def _converse(self, socket: WebSocket) -> None:
        public = f"wss://{(self.public or self.url).partition('://')[2]}/twilio/media"
        if not is_signed(SECRET, public, socket.headers.get(HEADER, "")):
            await socket.close(4003)
            return
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await self._take(socket, json.loads(await socket.receive_text()))
        self.over.set()

    async def _take(self, socket: WebSocket, message: dict[str, Any]) -> None:
        if message["event"] == "start":
            self._stream_sid = message["streamSid"]
        if message["event"] != "media":
            self.messages.append(message)
            if message["event"] == "dtmf" and message["dtmf"]["digit"] == "#":
                await _answer(self, socket)
            return
        self.media.append(message)
        pcm = decode(base64.b64decode(message["media"]["payload"]))
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 1_000)
        if loud.size:
            self._last_loud = self._heard + int(loud[-1]) + 1
        self._heard += pcm.size
        quiet = None if self._last_loud is None else self._heard - self._last_loud
        if quiet is not None and quiet >= self.answer_after_s * 8000:
            self._last_loud = None
            self.answered_at_s.append(asyncio.get_running_loop().time())
            await (self.on_turn or _answer)(self, socket)

    async def say(self, socket: WebSocket, duration_s: float) -> None:
        """All of it at once, with a mark after it."""
        pcm = tone(duration_s, 8000)
        for at in range(0, pcm.size, FRAME):
            payload = base64.b64encode(encode(pcm[at : at + FRAME])).decode()
            await self.send(socket, "media", {"media": {"payload": payload}})

    async def mark(self, socket: WebSocket, name: str) -> None:
        await self.send(socket, "mark", {"mark": {"name": name}})

    async def send(
        self, socket: WebSocket, event: str, facts: Mapping[str, Any] | None = None
    ) -> None:
        await socket.send_json({"event": event, "streamSid": self._stream_sid, **(facts or {})})

    def named(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.messages if one["event"] == event]


async def _answer(exchange: Exchange, socket: WebSocket) -> None:
    await exchange.say(socket, exchange.answer_s)
    await exchange.mark(socket, f"end-{len(exchange.answered_at_s)}")


@contextlib.asynccontextmanager
async def serving(
    exchange: Exchange, certificate: Certificate | None = None
) -> AsyncIterator[Exchange]:
    tls = {"ssl_certfile": certificate.chain, "ssl_keyfile": certificate.key} if certificate else {}
    config = uvicorn.Config(exchange.app(), log_config=None, lifespan="off", ws="websockets-sansio")
    for name, value in tls.items():
        setattr(config, name, value)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme = "https" if certificate else "http"
        exchange.url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve([listener]))
            yield exchange
            server.should_exit = True
            await serving
