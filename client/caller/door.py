"""How a caller comes in: where the WebSocket is, and what is spoken over it.

A page is given the address as it is, or asks for it with POST /start.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import httpx2

from bot.terminal.program import program
from client.caller.browser import Browser
from client.caller.dialect import ClientDialect
from client.caller.trouble import NetworkFaults
from client.caller.twilio import Tally
from pipelines.addresses import printable


class CallError(Exception):
    """The call could not be made or was cut short; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Entrance:
    url: str
    """The WebSocket's address."""
    dialect: ClientDialect
    headers: Mapping[str, str] = field(default_factory=dict)
    narrow_hz: int | None = None
    """The sample rate that the line carries, where it is less than the microphone's."""
    trouble: NetworkFaults = field(default_factory=NetworkFaults)
    tally: Tally | None = None
    """A telephone call's account of the wire."""


class Door(Protocol):
    def entered(self, url: str, timeout_s: float) -> AbstractAsyncContextManager[Entrance]:
        """For the length of a call. Raises CallError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDoor:
    stock: bool = False
    """Behave as Pipecat's own client: never flush, never report."""
    jitter_s: float = 0.0
    """How long the player holds audio that arrives while it is empty."""
    token: str | None = field(default=None, repr=False)
    """The server's access token, where it asks for one."""

    @asynccontextmanager
    async def entered(self, url: str, timeout_s: float) -> AsyncIterator[Entrance]:
        dialect = Browser(stock=self.stock, jitter_s=self.jitter_s)
        yield Entrance(await find_socket(url, timeout_s, self.token), dialect)


async def find_socket(url: str, timeout_s: float, token: str | None = None) -> str:
    """`url` is ws(s):// and taken as it is, or http(s):// and asked, with the access token.

    Raises CallError.
    """
    if url.startswith(("ws://", "wss://")):
        return url
    if not url.startswith(("http://", "https://")):
        raise CallError(f"{printable(url)}: not an address; it begins with http:// or ws://")
    start = url.rstrip("/") + "/start"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        # trust_env off: a proxy in between would be measured with the server.
        async with httpx2.AsyncClient(trust_env=False, timeout=timeout_s) as client:
            answer = await client.post(start, json={}, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        raise CallError(
            f"{printable(start)}: no server answers ({reason_of(exc)}): "
            f"start one with {program()} serve, or name it with --url"
        ) from exc
    if answer.status_code == httpx2.codes.UNAUTHORIZED:
        raise CallError(f"{printable(start)}: asks for its access token: give it with --token")
    if answer.status_code != httpx2.codes.OK:
        raise CallError(
            f"{printable(start)}: refused with {answer.status_code}{refusal_of(answer)}"
        )
    try:
        return str(answer.json()["wsUrl"])
    except (ValueError, KeyError, TypeError) as exc:
        raise CallError(f"{printable(start)}: answered without a wsUrl") from exc


def reason_of(exc: Exception) -> str:
    return str(exc).splitlines()[0] if str(exc) else type(exc).__name__


def refusal_of(answer: httpx2.Response) -> str:
    """The reason of a server that refuses, if it gives one in a line of JSON."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    words = body.get("detail") or body.get("error") if isinstance(body, dict) else None
    return f": {words}" if isinstance(words, str) else ""
