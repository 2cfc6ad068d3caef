"""The side of whoever has an engine started: as long as a server runs, or to leave it running."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from bot.engines.recipe import EngineError, Recipe
from bot.engines.supervisor import (
    STOP_LIMIT_S,
    Alive,
    Back,
    Down,
    News,
    Order,
    Ready,
    StartProgress,
)
from pipelines.services.minding import ProcessMinder, Pulse, end_within, ended_with
from pipelines.services.protocols import ServiceError

_COMMAND = (sys.executable, "-P", "-m", "bot.engines.supervisor")
Tell: TypeAlias = Callable[[StartProgress], None]

log = structlog.get_logger(__name__)


class SupervisedEngine:
    """Its supervisor, and so the engine, goes when this process goes, however it goes.

    The supervisor minds the engine; where that is killed itself, it is started again.
    """

    def __init__(self, recipe: Recipe, root: Path, environment: Mapping[str, str]) -> None:
        """`environment` is all that the engine gets."""
        self._order = Order(recipe, root, leashed=True)
        self._environment = environment
        self._supervisor: Process | None = None
        self._is_down = False
        self._alive = asyncio.Event()
        self._minder = ProcessMinder(
            f"the supervisor of {recipe.name}",
            self._until_gone,
            self._start_again,
            Pulse(self._is_there, self._kill),
        )

    @property
    def trouble(self) -> str | None:
        if self._is_down:
            return f"{self._order.recipe.name} is down, and is being started again"
        return self._minder.trouble

    async def run(self) -> None:
        """Mind it. Comes after `open`."""
        await self._minder.run()

    async def open(self, tell: Tell = lambda progress: None) -> Ready:
        """Raises EngineError; `close` is owed either way."""
        self._supervisor = supervisor = await asyncio.create_subprocess_exec(
            # In a session of its own, it does not hear the terminal's Ctrl-C: calls finish first.
            *_COMMAND, stdin=PIPE, stdout=PIPE, env=self._environment,
            start_new_session=True,
        )  # fmt: skip
        assert supervisor.stdin is not None
        supervisor.stdin.write(self._order.line())
        async for news in _news_of(supervisor):
            match news:
                case Ready():
                    return news
                case StartProgress():
                    tell(news)
                case _:
                    pass
        raise EngineError(f"the supervisor of {self._order.recipe.name} ended without a word")

    async def _start_again(self) -> None:
        """Raises ServiceError."""
        await self.close()
        try:
            await self.open()
        except EngineError as error:
            raise ServiceError("llm", str(error), retryable=True) from error

    async def _until_gone(self) -> str:
        assert self._supervisor is not None
        name = self._order.recipe.name
        async for news in _news_of(self._supervisor):
            match news:
                case Alive():
                    self._alive.set()
                case Down(trouble, pause_s):
                    self._is_down = True
                    log.error("an engine is down", engine=name, reason=trouble, again_in_s=pause_s)
                case Back(after_s):
                    self._is_down = False
                    log.warning("an engine is back", engine=name, after_s=round(after_s, 1))
                case _:
                    pass
        self._is_down = False  # its supervisor's trouble is the greater one
        return ended_with(await self._supervisor.wait())

    async def _is_there(self) -> bool:
        """It says so of itself, every few seconds."""
        self._alive.clear()
        return await self._alive.wait()

    def _kill(self) -> None:
        assert self._supervisor is not None
        self._supervisor.kill()

    async def close(self) -> None:
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        await end_within(supervisor, 2 * STOP_LIMIT_S)


async def _news_of(supervisor: Process) -> AsyncIterator[News]:
    """Until it ends. Raises EngineError if it says that the engine cannot be started."""
    assert supervisor.stdout is not None
    while line := await supervisor.stdout.readline():
        yield read_news(line)


def start_and_leave(
    recipe: Recipe, root: Path, environment: Mapping[str, str], tell: Tell
) -> tuple[int, Ready]:
    """Start it, wait until it is ready, and leave it running. Returns the supervisor's process id.

    Raises EngineError; then, and when interrupted, nothing is left running.
    """
    order = Order(recipe, root, leashed=False)
    supervisor = subprocess.Popen(
        _COMMAND, stdin=PIPE, stdout=PIPE, stderr=subprocess.DEVNULL,
        env=dict(environment), start_new_session=True,
    )  # fmt: skip
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    try:
        supervisor.stdin.write(order.line())
        supervisor.stdin.close()
        for line in supervisor.stdout:
            match news := read_news(line):
                case Ready():
                    return supervisor.pid, news
                case StartProgress():
                    tell(news)
                case _:
                    pass
        raise EngineError(f"the supervisor of {recipe.name} ended without a word")
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(supervisor.pid, signal.SIGTERM)
        supervisor.wait()
        raise


def read_news(line: bytes) -> News:
    """Raises EngineError if that is the news."""
    told: dict[str, Any] = json.loads(line)
    if "failed" in told:
        raise EngineError(told["failed"])
    if "ready" in told:
        return Ready(told["ready"], told["streams"])
    if "down" in told:
        return Down(told["down"], told["pause_s"])
    if "alive" in told:
        return Alive()
    if "back" in told:
        return Back(told["back"])
    return StartProgress(told["progress"], told["waited_s"])
