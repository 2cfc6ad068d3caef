"""The browser's door: `POST /start` says where the WebSocket is, `/ws` carries the call."""

import secrets
from datetime import UTC, datetime

from fastapi import APIRouter, Request, WebSocket
from fastapi.responses import JSONResponse

from bot.connection import WebSocketSocket
from bot.sessions import RefusedError, Sessions
from bot.wire.browser import BrowserCodec


def routes(sessions: Sessions) -> APIRouter:
    router = APIRouter(tags=["browser"])

    @router.post("/start")
    async def start(request: Request) -> JSONResponse:
        """Exactly `{"wsUrl": ...}`, since the stock client takes no other key; or 503 and why."""
        try:
            sessions.check()
        except RefusedError as refusal:
            return JSONResponse({"error": str(refusal)}, 503)
        return JSONResponse({"wsUrl": str(request.url_for("browser_socket"))})

    @router.websocket("/ws", name="browser_socket")
    async def browser_socket(websocket: WebSocket) -> None:
        await websocket.accept()
        call_id = secrets.token_hex(8)
        codec = BrowserCodec(call_id, _time_stamp)
        await sessions.carry("browser", call_id, WebSocketSocket(websocket), codec)

    return router


def _time_stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
