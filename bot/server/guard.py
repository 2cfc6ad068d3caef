"""Stands before every route: who is turned away, and what every answer says to the browser."""

from contextlib import suppress
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.server.access import (
    AccessPolicy,
    Refusal,
    RequestIdentity,
    check_origin,
    decide,
    is_forwarded,
)
from bot.server.telemetry import Metrics

OPEN_ROUTES = frozenset({"/healthz", "/readyz"})
OPEN_FOLDER = "/twilio/"
"""Twilio comes from any address: its door checks signatures."""

TICKET_ROUTE = "/ws"
"""Its token is the ticket: a browser cannot send headers of its own with a WebSocket."""

SAID = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Headers of every answer: a page of ours may do little, and nobody may frame it."""

FRESH = "no-cache"
"""Kept, and asked about each time: a page must not be made of two versions' modules."""


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "The access token is missing or wrong."},
    403: {"description": "Pages of this origin may not come in."},
}
"""The answers of every route, for the API's description."""


class Guard:
    def __init__(
        self,
        app: ASGIApp,
        access: AccessPolicy,
        metrics: Metrics,
        page: frozenset[str] = frozenset(),
    ) -> None:
        """`page` has the paths of the files that anybody may read."""
        self._app = app
        self._access = access
        self._metrics = metrics
        self._open = OPEN_ROUTES | page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SAID)
                headers.setdefault("Cache-Control", FRESH)
            await send(message)

        refusal = self._check(scope)
        if refusal is None:
            # A client that goes in the middle of its body is no error of ours: there is nobody
            # to answer, and a traceback would be thirty times as long as what it sent.
            with suppress(ClientDisconnect):
                await self._app(scope, receive, say)
            return
        self._metrics.refused(refusal.reason)
        headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
        answer = JSONResponse({"error": refusal.message}, refusal.status, headers)
        await answer(scope, receive, say)

    def _check(self, scope: Scope) -> Refusal | None:
        path: str = scope["path"]
        if path in self._open or path.startswith(OPEN_FOLDER):
            return None
        check = check_origin if path == TICKET_ROUTE else decide
        return check(self._access, identity_of(scope))


def identity_of(scope: Scope) -> RequestIdentity:
    headers = Headers(scope=scope)
    return RequestIdentity(
        scheme=scope["scheme"].replace("ws", "http", 1),
        host=headers.get("host", ""),
        origins=tuple(headers.getlist("origin")),
        forwarded=is_forwarded(headers.keys()),
        authorization=headers.get("authorization", ""),
        fetch_site=headers.get("sec-fetch-site", ""),
    )
