"""Processes under test, each of its own: started, waited for, and ended by their pid."""

import asyncio
import os
import re
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import httpx2

from pipelines.services.minding import end_within

START_LIMIT_S = 120.0
STOP_LIMIT_S = 15.0
LOOK_EVERY_S = 0.1
TOLD_CHARACTERS = 2000

_ROOT = Path(__file__).parents[1]


class ServerError(Exception):
    """A process did not start or is gone; the message ends with the last that it said."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that is ready."""

    name: str
    url: str
    said: str
    """All that it printed until it was ready."""
    process: Process

    def check(self) -> None:
        """Raises ServerError if it is gone."""
        if self.process.returncode is not None:
            raise ServerError(f"{self.name} has ended, with {self.process.returncode}")


@asynccontextmanager
async def running(
    name: str,
    words: list[str],
    variables: Mapping[str, str] | None = None,
    python: Path | None = None,
    folder: Path = _ROOT,
) -> AsyncIterator[Running]:
    """`python -m` with `words`, until the body ends. Raises ServerError.

    `python`: another environment's, where it is not this one's. `folder`: the checkout to run.

    It is ready when a line of its output holds an address: the first http:// or ws://.
    """
    settings = [f"{key}={value}" for key, value in (variables or {}).items()]
    command = ["env", *settings, str(python or sys.executable), "-u", "-m", *words]
    with TemporaryFile() as said, TemporaryFile() as complained:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=said, stderr=complained, cwd=folder
        )
        try:
            if (url := await _address(process, said)) is None:
                told = _all_of(complained)[-TOLD_CHARACTERS:].strip()
                raise ServerError(f"{name} did not start:\n{told}")
            yield Running(name, url, _all_of(said).strip(), process)
        finally:
            await _end(process)


async def _address(process: Process, said: IO[bytes]) -> str | None:
    """The first that it prints; None if it ends or takes too long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(START_LIMIT_S):
            while process.returncode is None:
                if found := re.search(r"(?:http|ws)://\S+(?=\s)", _all_of(said)):
                    return found.group()
                await asyncio.sleep(LOOK_EVERY_S)
    return None


def _all_of(file: IO[bytes]) -> str:
    """Read without moving the place at which the child writes: it has the same open file."""
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size, 0).decode(errors="replace")


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    await end_within(process, STOP_LIMIT_S)


def free_port() -> int:
    """A TCP port of loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests to an LLM server over a stretch of time."""

    opened: int
    finished: int
    cancelled: int
    """Closed by the client before their end."""
    asked: tuple[str, ...]
    """For each, all that the person had said."""


class BenchEngine:
    """The benchmark's LLM server (`bench.engine`), seen from outside."""

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        """`url` is the one to give to servers, up to and including /v1."""
        self.url = url
        self._root = url.removesuffix("/v1")
        self._http = http
        self._before: Mapping[str, int] = {}

    async def begin(self) -> None:
        """Forget what was asked so far."""
        self._before = await self._stats()
        await self._asked()

    async def requests(self, settle_s: float = 1.0) -> Requests:
        """Since `begin`, once no stream is open, or after `settle_s`."""
        deadline = asyncio.get_running_loop().time() + settle_s
        now = await self._stats()
        while now["open"] and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
            now = await self._stats()
        counts = {name: now[name] - self._before[name] for name in now}
        return Requests(
            counts["opened"], counts["finished"], counts["cancelled"], tuple(await self._asked())
        )

    async def say(self, text: str) -> None:
        """Give this answer from now on; its own again if it is empty."""
        await self._http.post(f"{self._root}/say", content=text)

    async def _stats(self) -> dict[str, int]:
        answer: Any = (await self._http.get(f"{self._root}/stats")).json()
        return dict(answer)

    async def _asked(self) -> list[str]:
        answer: Any = (await self._http.post(f"{self._root}/asked")).json()
        return list(answer)
