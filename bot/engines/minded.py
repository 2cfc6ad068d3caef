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

from bot.engines.minder import STOP_LIMIT_S, News, Order, Progress, Ready
from bot.engines.recipe import EngineError, Recipe

_ROOT = Path(__file__).parents[2]
_COMMAND = (sys.executable, "-m", "bot.engines.minder")
Tell: TypeAlias = Callable[[Progress], None]


class MindedEngine:
    """Its minder, and so the engine, goes when this process goes, however it goes."""

    def __init__(self, recipe: Recipe, root: Path, environment: Mapping[str, str]) -> None:
        """`environment` is all that the engine gets."""
        self._order = Order(recipe, root, leashed=True)
        self._environment = environment
        self._minder: Process | None = None

    async def open(self, tell: Tell = lambda progress: None) -> Ready:
        """Raises EngineError; `close` is owed either way."""
        self._minder = minder = await asyncio.create_subprocess_exec(
            # In a session of its own, it does not hear the terminal's Ctrl-C: calls finish first.
            *_COMMAND, stdin=PIPE, stdout=PIPE, cwd=_ROOT, env=self._environment,
            start_new_session=True,
        )  # fmt: skip
        assert minder.stdin is not None
        assert minder.stdout is not None
        minder.stdin.write(self._order.line())
        while line := await minder.stdout.readline():
            match news := read_news(line):
                case Ready():
                    return news
                case Progress():
                    tell(news)
        raise EngineError(f"the minder of {self._order.recipe.name} ended without a word")

    async def close(self) -> None:
        minder, self._minder = self._minder, None
        if minder is None:
            return
        assert minder.stdin is not None
        minder.stdin.close()
        try:
            async with asyncio.timeout(2 * STOP_LIMIT_S):
                await minder.wait()
        except TimeoutError:
            minder.kill()
            await minder.wait()


def start_and_leave(
    recipe: Recipe, root: Path, environment: Mapping[str, str], tell: Tell
) -> tuple[int, Ready]:
    """Start it, wait until it is ready, and leave it running. Returns the minder's process id.

    Raises EngineError; then, and when interrupted, nothing is left running.
    """
    order = Order(recipe, root, leashed=False)
    minder = subprocess.Popen(
        _COMMAND, stdin=PIPE, stdout=PIPE, stderr=subprocess.DEVNULL, cwd=_ROOT,
        env=dict(environment), start_new_session=True,
    )  # fmt: skip
    assert minder.stdin is not None
    assert minder.stdout is not None
    try:
        minder.stdin.write(order.line())
        minder.stdin.close()
        for line in minder.stdout:
            match news := read_news(line):
                case Ready():
                    return minder.pid, news
                case Progress():
                    tell(news)
        raise EngineError(f"the minder of {recipe.name} ended without a word")
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(minder.pid, signal.SIGTERM)
        minder.wait()
        raise


def read_news(line: bytes) -> News:
    """Raises EngineError if that is the news."""
    told: dict[str, Any] = json.loads(line)
    if "failed" in told:
        raise EngineError(told["failed"])
    if "ready" in told:
        return Ready(told["ready"], told["streams"])
    return Progress(told["progress"], told["waited_s"])
