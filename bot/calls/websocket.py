"""A client's socket as a call sees it, and FastAPI's WebSocket in that shape."""

from contextlib import suppress
from typing import Protocol

from fastapi import WebSocket, WebSocketDisconnect

from bot.calls.errors import PeerError

NO_STATUS = 1005
"""A close frame without a code: a browser's `close()`, by which no client of ours says goodbye."""

_SHUT_OUT = {
    1002: "broken WebSocket frames",
    1007: "text that is not UTF-8",
    1009: "a message that is too big",
}
"""Codes with which the WebSocket library itself shuts a peer out."""


class Socket(Protocol):
    async def receive(self) -> str | bytes | None:
        """None once the peer has closed. Raises ConnectionError once it is gone without a word,
        PeerError once it was shut out for breaking the socket's own rules.
        """
        ...

    async def send(self, message: str | bytes) -> None:
        """Waits while the peer reads too slowly; does nothing once it is gone."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Never waits for the peer; does nothing once it is gone."""
        ...


class WebSocketSocket:
    """A `Socket` over FastAPI's WebSocket, accepted already, as served by `bot.wiring.serving`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._gone = False

    async def receive(self) -> str | bytes | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            self._gone = True
            if message["code"] in _SHUT_OUT:
                raise PeerError(_SHUT_OUT[message["code"]], close_code=message["code"])
            # uvicorn reports a close frame's reason, and has none for a loss
            if "reason" not in message or message["code"] == NO_STATUS:
                raise ConnectionError
            return None
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    async def send(self, message: str | bytes) -> None:
        if self._gone:
            return
        try:
            if isinstance(message, str):
                await self._websocket.send_text(message)
            else:
                await self._websocket.send_bytes(message)
        except (WebSocketDisconnect, RuntimeError):
            # RuntimeError is uvicorn's while it shuts the peer out; either way `receive` will tell.
            self._gone = True

    async def close(self, code: int, reason: str) -> None:
        if self._gone:
            return
        self._gone = True
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code, reason)
