"""The side of whoever has an engine started: as long as a server runs, or to leave it running."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from bot.engines.recipe import EngineError, Recipe
from bot.engines.supervisor import STOP_LIMIT_S, News, Order, Ready, StartProgress

_COMMAND = (sys.executable, "-P", "-m", "bot.engines.supervisor")
Tell: TypeAlias = Callable[[StartProgress], None]


class SupervisedEngine:
    """Its supervisor, and so the engine, goes when this process goes, however it goes."""

    def __init__(self, recipe: Recipe, root: Path, environment: Mapping[str, str]) -> None:
        """`environment` is all that the engine gets."""
        self._order = Order(recipe, root, leashed=True)
        self._environment = environment
        self._supervisor: Process | None = None

    async def open(self, tell: Tell = lambda progress: None) -> Ready:
        """Raises EngineError; `close` is owed either way."""
        self._supervisor = supervisor = await asyncio.create_subprocess_exec(
            # In a session of its own, it does not hear the terminal's Ctrl-C: calls finish first.
            *_COMMAND, stdin=PIPE, stdout=PIPE, env=self._environment,
            start_new_session=True,
        )  # fmt: skip
        assert supervisor.stdin is not None
        assert supervisor.stdout is not None
        supervisor.stdin.write(self._order.line())
        while line := await supervisor.stdout.readline():
            match news := read_news(line):
                case Ready():
                    return news
                case StartProgress():
                    tell(news)
        raise EngineError(f"the supervisor of {self._order.recipe.name} ended without a word")

    async def close(self) -> None:
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        try:
            async with asyncio.timeout(2 * STOP_LIMIT_S):
                await supervisor.wait()
        except TimeoutError:
            supervisor.kill()
            await supervisor.wait()


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
    return StartProgress(told["progress"], told["waited_s"])
