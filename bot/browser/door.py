"""The browser's door: `POST /start` says where the WebSocket is, `/ws` carries the call."""

import asyncio
import json
import secrets
from datetime import UTC, datetime

from fastapi import APIRouter, Request, WebSocket
from fastapi.responses import JSONResponse

from bot.browser.codec import BrowserCodec
from bot.calls.sessions import RefusedError, Sessions, Visitor
from bot.calls.websocket import WebSocketSocket
from bot.server.access import NO_TICKET, AccessPolicy, Tickets, socket_base
from bot.server.body import read_body
from bot.server.guard import TICKET_ROUTE, identity_of

BODY_LIMIT = 64 * 1024
"""Bytes of what a client asks with: the stock one sends what its page likes."""
RESUME_KEY_LIMIT = 64
"""Characters: twice as many as a key of ours has. It is kept until its ticket is used."""


def routes(sessions: Sessions, access: AccessPolicy) -> APIRouter:
    router = APIRouter(tags=["browser"])
    tickets = Tickets()

    @router.post("/start")
    async def start(request: Request) -> JSONResponse:
        """Exactly `{"wsUrl": ...}`, since the stock client takes no other key; or why not.

        `{"resume": KEY}` asks to go on with the call that gave the key.
        """
        if (body := await read_body(request, BODY_LIMIT)) is None:
            return _no(413, f"the request is too big: it has more than {BODY_LIMIT} bytes")
        resume = _resume(body)
        if len(resume) > RESUME_KEY_LIMIT:
            return _no(413, f"the resume key has more than {RESUME_KEY_LIMIT} characters")
        try:
            sessions.check(_address(request), resume)
        except RefusedError as refusal:
            return _no(refusal.status, str(refusal))
        ticket = secrets.token_urlsafe(24)
        tickets.issue(ticket, _now(), call=resume)
        url = f"{socket_base(access, identity_of(request.scope))}{TICKET_ROUTE}?ticket={ticket}"
        return JSONResponse({"wsUrl": url}, headers={"Cache-Control": "no-store"})

    @router.websocket(TICKET_ROUTE)
    async def browser_socket(websocket: WebSocket) -> None:
        ticket = tickets.redeem(websocket.query_params.get("ticket", ""), _now())
        if ticket is None:
            sessions.refuse(NO_TICKET.reason)
            await websocket.send_denial_response(_no(NO_TICKET.status, NO_TICKET.message))
            return
        await websocket.accept()
        socket = WebSocketSocket(websocket)
        if await sessions.come_back(ticket.call, socket):
            return
        visitor = Visitor(
            door="browser",
            call_id=secrets.token_hex(8),
            address=_address(websocket),
            key=secrets.token_urlsafe(24),
        )
        codec = BrowserCodec(visitor.call_id, _time_stamp, visitor.key)
        await sessions.carry(visitor, socket, codec)

    return router


def _resume(body: bytes) -> str:
    try:
        asked = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return ""
    match asked:
        case {"resume": str(key)}:
            return key
        case _:
            return ""


def _address(connection: Request | WebSocket) -> str:
    return connection.client.host if connection.client else ""


def _no(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status)


def _now() -> float:
    """The loop's time: a ticket does not grow old while the server stands still."""
    return asyncio.get_running_loop().time()


def _time_stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
