"""The demo engine in a process of its own, for as long as the server runs."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

from pipelines.services.protocols import ServiceError

START_LIMIT_S = 30.0
STOP_LIMIT_S = 3.0


class DemoProcess:
    """The child holds the other end of a pipe: it goes when this process goes, however it goes."""

    def __init__(
        self, profile: str = "none", seed: int = 0, *, time_zone: str | None = None
    ) -> None:
        """`time_zone`: an IANA name; None for this machine's."""
        zone = () if time_zone is None else ("--time-zone", time_zone)
        self._arguments = ("--port", "0", "--profile", profile, "--seed", str(seed), *zone)
        self._process: Process | None = None

    async def open(self) -> str:
        """Return the base URL, up to and including /v1. Raises ServiceError."""
        command = (sys.executable, "-P", "-m", "bot.engines.demo", *self._arguments, "--leashed")
        # In a session of its own, it does not hear the terminal's Ctrl-C: calls finish first.
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_LIMIT_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            await self.close()
            raise ServiceError("demo", "the engine did not start", retryable=False)
        return line.decode().strip()

    async def close(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
