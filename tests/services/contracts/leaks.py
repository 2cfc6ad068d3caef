"""Runs a scenario, and sees that nothing of it is left."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path


def run_leaving_nothing(scenario: Callable[[], Awaitable[None]]) -> None:
    async def watched() -> None:
        await scenario()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    before = threads(), open_files(), children()
    asyncio.run(watched())
    assert (threads(), open_files(), children()) == before


def threads() -> int:
    return threading.active_count()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that is just ending
            found.update((task / "children").read_text().split())
    return found
