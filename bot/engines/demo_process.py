"""The demo engine in a process of its own, for as long as the server runs."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, Process

import httpx2

from bot.engines.health import client, is_there
from bot.server.listening import CannotListenError, address, listen
from pipelines.child_environment import child_environment
from pipelines.services.minding import ProcessMinder, Pulse, end_within, ended_with
from pipelines.services.protocols import ServiceError

START_LIMIT_S = 30.0
STOP_LIMIT_S = 3.0


class DemoProcess:
    """The child holds the other end of a pipe: it goes when this process goes, however it goes.

    The socket that it listens on is this process': a child that is started again has the same
    address, and what came in the meantime is answered.
    """

    def __init__(self, profile: str = "none", *, time_zone: str | None = None) -> None:
        """`time_zone`: an IANA name; None for this machine's."""
        zone = () if time_zone is None else ("--time-zone", time_zone)
        self._arguments = ("--profile", profile, *zone)
        self._process: Process | None = None
        self._socket: socket.socket | None = None
        self._http: httpx2.AsyncClient | None = None
        self.minder = ProcessMinder(
            "the demo engine", self._until_gone, self._start, Pulse(self._is_there, self._kill)
        )

    async def open(self) -> str:
        """Return the base URL, up to and including /v1. Raises ServiceError."""
        try:
            self._socket = listen("127.0.0.1", 0)
        except CannotListenError as error:
            raise ServiceError("demo", str(error), retryable=False) from None
        try:
            await self._start()
        except ServiceError:
            await self.close()
            raise
        self._http = client(address(self._socket))
        return f"{address(self._socket)}/v1"

    async def close(self) -> None:
        await self._end()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._http is not None:
            await self._http.aclose()

    @property
    def pid(self) -> int | None:
        """Process id of the one that there is now."""
        return None if self._process is None else self._process.pid

    async def _start(self) -> None:
        assert self._socket is not None
        at = self._socket.fileno()
        command = (sys.executable, "-P", "-m", "bot.engines.demo", "--socket", str(at))
        # In a session of its own, it does not hear the terminal's Ctrl-C: calls finish first.
        self._process = await asyncio.create_subprocess_exec(
            *command, *self._arguments, "--leashed",
            stdin=PIPE, stdout=PIPE, env=child_environment(), pass_fds=[at], start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_LIMIT_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            await self._end()
            raise ServiceError("demo", "the engine did not start", retryable=False)

    async def _until_gone(self) -> str:
        assert self._process is not None
        return ended_with(await self._process.wait())

    async def _is_there(self) -> bool:
        assert self._http is not None
        return await is_there(self._http, "/v1/models")

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    async def _end(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        process.stdin.close()
        await end_within(process, STOP_LIMIT_S)
